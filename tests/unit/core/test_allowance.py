"""What a provider counts never exceeds its limit, however wrong every guess is."""

import heapq
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import chain, count

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.core.allowance import Allowance, Amount
from streams.core.tokens import TokenRatio
from streams.stack.cloud.limits import Budget as Provider

LIMIT = 60_000
BURST_SECONDS = 5.0


@dataclass(frozen=True)
class Call:
    """One text of `size` bytes.

    Attributes:
        density: tokens that the provider makes of a byte; at most 1.
        seconds: from its begin to its end.
        counted: after which part of that the provider counts it.
        pause: seconds before the worker comes with it.
    """

    size: int
    density: float
    seconds: float = 0.1
    counted: float = 0.5
    pause: float = 0.0

    @property
    def takes(self) -> int:
        return max(1, int(self.size * self.density))


Counted = list[tuple[float, int]]


def work(
    calls: Sequence[Call], allowance: Allowance, *, guess: float | None = None, at_once: int = 4
) -> tuple[Counted, float]:
    """A worker that does its calls in order: what the provider counts when, and how long it took.

    Args:
        calls: its own.
        allowance: its share.
        guess: tokens of a byte; None: learned.
        at_once: the most calls under way.
    """
    ratio, now, number, ready_at = TokenRatio(), 0.0, count(), 0.0
    under_way: list[tuple[float, int, Call, Amount]] = []
    counted: Counted = []
    left = list(reversed(calls))
    if left:
        ready_at = left[-1].pause
    while left or under_way:
        wait = float("inf")
        if left and len(under_way) < at_once:
            call = left[-1]
            most = call.size + 2.0
            likely = most * (ratio.per_byte if guess is None else guess)
            amount = Amount(likely, most)
            wait = max(ready_at - now, allowance.wait(amount, now))
            if wait <= 0:
                left.pop()
                allowance.begin(amount)
                heapq.heappush(under_way, (now + call.seconds, next(number), call, amount))
                counted.append((now + call.counted * call.seconds, call.takes))
                ready_at = now + (left[-1].pause if left else 0.0)
                continue
        ends_at = under_way[0][0] if under_way else float("inf")
        assert min(now + wait, ends_at) < float("inf"), "nothing will ever happen again"
        if ends_at <= now + wait:
            now, _, call, amount = heapq.heappop(under_way)
            allowance.end(amount, call.takes, now)
            ratio.learn(amount, call.takes)
        else:
            now += wait
    return sorted(counted), now


def most_within(counted: Counted, seconds: float) -> int:
    """The most that was counted within any span of so many seconds."""
    return max(
        sum(taken for at, taken in counted if since <= at < since + seconds) for since, _ in counted
    )


