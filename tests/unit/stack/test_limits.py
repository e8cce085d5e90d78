"""A budget per minute, refilled steadily."""

from hypothesis import given
from hypothesis import strategies as st

from streams.stack.cloud.limits import Budget


def test_a_full_budget_can_be_spent_at_once_and_then_asks_to_wait():
    budget = Budget(60, burst_seconds=60)
    assert budget.wait(60, now=100) == 0
    budget.spend(60, now=100)
    assert budget.wait(1, now=100) == 1
    assert budget.wait(1, now=101) == 0


def test_more_than_the_whole_budget_can_never_be_spent():
    assert Budget(60, burst_seconds=1).wait(2, now=0) == float("inf")


def test_an_idle_budget_does_not_grow_beyond_its_burst():
    budget = Budget(60, burst_seconds=2)
    budget.spend(2, now=0)
    assert budget.wait(2, now=1_000_000) == 0
    budget.spend(2, now=1_000_000)
    assert budget.wait(1, now=1_000_000) == 1


amounts = st.floats(min_value=0.1, max_value=50)
gaps = st.floats(min_value=0, max_value=30)


@given(st.lists(st.tuples(gaps, amounts), max_size=60), st.floats(min_value=1, max_value=600))
def test_never_more_is_spent_than_burst_and_refill_allow(calls, per_minute):
    budget = Budget(per_minute, burst_seconds=30)
    now = spent = 0.0
    for gap, amount in calls:
        now += gap
        if budget.wait(amount, now) == 0:
            budget.spend(amount, now)
            spent += amount
    assert spent <= per_minute / 60 * (30 + now) * (1 + 1e-9)


@given(st.floats(min_value=1, max_value=600), st.floats(min_value=0.1, max_value=4))
def test_whoever_waits_as_long_as_told_is_served(per_minute, amount):
    budget = Budget(per_minute, burst_seconds=60)
    budget.spend(per_minute, now=0)
    wait = budget.wait(min(amount, per_minute), now=0)
    assert budget.wait(min(amount, per_minute), now=wait + 1e-6) < 1e-6
