"""`hotswap status` begins with the migration, and tells which worker goes by an old state."""

import math
import time

import pytest

from schemas import WorkerReport, WorkerState
from streams.cli.output import span
from streams.cli.status import _ranges
from streams.ports import NewRecord
from tests.unit.cli.rows import now
from tests.unit.cli.walking import walk


def test_the_migration_stands_first_with_its_reads_and_what_rests(hotswap, initialised):
    walk(hotswap, initialised, "ramp 5")
    assert hotswap("pause", "ollama", "--force", "--reason", "new [disk]").status == 0
    assert hotswap("throttle", "cloud", "3").status == 0
    lines = hotswap("status").out.splitlines()
    assert lines[0].startswith("stage live since ")
    assert "from cloud to ollama; version 9, " in lines[0]
    assert lines[1] == "reads: cloud 95 %, ollama 5 %; mirrored to the other lane"
    assert lines[2] == "lane cloud: throttled to 3 documents/s"
    assert lines[3].startswith("lane ollama: paused by ")
    assert lines[3].endswith(": new [disk]")


def test_a_lane_that_is_not_known_to_hold_everything_is_said_to(hotswap, initialised):
    assert "lane ollama: not written in this stage" in hotswap("status").out
    walk(hotswap, initialised, "dualwrite")
    assert "lane ollama: not verified since its writes began" in hotswap("status").out


def test_a_way_back_is_shown_while_it_opens(hotswap, initialised):
    walk(hotswap, initialised, "ramp 100")
    for order in ("stage rampdown", "stage complete"):
        assert hotswap(*order.split(), "--force", "--reason", "a test").status == 0
    assert "lane cloud: not written in this stage" in hotswap("status").out
    assert hotswap("reopen").status == 0
    assert "cloud is reopened: it is written again" in hotswap("status").out


def test_as_json_the_migration_is_data(hotswap, initialised):
    walk(hotswap, initialised, "ramp 5")
    status = hotswap("status", "--json").json
    migration = status["migration"]
    assert (migration["stage"], migration["version"]) == ("live", 7)
    assert status["control_version"] == 7
    assert migration["reads"] == {"cloud": 95.0, "ollama": 5.0}
    assert migration["reads_in_words"] == "cloud 95 %, ollama 5 %"
    assert migration["mirrored"] is True
    assert migration["stage_seconds"] >= migration["changed_seconds"] >= 0
    assert migration["changed_at"] >= migration["stage_since"]
    assert migration["lanes"]["ollama"] == {
        "written": True,
        "fully_written": True,
        "build": 1,
        "paused": None,
        "documents_per_second": None,
    }


@pytest.mark.parametrize(
    ("version", "age", "said"),
    [
        (2, 1.0, ""),
        (1, 1.0, "; goes by control version 1 of 2"),
        (2, 12.0, "; has not heard of the control log for 12 s"),
    ],
)
def test_a_worker_that_goes_by_an_old_state_is_told(hotswap, initialised, version, age, said):
    report = WorkerReport(
        worker="w",
        role="embed:ollama",
        at=time.time_ns() // 1_000_000,
        state=WorkerState.RUNNING,
        control_version=version,
        control_age_seconds=age,
    )
    now(initialised.log.append([NewRecord("observations", b"ollama", report.encode())]))
    shown = hotswap("status").out
    notes = [line for line in shown.splitlines() if line.startswith("embed:ollama is")]
    assert notes == ([f"embed:ollama is running{said}"] if said else [])
    roles = {role["role"]: role for role in hotswap("status", "--json").json["roles"]}
    (worker,) = roles["embed:ollama"]["workers"]
    assert (worker["control_version"], worker["control_age_seconds"]) == (version, age)


def test_a_worker_that_yields_to_queries_is_said_to(hotswap, initialised):
    report = WorkerReport(
        worker="w",
        role="embed:ollama",
        at=time.time_ns() // 1_000_000,
        state=WorkerState.RUNNING,
        reason="yields to queries: 4 of 32 texts in a call",
    )
    now(initialised.log.append([NewRecord("observations", b"embed:ollama", report.encode())]))
    shown = " ".join(hotswap("status").out.split())
    assert "running: yields to queries: 4 of 32 texts in a call" in shown


def test_of_several_workers_each_is_told_apart_by_its_own_part_of_the_name(hotswap, initialised):
    for own, reason in (("aa11", "Ollama is away"), ("bb22", "")):
        report = WorkerReport(
            worker=f"embed-ollama-{own}",
            role="embed:ollama",
            at=time.time_ns() // 1_000_000,
            state=WorkerState.STALLED if reason else WorkerState.RUNNING,
            reason=reason,
            control_version=2,
        )
        now(initialised.log.append([NewRecord("observations", b"o", report.encode())]))
    shown = hotswap("status").out
    assert "embed:ollama aa11 is stalled: Ollama is away\n" in shown
    assert "embed:ollama bb22" not in shown


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0, "0 s"),
        (0.9, "0 s"),
        (59, "59 s"),
        (60, "1 min"),
        (61.5, "1 min 1 s"),
        (3_600, "1 h"),
        (7_385, "2 h 3 min"),
        (86_400 * 9 + 3_601, "9 d 1 h"),
        (math.inf, "ever"),
    ],
)
def test_a_length_of_time_is_told_in_its_two_largest_units(seconds, words):
    assert span(seconds) == words


@pytest.mark.parametrize(
    ("numbers", "words"),
    [((), ""), ((4,), "4"), ((0, 1, 2, 3), "0-3"), ((7, 0, 1, 4, 3), "0-1, 3-4, 7")],
)
def test_partitions_in_a_row_are_drawn_together(numbers, words):
    assert _ranges(numbers) == words


def test_a_role_that_is_behind_says_in_which_partitions(hotswap, initialised):
    records = [NewRecord("documents", key, b"{}", partition=at) for key, at in BEHIND]
    now(initialised.log.append(records))
    said = hotswap("status").out
    assert "embed:ollama is behind in documents 0:2 1:1\n" in said
    assert "normalise is behind" not in said


BEHIND = ((b"a", 0), (b"b", 0), (b"c", 1))
