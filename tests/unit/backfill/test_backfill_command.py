"""`hotswap backfill`: shows how far the workers are, and believes a verify only."""

import time
from itertools import chain, repeat

import orjson
import pytest

from schemas import BuildStarted, DeadLetter, Reason, WorkerReport, WorkerState
from streams.cli.exits import Exit
from streams.core.dead_letters import LETTER_HEADER
from streams.ports import NewRecord
from streams.services import backfill
from tests.unit.cli.rows import now, rows_of
from tests.unit.cli.walking import append, catch_up, control_end

FORCE = ("--force", "--reason", "a test")


@pytest.fixture
def dualwrite(hotswap, initialised):
    """Stage dualwrite, and three documents that no lane has embedded yet."""
    assert hotswap("stage", "dualwrite", *FORCE).status == Exit.OK
    initialised.rows = now(
        rows_of(initialised.log, initialised.embedders["ollama"], ["one", "two", "three"])
    )
    return initialised


def collection(systems, lane="ollama") -> str:
    found: str = next(name for name in now(systems.store.collections()) if lane in name)
    return found


def fill(systems, rows) -> None:
    """What the lane's worker would do with these."""
    now(systems.store.upsert(collection(systems), rows))


def report(systems, **fields) -> None:
    """What a worker says of itself now."""
    said = {
        "worker": "w",
        "role": "embed:ollama",
        "at": time.time_ns() // 1_000_000,
        "state": WorkerState.RUNNING,
        **fields,
    }
    record = NewRecord("observations", b"embed:ollama", WorkerReport(**said).encode())
    now(systems.log.append([record]))


@pytest.fixture
def between_looks(monkeypatch):
    """Let something happen in each pause; after the last one there are no more."""

    def set_up(*steps) -> None:
        left = chain(steps, repeat(None))

        async def pause(_seconds: float) -> None:
            step = next(left)
            if step is None:
                raise KeyboardInterrupt
            await step()

        monkeypatch.setattr("streams.cli.backfill._pause", pause)

    return set_up


def test_once_tells_how_far_it_is_and_that_this_is_not_all(hotswap, dualwrite):
    fill(dualwrite, dualwrite.rows[:2])
    report(dualwrite, counters={"mismatched": 2, "embedded": 5})
    report(dualwrite, worker="other", counters={"mismatched": 1})
    ended = hotswap("backfill", "--once", "--json")
    assert ended.status == Exit.INCONCLUSIVE
    said = ended.json
    assert (said["documents"], said["total"], said["total_is_exact"]) == (2, 3, True)
    assert (said["validation_failures"], said["embedded"], said["workers"]) == (3, 5, 2)
    assert sum(said["lag"].values()) == 3
    assert (said["reached"], said["complete"]) == (False, False)
    shown = hotswap("backfill", "--once")
    assert "not complete: 3 records to do" in shown.out
    assert "documents with a vector   2" in shown.out


def test_offsets_alone_do_not_make_it_complete(hotswap, dualwrite):
    fill(dualwrite, dualwrite.rows[:2])
    catch_up(dualwrite)
    once = hotswap("backfill", "--once")
    assert once.status == Exit.INCONCLUSIVE
    assert "`hotswap verify ollama` has to find it clean" in once.out
    ended = hotswap("backfill")
    assert ended.status == Exit.FAILED
    assert "not complete: verify different; 1 missing" in ended.out
    assert hotswap("backfill", "--once").status == Exit.INCONCLUSIVE


def test_a_clean_verify_makes_it_complete_and_is_recorded(hotswap, dualwrite):
    fill(dualwrite, dualwrite.rows)
    catch_up(dualwrite)
    end = control_end(dualwrite)
    ended = hotswap("backfill", "ollama", "--build", "1")
    assert ended.status == Exit.OK
    assert "complete: verify clean; 3 documents, each with its row\n" in ended.out
    assert f"  recorded as evidence, control record {end}\n" in ended.out
    assert hotswap("backfill", "--once").out.endswith("complete: by the newest verify\n")
    assert hotswap("backfill", "--once").status == Exit.OK


@pytest.mark.parametrize("option", ["--no-evidence", "--dry-run"])
def test_without_evidence_nothing_is_appended(hotswap, dualwrite, option):
    fill(dualwrite, dualwrite.rows)
    catch_up(dualwrite)
    end = control_end(dualwrite)
    ended = hotswap("backfill", option)
    assert ended.status == Exit.OK
    assert "not recorded as evidence" in ended.out
    assert control_end(dualwrite) == end


