"""`hotswap gate` from what stands on the topics to evidence on the control log."""

import orjson
import pytest

from schemas import DeadLetter, Reason, Why
from streams.cli.exits import Exit
from streams.core.dead_letters import LETTER_HEADER
from streams.errors import TransientError
from streams.ports import NewRecord, TopicSpec
from tests.unit.cli.rows import now
from tests.unit.cli.walking import control_end
from tests.unit.gate.observing import mirrored, publish, quality, side


def verdicts(ended) -> dict[str, str | None]:
    return {each["criterion"]: each["verdict"] for each in ended.json["criteria"]}


def test_after_shadow_reads_and_quality_the_gate_is_successful_and_opens_live(hotswap, shadow):
    publish(shadow, [*mirrored(20), quality(0.96, 1.01)])
    ended = hotswap("gate")
    assert ended.status == Exit.OK, ended.out
    assert "gate: successful; all 12 criteria are met; 1 switched off\n" in ended.out
    assert "  recorded as evidence, control record" in ended.out
    assert "  stage live may be entered now\n" in ended.out
    assert hotswap("stage", "live").status == Exit.OK


def test_a_crippled_target_fails_with_its_numbers_and_holds_live(hotswap, shadow):
    publish(shadow, [*mirrored(20), quality(0.55, 0.68)])
    ended = hotswap("gate")
    assert ended.status == Exit.FAILED
    assert "55.0 to 68.0 %" in ended.out
    assert "low ≥ 95 %" in ended.out
    held = hotswap("stage", "live", "--force", "--reason", "r", "--json")
    assert held.status == Exit.HELD
    assert held.json["why"] == "the newest gate failed"


def test_without_shadow_reads_the_gate_is_inconclusive(hotswap, shadow):
    publish(shadow, [quality(0.96, 1.01)])
    ended = hotswap("gate", "--json")
    assert ended.status == Exit.INCONCLUSIVE
    assert ended.json["verdict"] == "inconclusive"
    assert {name for name, verdict in verdicts(ended).items() if verdict == "inconclusive"} == {
        "samples",
        "embedding",
        "embedding-source",
        "search",
        "search-source",
        "errors",
        "timeouts",
    }
    assert ended.json["evidence"]["verdict"] == "accepted"
    held = hotswap("stage", "live", "--json")
    assert held.json["why"] == "the newest gate is inconclusive"


@pytest.mark.usefixtures("initialised")
def test_in_stage_off_nothing_can_be_said_of_the_target(hotswap):
    ended = hotswap("gate", "--json", "--dry-run")
    assert ended.status == Exit.INCONCLUSIVE
    assert "successful" not in verdicts(ended).values()
    assert ended.json["since"] is None


def test_without_a_migration_there_is_nothing_to_judge(hotswap, systems):
    now(systems.log.create(TopicSpec("control", 1, 1)))
    ended = hotswap("gate")
    assert ended.status == Exit.USAGE
    assert "run `hotswap init`" in ended.err


def test_a_dry_run_appends_nothing_at_all(hotswap, shadow):
    publish(shadow, [*mirrored(20), quality(0.96, 1.01)])
    ends = control_end(shadow), now(shadow.log.ends("observations"))
    ended = hotswap("gate", "--dry-run", "--json")
    assert (ended.status, ended.json["evidence"]) == (Exit.OK, None)
    assert "dry run: not recorded" in hotswap("gate", "--dry-run").out
    assert (control_end(shadow), now(shadow.log.ends("observations"))) == ends


@pytest.mark.parametrize(
    "others",
    [
        mirrored(20, version=0),
        mirrored(20, target=side("ollama", build=2)),
        mirrored(20, source=side("cloud", build=7)),
        mirrored(20, target=side("third")),
        mirrored(20, source=side("third")),
    ],
    ids=["before", "another target's build", "another source's build", "target", "source"],
)
def test_queries_of_other_builds_lanes_or_times_count_for_nothing(hotswap, shadow, others):
    publish(shadow, others)
    counted = {
        each["criterion"]: each["samples"] for each in hotswap("gate", "--json").json["criteria"]
    }
    assert counted["samples"] == counted["errors"] == counted["search"] == 0


@pytest.mark.parametrize(
    "other", [quality(0.96, 1.0, builds=(1, 2)), quality(0.96, 1.0, version=0)]
)
def test_quality_of_other_builds_or_times_counts_for_nothing(hotswap, shadow, other):
    publish(shadow, [other])
    assert verdicts(hotswap("gate", "--json"))["quality"] == "inconclusive"