def calls(largest: int) -> st.SearchStrategy[list[Call]]:
    """Stretches of calls that are alike, in an order that no estimate can foresee."""
    call = st.builds(
        Call,
        size=st.integers(1, largest) | st.integers(largest // 8, largest // 2),
        density=st.sampled_from([0.1, 0.25, 0.5, 1.0]) | st.floats(0.01, 1),
        seconds=st.sampled_from([0.1, 1.0, 10.0]) | st.floats(0.01, 40),
        counted=st.floats(0, 1),
        pause=st.just(0.0) | st.floats(0, 90),
    )
    stretch = st.builds(
        lambda call, times: [replace(call, pause=0.0)] * times + [call], call, st.integers(0, 60)
    )
    return st.lists(stretch, min_size=1, max_size=6).map(lambda each: list(chain(*each)))


@given(calls(LIMIT // 6))
def test_no_minute_holds_more_than_the_limit_whatever_the_texts(made):
    counted, _ = work(made, Allowance(LIMIT, BURST_SECONDS))
    assert most_within(counted, 60 - 1e-3) <= LIMIT


@given(st.lists(calls(LIMIT // 12), min_size=1, max_size=4))
def test_workers_that_share_a_limit_do_not_exceed_it_together(each):
    counted = []
    for made in each:
        counted += work(made, Allowance(LIMIT / len(each), BURST_SECONDS))[0]
    assert most_within(sorted(counted), 60 - 1e-3) <= LIMIT


@pytest.mark.parametrize("seconds", [0.1, 3.0])
def test_texts_that_turn_ten_times_as_dense_do_not_exceed_it_either(seconds):
    thin, dense = Call(2_000, 0.1, seconds), Call(2_000, 1.0, seconds)
    counted, _ = work([thin] * 600 + [dense] * 120, Allowance(LIMIT, BURST_SECONDS))
    assert most_within(counted, 60 - 1e-3) <= LIMIT


@given(calls(LIMIT // 12))
def test_a_provider_with_a_bucket_of_the_same_burst_never_refuses_what_is_guessed_on_the_safe_side(
    made,
):
    counted, _ = work(made, Allowance(LIMIT, BURST_SECONDS), guess=1.0)
    provider = Provider(LIMIT, BURST_SECONDS)
    for at, taken in counted:
        assert provider.wait(taken, at) < 1e-3
        provider.spend(taken, at)


@pytest.mark.parametrize("density", [0.2, 0.25, 0.33, 0.6, 1.0])
def test_over_many_minutes_nearly_all_of_the_limit_is_used(density):
    made = [Call(2_000, density)] * round(5 * LIMIT / (2_000 * density))
    _, seconds = work(made, Allowance(LIMIT, BURST_SECONDS))
    assert sum(call.takes for call in made) / LIMIT >= 0.95 * seconds / 60


def test_at_first_there_is_a_burst_and_then_an_even_pace():
    allowance = Allowance(LIMIT, BURST_SECONDS)
    amount = Amount(1_000, 1_000)
    begun = []
    now = 0.0
    for _ in range(8):
        now += allowance.wait(amount, now)
        begun.append(round(now, 6))
        allowance.begin(amount)
        allowance.end(amount, 1_000, now)
    assert begun == [0, 0, 0, 0, 0, 1, 2, 3]


def test_what_was_guessed_too_high_is_given_back_and_too_low_is_owed():
    for took, expected in ((1_000, 0.0), (5_000, 1.0), (9_000, 5.0)):
        allowance = Allowance(LIMIT, BURST_SECONDS)
        amount = Amount(4_000, 10_000)
        allowance.begin(amount)
        allowance.end(amount, took, 0.0)
        assert allowance.wait(Amount(1_000, 1_000), 0.0) == pytest.approx(expected)


def test_a_call_under_way_keeps_the_most_that_it_can_take():
    allowance = Allowance(LIMIT, BURST_SECONDS)
    large = Amount(100, LIMIT - 1_000)
    allowance.begin(large)
    assert allowance.wait(Amount(100, 1_000), 0.0) == 0.0
    assert allowance.wait(Amount(100, 1_001), 0.0) == float("inf")
    allowance.end(large, 100, 1.0)
    assert allowance.wait(Amount(100, 1_001), 1.0) == 0.0


def test_a_call_that_is_larger_than_the_whole_limit_gets_a_minute_of_its_own():
    allowance = Allowance(LIMIT, BURST_SECONDS)
    small, huge = Amount(10, 10), Amount(2 * LIMIT, 8 * LIMIT)
    allowance.begin(small)
    assert allowance.wait(huge, 0.0) == float("inf")
    allowance.end(small, 10, 3.0)
    assert allowance.wait(huge, 3.0) == pytest.approx(60.0)
    assert allowance.wait(huge, 63.0) == 0.0


def test_another_share_has_no_burst_and_forgets_nothing():
    allowance = Allowance(LIMIT, BURST_SECONDS)
    spent = Amount(30_000, 30_000)
    allowance.begin(spent)
    allowance.end(spent, 30_000, 0.0)
    allowance.resize(LIMIT / 2, 40.0)
    # Half a minute's worth was spent within the last one: nothing is left of half the limit.
    assert allowance.wait(Amount(1_000, 1_000), 40.0) == pytest.approx(20.0)
    allowance.resize(LIMIT, 70.0)
    assert allowance.wait(Amount(1_000, 1_000), 70.0) == pytest.approx(1.0)
