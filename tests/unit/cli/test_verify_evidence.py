"""`hotswap verify` leaves its verdict in the control log, where the guards look for it."""

import orjson
import pytest

from schemas import Stage, StageSet
from streams.cli.exits import Exit
from streams.errors import TransientError
from streams.ports import NewRecord
from tests.unit.cli.rows import now
from tests.unit.cli.walking import append, catch_up, control_end, walk


def newest(hotswap, kind="verify"):
    return orjson.loads(hotswap("history", "--json", "--kind", kind, "-n", "1").out)


def test_a_clean_verify_is_recorded_and_says_what_it_opens(hotswap, initialised):
    walk(hotswap, initialised, "dualwrite")
    ended = hotswap("verify", "ollama")
    assert ended.status == Exit.OK
    assert "  recorded as evidence, control record 4\n" in ended.out
    assert "  stage shadow may be entered now\n" in ended.out
    assert hotswap("stage", "shadow").status == Exit.OK


def test_as_json_each_report_has_its_evidence(hotswap, initialised):
    walk(hotswap, initialised, "dualwrite")
    cloud, ollama = hotswap("verify", "--json").json
    assert (cloud["verdict"], cloud["evidence"]["verdict"]) == ("clean", "accepted")
    assert cloud["evidence"]["opens"] == []
    assert ollama["evidence"]["opens"] == ["stage shadow may be entered now"]
    assert ollama["evidence"]["offset"] == 5


@pytest.mark.parametrize("option", ["--no-evidence", "--no-vectors"])
def test_without_evidence_nothing_is_appended(hotswap, initialised, option):
    catch_up(initialised)
    end = control_end(initialised)
    ended = hotswap("verify", option)
    assert ended.status == Exit.OK
    assert "not recorded as evidence" in ended.out
    assert hotswap("verify", option, "--json").json[0]["evidence"] is None
    assert control_end(initialised) == end


def test_a_verify_that_is_not_clean_is_recorded_as_what_it_is(hotswap, initialised):
    walk(hotswap, initialised, "dualwrite")
    now(initialised.log.append([NewRecord("documents", b"articles/1", b"{}")]))
    ended = hotswap("verify", "ollama", "--wait", "0")
    assert ended.status == Exit.INCONCLUSIVE
    assert "recorded as evidence" in ended.out
    assert newest(hotswap)["what"] == "verify ollama/1: inconclusive"


def test_an_order_given_meanwhile_is_not_covered(hotswap, initialised, monkeypatch):
    catch_up(initialised)
    count = initialised.store.count
    meanwhile = [StageSet(id="m", by="bob", reason="r", force=True, to=Stage.DUALWRITE)]

    async def count_and_be_overtaken(collection):
        if meanwhile:
            record = NewRecord("control", None, meanwhile.pop().encode())
            await initialised.log.append([record])
        return await count(collection)

    monkeypatch.setattr(initialised.store, "count", count_and_be_overtaken)
    ended = hotswap("verify", "ollama", "--json")
    assert ended.status == Exit.OK
    assert not meanwhile
    assert ended.json[0]["evidence"]["verdict"] == "accepted"
    assert ended.json[0]["evidence"]["opens"] == []
    held = hotswap("stage", "shadow", "--json")
    assert held.status == Exit.HELD
    assert held.json["guards"] == ["proven", "verified"]


def test_evidence_that_is_not_taken_is_warned_of_and_the_status_stays(
    hotswap, initialised, monkeypatch
):
    catch_up(initialised)
    append(initialised, b"{")
    monkeypatch.setattr("uuid.uuid4", lambda: "the same id")
    assert hotswap("verify", "ollama").err == ""
    ended = hotswap("verify", "ollama")
    assert ended.status == Exit.OK
    assert "warning: not recorded as evidence: rejected (duplicate)" in ended.err
    assert "recorded" not in ended.out


def test_if_kafka_is_lost_after_the_verify_the_report_is_still_given(
    hotswap, initialised, monkeypatch
):
    catch_up(initialised)

    async def away(_records):
        raise TransientError("Kafka is away")

    monkeypatch.setattr(initialised.log, "append", away)
    ended = hotswap("verify", "ollama", "--json")
    assert ended.status == Exit.UNREACHABLE
    assert "the verdict on ollama could not be recorded as evidence: Kafka is away" in ended.err
    assert [report["verdict"] for report in ended.json] == ["clean"]
    assert ended.json[0]["evidence"] is None
    assert hotswap("verify", "ollama").out.startswith("ollama: clean")
