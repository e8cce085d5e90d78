"""How fast a filling goes, when it will be done, and what holds it up."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas import WorkerReport, WorkerState
from streams.core.backfill import (
    HALF_LIFE_SECONDS,
    Speed,
    advanced,
    behind,
    hindrances,
    living,
    seconds_left,
)

steps = st.lists(st.tuples(st.floats(0.01, 100), st.integers(0, 1_000)), min_size=2)


def report(worker: str, state=WorkerState.RUNNING, *, at=0, role="embed:ollama", reason=""):
    return WorkerReport(worker=worker, role=role, at=at, state=state, reason=reason)


def test_the_speed_is_known_from_the_second_look_on():
    first = advanced(None, 10.0, 100)
    assert first == Speed(10.0, 100, None)
    assert advanced(first, 12.0, 120) == Speed(12.0, 120, 10.0)


def test_after_the_half_life_what_was_before_counts_for_half():
    fast = Speed(0.0, 0, 100.0)
    assert advanced(fast, HALF_LIFE_SECONDS, 0).per_second == pytest.approx(50.0)


def test_a_look_at_the_same_moment_changes_nothing():
    speed = Speed(5.0, 10, 2.0)
    assert advanced(speed, 5.0, 99) == speed


@given(steps)
def test_the_speed_lies_between_the_slowest_and_the_fastest_step(moves):
    speed = advanced(None, 0.0, 0)
    at, done, seen = 0.0, 0, []
    for seconds, more in moves:
        before = at
        at, done = at + seconds, done + more
        seen.append(more / (at - before))
        speed = advanced(speed, at, done)
    assert speed.per_second is not None
    assert min(seen) - 1e-6 <= speed.per_second <= max(seen) * (1 + 1e-9) + 1e-6


@given(steps)
def test_documents_that_are_deleted_make_no_speed_below_nought(moves):
    speed, at, done = advanced(None, 0.0, 10**6), 0.0, 10**6
    for seconds, fewer in moves:
        at, done = at + seconds, done - fewer
        speed = advanced(speed, at, done)
    assert speed.per_second == 0


@pytest.mark.parametrize(
    ("remaining", "per_second", "left"),
    [(0, None, 0.0), (0, 5.0, 0.0), (10, None, None), (10, 0.0, None), (10, 4.0, 2.5)],
)
def test_the_time_left_is_known_only_while_something_moves(remaining, per_second, left):
    assert seconds_left(remaining, per_second) == left


def test_behind_are_the_partitions_with_something_to_do():
    assert behind({0: 5, 1: 2, 3: 9}, {0: 5, 1: 4, 2: 7, 3: 1}) == {1: 2, 2: 7}


def test_workers_that_stopped_fell_silent_or_do_something_else_fill_nothing():
    reports = [
        report("a", at=90),
        report("b", at=10),
        report("c", at=90),
        report("c", WorkerState.STOPPED, at=95),
        report("d", at=95, role="embed:cloud"),
        report("e", at=80),
        report("e", WorkerState.STALLED, at=91),
    ]
    assert [(one.worker, one.at) for one in living(reports, "embed:ollama", 100, 20)] == [
        ("a", 90),
        ("e", 91),
    ]


def test_each_reason_not_to_get_on_is_told_once():
    stalled = WorkerState.STALLED
    workers = [
        report("a"),
        report("b", stalled, reason="no answer"),
        report("c", stalled, reason="no answer"),
        report("d", WorkerState.PAUSED),
    ]
    assert hindrances(workers) == ("stalled: no answer", "paused: no reason given")
