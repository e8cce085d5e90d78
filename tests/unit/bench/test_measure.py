"""When a measure is good enough."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.bench.measure import Measure, compare, none, percentile, within

rates = st.lists(st.floats(min_value=0.1, max_value=1e6), min_size=1, max_size=9)


def test_medians_are_compared_so_that_one_bad_run_does_not_count():
    measure = compare("lane", [90.0, 1.0, 92.0], [100.0, 5_000.0, 100.0], reach=0.9)
    assert measure == Measure("lane", 90.0, "documents/s", 100.0, 0.9, 0.9, ok=True)


def test_the_median_of_two_runs_lies_between_them():
    assert compare("lane", [10.0, 20.0], [30.0], reach=0.5).value == 15.0


@pytest.mark.parametrize(("value", "ok"), [(95.0, True), (95.1, True), (94.9, False)])
def test_a_ratio_is_enough_from_its_reach_on(value, ok):
    assert compare("lane", [value], [100.0], reach=0.95).ok is ok


@pytest.mark.parametrize(("measured", "reference"), [([], [1.0]), ([1.0], []), ([1.0], [0.0])])
def test_without_a_measurement_there_is_no_verdict(measured, reference):
    with pytest.raises(ValueError, match="lane"):
        compare("lane", measured, reference, reach=0.5)


@given(rates, rates, st.floats(min_value=0.1, max_value=100))
def test_the_order_of_runs_changes_nothing(measured, reference, reach):
    measure = compare("lane", measured, reference, reach=reach)
    turned = compare("lane", measured[::-1], reference[::-1], reach=reach)
    assert measure == turned
    assert measure.ok == (measure.value / measure.reference >= reach)


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
    measure = within("p99", [value], [100.0], times=1.1)
    assert (measure.ok, measure.at_most, measure.unit) == (ok, True, "ms")
    assert measure.ratio == value / 100


@pytest.mark.parametrize(("value", "ok"), [(25.0, True), (25.1, False), (7.0, True)])
def test_or_up_to_so_much_more(value, ok):
    measure = within("p99", [value, value, 1_000.0], [20.0, 1.0, 90.0], plus=5.0)
    assert measure.ok is ok
    assert measure.reach == 1.25


@pytest.mark.parametrize(("measured", "reference"), [([], [1.0]), ([1.0], []), ([1.0], [0.0])])
def test_less_than_a_measurement_is_not_better(measured, reference):
    with pytest.raises(ValueError, match="p99"):
        within("p99", measured, reference)


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