def test_the_newest_quality_counts(hotswap, shadow):
    publish(shadow, [quality(0.96, 1.0), quality(0.5, 0.6)])
    assert verdicts(hotswap("gate", "--json"))["quality"] == "failed"


def test_what_is_older_than_the_window_counts_for_nothing(hotswap, shadow, monkeypatch):
    clock = shadow.log._clock
    monkeypatch.setattr(shadow.log, "_clock", lambda: clock() + 60_000)
    publish(shadow, [*mirrored(20), quality(0.96, 1.01)])
    assert verdicts(hotswap("gate", "--json"))["samples"] == "successful"
    # Only the time that the log gives to records has gone on.
    monkeypatch.setattr(shadow.log, "_clock", lambda: clock() + 25 * 3_600_000)
    said = verdicts(hotswap("gate", "--json"))
    assert (said["samples"], said["quality"], said["coverage"]) == ("inconclusive",) * 3


def test_a_failure_before_the_build_is_known_counts_against_the_target(hotswap, shadow):
    broken = side("ollama", build=None, embed_ms=None, search_ms=None, failure=Why.NOT_BUILT)
    publish(shadow, [*mirrored(5), *mirrored(40, target=broken, overlap=None)])
    errors = next(
        e for e in hotswap("gate", "--json").json["criteria"] if e["criterion"] == "errors"
    )
    assert (errors["verdict"], errors["samples"]) == ("failed", 45)
    assert len(errors["ids"]) == 3


def test_a_vector_that_was_kept_says_nothing_about_embedding(hotswap, shadow):
    publish(shadow, mirrored(20, target=side("ollama", cached=True, embed_ms=0.0)))
    said = {each["criterion"]: each for each in hotswap("gate", "--json").json["criteria"]}
    assert (said["embedding"]["samples"], said["search"]["samples"]) == (0, 20)


def test_an_open_dead_letter_fails_the_gate_until_it_is_discarded(hotswap, shadow):
    letter = DeadLetter(
        stage="embed:ollama",
        reason=Reason.REFUSED_BY_EMBEDDER,
        detail="too long",
        topic="documents",
        partition=0,
        offset=0,
        original_bytes=2,
    )
    header = ((LETTER_HEADER, letter.encode()),)
    others = ((LETTER_HEADER, letter.model_copy(update={"stage": "embed:cloud"}).encode()),)
    now(shadow.log.append([NewRecord("dead-letters", b"a", b"{}", header, 0)]))
    now(shadow.log.append([NewRecord("dead-letters", b"a", b"{}", others, 0)]))
    failed = hotswap("gate", "--json")
    assert verdicts(failed)["dead-letters"] == "failed"
    assert hotswap("dead-letters", "discard", "0-0", "--reason", "known").status == Exit.OK
    assert verdicts(hotswap("gate", "--json"))["dead-letters"] == "successful"


def test_evidence_covers_no_order_that_came_while_the_gate_looked(hotswap, shadow, monkeypatch):
    publish(shadow, [*mirrored(20), quality(0.96, 1.01)])
    committed = shadow.log.committed

    async def overtaken(group, topic):
        monkeypatch.setattr(shadow.log, "committed", committed)
        away = {"kind": "stage", "id": "away", "by": "bob", "to": "off"}
        back = {"kind": "stage", "id": "back", "by": "bob", "to": "dualwrite"}
        forced = {"force": True, "reason": "r"}
        for order in (away, back):
            await shadow.log.append([NewRecord("control", None, orjson.dumps(order | forced))])
        return await committed(group, topic)

    monkeypatch.setattr(shadow.log, "committed", overtaken)
    ended = hotswap("gate", "--json")
    assert ended.json["evidence"]["verdict"] == "accepted"
    assert ended.json["evidence"]["opens"] == []


def test_if_kafka_is_lost_before_it_is_recorded_the_verdict_is_still_given(
    hotswap, shadow, monkeypatch
):
    append = shadow.log.append

    async def away(records):
        if records[0].topic == "control":
            raise TransientError("Kafka is away")
        return await append(records)

    monkeypatch.setattr(shadow.log, "append", away)
    ended = hotswap("gate", "--json")
    assert ended.status == Exit.UNREACHABLE
    assert "could not be recorded as evidence: Kafka is away" in ended.err
    assert ended.json["evidence"] is None


def test_the_table_fits_into_eighty_columns(hotswap, shadow, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    publish(shadow, [*mirrored(20), quality(0.96, 1.01)])
    shown = hotswap("gate", "--dry-run").out
    assert max(map(len, shown.splitlines())) <= 80
    for word in ("embedding-source", "successful", "off"):
        assert f"{word} " in shown
