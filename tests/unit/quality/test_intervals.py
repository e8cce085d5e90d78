"""Intervals say how sure a mean over queries is."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import bootstrap

from streams.core.intervals import RESAMPLES, Estimate, means_of, pairs_of

SHARES = st.lists(st.floats(0, 1, width=32), min_size=1, max_size=40)


def mean_of(values, generator, resamples=RESAMPLES) -> Estimate:
    (found,) = means_of(values[:, np.newaxis], generator, resamples)
    return found


def ratio_of(target, source, generator, resamples=RESAMPLES) -> Estimate | None:
    (found,) = pairs_of(target[:, np.newaxis], source[:, np.newaxis], generator, resamples)
    return found.ratio


def rng() -> np.random.Generator:
    return np.random.default_rng(7)


@given(SHARES)
def test_a_mean_lies_in_its_interval_and_its_interval_among_the_values(values):
    found = mean_of(np.array(values), rng(), 200)
    assert min(values) <= found.low <= found.high <= max(values)
    assert found.value == pytest.approx(np.mean(values))


@given(SHARES)
def test_equal_lanes_keep_exactly_all_with_nothing_to_either_side(values):
    found = ratio_of(np.array(values), np.array(values), rng(), 200)
    if not any(values):
        assert found is None
    else:
        assert found is not None
        assert (found.value, found.low, found.high) == (1.0, 1.0, 1.0)


@given(SHARES, st.floats(0.01, 2))
def test_a_lane_that_keeps_the_same_share_of_every_query_is_sure_of_it(values, share):
    source = np.array(values) + 0.01
    found = ratio_of(share * source, source, rng(), 200)
    assert found is not None
    assert found.low == pytest.approx(share)
    assert found.value == pytest.approx(share)
    assert found.high == pytest.approx(share)


def test_of_a_source_that_finds_nothing_no_share_can_be_kept():
    assert ratio_of(np.array([0.5, 0.0]), np.zeros(2), rng()) is None


def test_too_few_queries_leave_the_upper_end_open():
    found = ratio_of(np.array([0.0, 1.0]), np.array([1.0, 0.0]), rng())
    assert found is not None
    assert found.low == 0.0
    assert math.isinf(found.high)


def test_resamples_in_which_neither_finds_anything_say_nothing():
    found = ratio_of(np.array([0.5, 0.0, 0.0]), np.array([1.0, 0.0, 0.0]), rng())
    assert found is not None
    assert (found.low, found.high) == (0.5, 0.5)


def test_the_same_seed_gives_the_same_interval():
    values = np.linspace(0, 1, 30)
    assert mean_of(values, rng()) == mean_of(values, rng())
    assert mean_of(values, rng()) != mean_of(values, np.random.default_rng(8))


def test_many_queries_are_resampled_in_blocks_with_the_same_outcome(monkeypatch):
    values = np.linspace(0, 1, 50) ** 2
    at_once = mean_of(values, rng())
    monkeypatch.setattr("streams.core.intervals._CELLS_IN_A_BLOCK", 777)
    in_blocks = mean_of(values, rng())
    assert (in_blocks.low, in_blocks.high) == pytest.approx((at_once.low, at_once.high))


def test_another_library_comes_to_the_same_intervals():
    source = np.random.default_rng(1).beta(2, 2, 120)
    target = np.clip(source + np.random.default_rng(2).normal(-0.05, 0.2, 120), 0, 1)
    ours = ratio_of(target, source, rng())
    theirs = bootstrap(
        (target, source),
        lambda t, s, axis=-1: t.mean(axis=axis) / s.mean(axis=axis),
        paired=True,
        vectorized=True,
        n_resamples=10_000,
        method="percentile",
        random_state=np.random.default_rng(3),
    ).confidence_interval
    assert ours is not None
    assert (ours.low, ours.high) == pytest.approx((theirs.low, theirs.high), abs=0.004)


def test_pairing_narrows_the_interval_of_lanes_that_find_the_same_queries_hard():
    source = np.random.default_rng(1).beta(0.5, 0.5, 100)
    target = 0.9 * source
    paired = ratio_of(target, source, rng())
    unpaired = ratio_of(np.random.default_rng(4).permutation(target), source, rng())
    assert paired is not None
    assert unpaired is not None
    assert paired.high - paired.low < (unpaired.high - unpaired.low) / 10


@pytest.mark.parametrize("values", [[], [0.5, 0.5]])
def test_what_can_not_be_paired_is_refused(values):
    with pytest.raises(ValueError, match=r"no values|2 values of the target, 1 of the source"):
        ratio_of(np.array(values), np.array(values[:1]), rng())


def test_both_means_have_their_intervals_beside_the_ratio():
    source = np.random.default_rng(1).beta(2, 2, 60)
    (found,) = pairs_of(0.5 * source[:, np.newaxis], source[:, np.newaxis], rng())
    assert found.source.low == pytest.approx(mean_of(source, rng()).low)
    assert found.target.value == pytest.approx(0.5 * found.source.value)
    assert found.target.high == pytest.approx(0.5 * found.source.high)


def test_measures_stay_in_their_columns():
    source = np.random.default_rng(1).beta(2, 2, (60, 3))
    target = source * [1.0, 0.5, 0.25]
    ratios = [pair.ratio for pair in pairs_of(target, source, rng())]
    assert [ratio and ratio.high for ratio in ratios] == pytest.approx([1.0, 0.5, 0.25])