def test_it_waits_for_the_workers_and_each_look_is_a_line_of_json(
    hotswap, dualwrite, between_looks
):
    report(dualwrite)

    async def one_more() -> None:
        await dualwrite.store.upsert(collection_of, dualwrite.rows[:1])

    async def all_done() -> None:
        await dualwrite.store.upsert(collection_of, dualwrite.rows)
        ends = await dualwrite.log.ends("documents")
        dualwrite.log.commit("hotswap-embed-ollama", "documents", ends)

    collection_of = collection(dualwrite)
    between_looks(one_more, all_done)
    ended = hotswap("backfill", "--json")
    assert ended.status == Exit.OK
    *looks, outcome = [orjson.loads(line) for line in ended.out.splitlines()]
    assert [(one["documents"], one["complete"]) for one in looks] == [
        (0, False),
        (1, False),
        (3, False),
    ]
    assert outcome["complete"]
    assert (outcome["verify"]["verdict"], outcome["evidence"]["verdict"]) == ("clean", "accepted")


def test_a_document_that_comes_meanwhile_is_not_waited_for(
    hotswap, dualwrite, between_looks, monkeypatch
):
    monkeypatch.setattr("streams.cli.backfill._VERIFY_SECONDS", 0.0)
    report(dualwrite)
    fill(dualwrite, dualwrite.rows)
    until = now(dualwrite.log.ends("documents"))

    async def reach_where_it_began() -> None:
        await rows_of(dualwrite.log, dualwrite.embedders["ollama"], ["one", "two", "three", "4"])
        dualwrite.log.commit("hotswap-embed-ollama", "documents", until)

    between_looks(reach_where_it_began)
    ended = hotswap("backfill", "--json", "--no-evidence")
    *looks, outcome = [orjson.loads(line) for line in ended.out.splitlines()]
    assert looks[-1]["reached"]
    # The verify looks at what there is by then, and says that this is not all.
    assert (ended.status, outcome["verify"]["verdict"]) == (Exit.INCONCLUSIVE, "inconclusive")


def test_a_lane_that_nobody_fills_is_an_error_with_its_remedy(hotswap, dualwrite, monkeypatch):
    monkeypatch.setattr(backfill, "_GRACE_SECONDS", 0.0)
    ended = hotswap("backfill")
    assert ended.status == Exit.UNREACHABLE
    assert "no worker of embed:ollama has reported" in ended.err
    assert "`hotswap worker embed ollama --build 1`, or `hotswap up`" in ended.err
    report(dualwrite, at=1)
    assert hotswap("backfill").status == Exit.UNREACHABLE


def test_a_worker_that_was_killed_is_given_time_to_come_back(hotswap, dualwrite, between_looks):
    fill(dualwrite, dualwrite.rows)

    async def back() -> None:
        ends = await dualwrite.log.ends("documents")
        dualwrite.log.commit("hotswap-embed-ollama", "documents", ends)

    between_looks(back)
    ended = hotswap("backfill")
    assert ended.status == Exit.OK
    assert "ollama build 1: no worker reports\n" in ended.err


def test_in_a_stage_that_does_not_write_the_lane_it_does_not_wait(hotswap, initialised):
    now(rows_of(initialised.log, initialised.embedders["ollama"], ["one"]))
    ended = hotswap("backfill")
    assert ended.status == Exit.UNREACHABLE
    assert "lane ollama is not written in stage off" in ended.err
    assert "hotswap stage dualwrite" in ended.err


def test_why_the_workers_do_not_get_on_is_told(hotswap, dualwrite, between_looks):
    report(dualwrite, state=WorkerState.STALLED, reason="Ollama does not answer")
    between_looks()
    ended = hotswap("backfill")
    assert ended.status == Exit.INTERRUPTED
    assert "ollama build 1: stalled: Ollama does not answer" in ended.err


