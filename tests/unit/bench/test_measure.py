"""When a measure is good enough."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.bench.measure import Measure, compare, none

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
