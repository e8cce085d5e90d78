"""When a measure is good enough."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.bench.measure import Measure, Pair, compare, none, percentile, within

rates = st.lists(st.floats(min_value=0.1, max_value=1e6), min_size=1, max_size=9)
pairs = st.lists(st.builds(Pair, *[st.floats(min_value=0.1, max_value=1e6)] * 2), min_size=1)


def test_the_run_in_the_middle_is_told_with_its_own_reference():
    measure = compare("lane", [Pair(90, 100), Pair(1, 5_000), Pair(40, 42)], reach=0.9)
    ratios = (0.9, 1 / 5_000, 40 / 42)
    assert measure == Measure("lane", 90, "documents/s", 100, 0.9, 0.9, ok=True, ratios=ratios)


def test_each_run_is_compared_with_its_own_reference_however_the_machine_drifts():
    speeds = [41.0, 54.0, 48.0, 45.0, 52.0]
    drifting = [Pair(0.98 * speed, speed) for speed in speeds]
    assert compare("lane", drifting, reach=0.95).ratio == pytest.approx(0.98)


def test_of_two_runs_in_the_middle_the_worse_one_is_told():
    several = [Pair(1, 10), Pair(2, 10), Pair(3, 10), Pair(4, 10)]
    assert compare("rate", several, reach=0.1).ratio == 0.2
    assert within("p99", several).ratio == 0.3


@pytest.mark.parametrize(("value", "ok"), [(95.0, True), (95.1, True), (94.9, False)])
def test_a_ratio_is_enough_from_its_reach_on(value, ok):
    assert compare("lane", [Pair(value, 100.0)], reach=0.95).ok is ok


@pytest.mark.parametrize("nothing", [[], [Pair(1.0, 0.0)], [Pair(1.0, 2.0), Pair(1.0, 0.0)]])
def test_without_a_measurement_there_is_no_verdict(nothing):
    with pytest.raises(ValueError, match="lane"):
        compare("lane", nothing, reach=0.5)
    with pytest.raises(ValueError, match="p99"):
        within("p99", nothing)


@given(pairs, st.floats(min_value=0.1, max_value=100), st.randoms(use_true_random=False))
def test_the_order_of_runs_changes_no_verdict(several, reach, chance: random.Random):
    shuffled = chance.sample(several, len(several))
    measure, other = (compare("lane", each, reach=reach) for each in (several, shuffled))
    assert (measure.ratio, measure.ok) == (other.ratio, other.ok)
    assert measure.ratio == measure.value / measure.reference
    assert measure.ok == (measure.ratio >= reach)


@given(pairs, st.floats(min_value=0.1, max_value=10), st.floats(min_value=0, max_value=10))
def test_half_of_all_runs_are_at_least_as_good_as_what_is_told(several, times, plus):
    measure = within("p99", several, times=times, plus=plus)
    assert Pair(measure.value, measure.reference) in several
    good = [pair.ratio <= times + plus / pair.reference for pair in several]
    assert measure.ok == (sum(good) > len(good) / 2)


@pytest.mark.parametrize(("counts", "ok"), [([0, 0], True), ([0, 1], False), ([1], False)])
def test_none_means_none_in_every_run(counts, ok):
    measure = none("calls", counts, 44, unit="calls")
    assert (measure.value, measure.ratio, measure.ok) == (max(counts), max(counts) / 44, ok)
    assert measure.reach == 0


@pytest.mark.parametrize(("counts", "reference"), [([], 44), ([0], 0)])
def test_no_run_or_nothing_to_save_is_no_success(counts, reference):
    with pytest.raises(ValueError, match="calls"):
        none("calls", counts, reference, unit="calls")


@pytest.mark.parametrize(("value", "ok"), [(109.9, True), (110.0, True), (110.1, False)])
def test_less_is_better_up_to_so_many_times_the_reference(value, ok):
    measure = within("p99", [Pair(value, 100.0)], times=1.1)
    assert (measure.ok, measure.at_most, measure.unit) == (ok, True, "ms")
    assert measure.ratio == value / 100


@pytest.mark.parametrize(("value", "ok"), [(25.0, True), (25.1, False), (7.0, True)])
def test_or_up_to_so_much_more(value, ok):
    measure = within("p99", [Pair(value, 20.0), Pair(1_000, 1), Pair(10, 90)], plus=5.0)
    assert measure.ok is ok
    assert measure.reach == 1.25


def test_of_a_hundred_values_the_99th_is_that_percentile():
    values = [float(number) for number in range(100, 0, -1)]
    assert [percentile(values, percent) for percent in (1, 50, 99, 100)] == [1, 50, 99, 100]


@given(rates, st.floats(min_value=0.1, max_value=100))
def test_a_percentile_is_the_least_value_that_so_many_do_not_exceed(values, percent):
    found = percentile(values, percent)
    assert found in values
    wanted = len(values) * percent / 100
    assert sum(value <= found for value in values) >= wanted
    assert sum(value < found for value in values) < wanted


def test_nothing_has_no_percentile():
    with pytest.raises(ValueError, match="nothing"):
        percentile([], 99)