def test_open_dead_letters_of_the_build_are_counted(hotswap, dualwrite):
    letter = DeadLetter(
        stage="embed:ollama",
        reason=Reason.REFUSED_BY_EMBEDDER,
        detail="too long",
        topic="documents",
        partition=0,
        offset=0,
        original_bytes=2,
    )
    for stage in ("embed:ollama", "embed:cloud", "embed:ollama:2"):
        header = letter.model_copy(update={"stage": stage}).encode()
        record = NewRecord("dead-letters", b"a", b"{}", ((LETTER_HEADER, header),), 0)
        now(dualwrite.log.append([record]))
    assert hotswap("backfill", "--once", "--json").json["dead_letters"] == 1
    hotswap("dead-letters", "discard", "0-0", "--reason", "known")
    assert hotswap("backfill", "--once", "--json").json["dead_letters"] == 0


@pytest.mark.usefixtures("dualwrite")
@pytest.mark.parametrize("arguments", [["third"], ["ollama", "--build", "7"], ["--build", "0"]])
def test_a_lane_or_build_that_there_is_not_is_wrong_usage(hotswap, arguments):
    assert hotswap("backfill", *arguments).status == Exit.USAGE


def test_deleted_documents_do_not_count(hotswap, dualwrite):
    now(dualwrite.log.append([NewRecord("documents", b"articles/1", None)]))
    assert hotswap("backfill", "--once", "--json").json["total"] == 2


def test_offsets_without_a_record_are_not_waited_for(
    hotswap, dualwrite, between_looks, monkeypatch
):
    monkeypatch.setattr(backfill, "_STILL_LOOKS", 1)
    report(dualwrite)
    fill(dualwrite, dualwrite.rows)
    ends = now(dualwrite.log.ends("documents"))
    committed = {partition: end for partition, end in ends.items() if end}
    partition = next(iter(committed))
    # The last record of a partition is gone, as after a tombstone's retention.
    now(dualwrite.log.append([NewRecord("documents", b"x", None, partition=partition)]))
    dualwrite.log._of("documents")[partition].records.pop()
    dualwrite.log.commit("hotswap-embed-ollama", "documents", ends)

    async def nothing() -> None:
        """The workers have nothing more to read."""

    between_looks(nothing, nothing)
    ended = hotswap("backfill")
    assert ended.status == Exit.OK, ended.err


def test_another_build_is_filled_by_a_role_of_its_own(hotswap, dualwrite):
    fingerprint = now(dualwrite.store.fingerprint(collection(dualwrite)))
    now(dualwrite.store.create("second", fingerprint))
    append(
        dualwrite,
        BuildStarted(
            id="b2",
            by="ann",
            lane="ollama",
            build=2,
            collection="second",
            fingerprint=fingerprint,
            documents_partitions=2,
        ),
    )
    fill(dualwrite, dualwrite.rows)
    catch_up(dualwrite)
    said = hotswap("backfill", "ollama", "--build", "2", "--once", "--json")
    assert (said.json["collection"], said.json["documents"]) == ("second", 0)
    assert (said.status, said.json["reached"]) == (Exit.INCONCLUSIVE, False)
    now(dualwrite.store.upsert("second", dualwrite.rows))
    ends = now(dualwrite.log.ends("documents"))
    dualwrite.log.commit("hotswap-embed-ollama-2", "documents", ends)
    assert hotswap("backfill", "ollama", "--build", "2").status == Exit.OK
    # The serving build was never verified.
    assert hotswap("backfill", "ollama", "--once").status == Exit.INCONCLUSIVE


def test_on_a_terminal_a_bar_shows_how_far_it_is(hotswap, dualwrite, between_looks, monkeypatch):
    monkeypatch.setattr("rich.console.Console.is_terminal", True)
    report(dualwrite, counters={"mismatched": 1})
    fill(dualwrite, dualwrite.rows[:1])

    async def nothing() -> None:
        """Time passes."""

    between_looks(nothing)
    ended = hotswap("backfill")
    assert ended.status == Exit.INTERRUPTED
    assert " 1/≤3" in ended.err
    assert "1 invalid" in ended.err


@pytest.mark.parametrize("words", [("--once",), ("--no-evidence",)])
def test_on_a_terminal_a_bar_shows_the_count_of_documents(hotswap, dualwrite, monkeypatch, words):
    monkeypatch.setattr("rich.console.Console.is_terminal", True)
    fill(dualwrite, dualwrite.rows)
    catch_up(dualwrite)
    ended = hotswap("backfill", *words)
    assert "counting documents" in ended.err
    assert "documents                 3" in ended.out
