"""A lane's calls get smaller while queries are slow, and never so small that it stands still."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas import Spread, Why, WindowObservation
from streams.core.yielding import Calls, Queries, next_calls, queries_of

LIMIT = 250.0
RESTING = Calls(1, rests=True)


@pytest.mark.parametrize(
    ("calls", "queries", "after"),
    [
        (Calls(32), Queries(300.0), Calls(16)),
        (Calls(3), Queries(300.0), Calls(1)),
        (Calls(1), Queries(300.0), RESTING),
        (RESTING, Queries(300.0), RESTING),
        # Nothing was embedded in time, which no percentile of the others tells.
        (Calls(32), Queries(None, late=1), Calls(16)),
        (Calls(32), Queries(20.0, late=1), Calls(16)),
        # At the limit it is not slow, and not far enough below it to try more.
        (Calls(8), Queries(250.0), Calls(8)),
        (Calls(8), Queries(126.0), Calls(8)),
        (RESTING, Queries(126.0), RESTING),
        (Calls(8), Queries(125.0), Calls(9)),
        (RESTING, Queries(125.0), Calls(1)),
        # All of them had been asked before.
        (Calls(8), Queries(None), Calls(9)),
        (Calls(8), None, Calls(9)),
        (RESTING, None, Calls(1)),
        (Calls(32), None, Calls(32)),
    ],
)
def test_calls_are_halved_kept_or_a_step_larger(calls, queries, after):
    assert next_calls(calls, queries, limit_ms=LIMIT, most=32) == after


SIZES = st.integers(1, 2_048)
QUERIES = st.none() | st.builds(
    Queries, p95_ms=st.none() | st.floats(0, 60_000), late=st.integers(0, 5)
)


@given(most=SIZES, limit_ms=st.floats(1, 5_000), seen=st.lists(QUERIES, max_size=80))
def test_there_is_always_a_text_in_a_call_and_never_more_than_the_most(most, limit_ms, seen):
    calls = Calls(most)
    for queries in seen:
        calls = next_calls(calls, queries, limit_ms=limit_ms, most=most)
        assert 1 <= calls.inputs <= most
        assert not calls.rests or calls.inputs == 1


@given(most=SIZES, inputs=SIZES, rests=st.booleans())
def test_without_queries_calls_are_full_within_33_steps_and_stay_so(most, inputs, rests):
    calls = RESTING if rests else Calls(min(inputs, most))
    for _ in range(33):
        after = next_calls(calls, None, limit_ms=LIMIT, most=most)
        assert after == Calls(most) if calls == Calls(most) else after != calls
        assert after.inputs >= calls.inputs
        calls = after
    assert calls == Calls(most)


@given(most=SIZES, p95_ms=st.floats(LIMIT, 60_000, exclude_min=True))
def test_while_queries_are_slow_calls_are_as_small_as_can_be_within_12_steps(most, p95_ms):
    calls = Calls(most)
    for _ in range(12):
        calls = next_calls(calls, Queries(p95_ms), limit_ms=LIMIT, most=most)
    assert calls == RESTING


def window(p95_ms: float | None = None, **failures: int) -> WindowObservation:
    spread = None
    if p95_ms is not None:
        spread = Spread(count=1, p50_ms=1.0, p95_ms=p95_ms, worst_ms=p95_ms)
    return WindowObservation(
        at=1,
        seconds=1.0,
        process="serve-1",
        lane="ollama",
        searches=9,
        failures={Why(name): count for name, count in failures.items()},
        embed=spread,
    )


def test_of_several_windows_the_slowest_counts():
    assert queries_of([window(80.0), window(300.0), window()]) == Queries(300.0)


def test_queries_without_an_answer_in_time_are_late_and_other_failures_are_not():
    seen = [window(deadline=1, refused=2), window(80.0, breaker_open=3, unreachable=4)]
    assert queries_of(seen) == Queries(80.0, late=4)


def test_no_window_is_no_queries():
    assert queries_of([]) is None
    assert queries_of([window()]) == Queries(None)
