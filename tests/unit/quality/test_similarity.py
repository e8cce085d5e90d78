"""A sample of vectors, described from inside one lane, and neighbours across two."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.core.sampling import smallest
from streams.core.similarity import BINS, describe, neighbours, usable


def spread(rows: int, dimensions: int, seed: int = 0):
    return np.random.default_rng(seed).normal(size=(rows, dimensions)).astype(np.float32)


def test_cosines_and_lengths_of_three_vectors_are_as_by_hand():
    found = describe(np.array([[2, 0], [0, 1], [-1, 0]], dtype=np.float32))
    assert (found.shortest, found.longest) == (1, 2)
    assert found.mean_length == pytest.approx(4 / 3)
    assert found.mean_cosine == pytest.approx(-1 / 3)
    assert found.deviation == pytest.approx(np.sqrt(2) / 3)
    assert sum(found.histogram) == 3
    assert (found.histogram[0], found.histogram[BINS // 2]) == (1, 2)
    assert found.quantiles["p1"] == pytest.approx(-1, abs=0.0005)
    assert found.quantiles["p99"] == pytest.approx(0, abs=0.001)


def test_many_rows_are_described_as_if_they_were_one_block():
    vectors = spread(600, 8) + 0.5
    unit = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    pairs = (unit @ unit.T)[np.triu_indices(600, 1)]
    found = describe(vectors)
    assert found.mean_cosine == pytest.approx(pairs.mean(), abs=1e-6)
    assert found.deviation == pytest.approx(pairs.std(), abs=1e-6)
    assert found.quantiles["p50"] == pytest.approx(np.quantile(pairs, 0.5), abs=0.001)
    assert sum(found.histogram) == len(pairs)


def test_vectors_that_point_one_way_have_a_mean_cosine_near_one():
    assert describe(spread(50, 8) * 0.01 + 1).mean_cosine > 0.99
    assert abs(describe(spread(300, 64)).mean_cosine) < 0.01


def test_a_lane_agrees_with_itself_on_all_neighbours_whatever_its_scale_and_turn():
    vectors = spread(300, 6)
    turn, _ = np.linalg.qr(np.random.default_rng(1).normal(size=(6, 6)))
    for other in (vectors, 7 * vectors, (vectors @ turn).astype(np.float32)):
        found = neighbours(vectors, other, 5)
        assert found.agreement > 0.999
        assert sum(found.shares) == 300


def test_lanes_that_know_nothing_of_each_other_agree_as_by_chance():
    found = neighbours(spread(500, 16, 1), spread(500, 24, 2), 10)
    assert found.by_chance == pytest.approx(10 / 499)
    assert found.agreement == pytest.approx(found.by_chance, abs=0.01)
    assert found.agreement == pytest.approx(
        sum(common * rows for common, rows in enumerate(found.shares)) / 5_000
    )


def test_neighbours_of_two_small_lanes_are_as_by_hand():
    first = np.array([[1, 0], [1, 0.1], [0, 1], [0.1, 1]], dtype=np.float32)
    swapped = first[[0, 2, 1, 3]]
    assert neighbours(first, first, 1).shares == (0, 4)
    assert neighbours(first, swapped, 1).shares == (4, 0)


def test_there_are_no_more_neighbours_than_other_rows():
    assert neighbours(spread(4, 3), spread(4, 3, 1), 10).k == 3


def test_vectors_without_a_direction_are_told():
    vectors = np.array([[1, 0], [0, 0], [np.nan, 1], [np.inf, 0]], dtype=np.float32)
    assert usable(vectors).tolist() == [True, False, False, False]


@pytest.mark.parametrize("rows", [0, 1])
def test_of_less_than_a_pair_there_is_nothing_to_say(rows):
    with pytest.raises(ValueError, match="make no pair"):
        describe(spread(rows, 3))


def test_rows_that_do_not_correspond_are_refused():
    with pytest.raises(ValueError, match="3 rows of one lane, 4 of the other"):
        neighbours(spread(3, 3), spread(4, 3), 1)


IDS = st.sets(st.text("abc/1", min_size=1, max_size=6), max_size=40)


@given(IDS, st.integers(1, 10), st.integers(0, 99), st.randoms(use_true_random=False))
def test_a_sample_does_not_depend_on_order_or_pages(ids, size, seed, random):
    at_once = smallest({}, sorted(ids), size, seed)
    shuffled = sorted(ids)
    random.shuffle(shuffled)
    cut = random.randint(0, len(shuffled))
    in_pages = smallest(smallest({}, shuffled[:cut], size, seed), shuffled[cut:], size, seed)
    assert list(in_pages) == list(at_once)
    assert len(at_once) == min(size, len(ids))


def test_every_id_is_as_likely_to_be_drawn():
    ids = [f"s/{number}" for number in range(20)]
    drawn = [each for seed in range(2_000) for each in smallest({}, ids, 5, seed)]
    counts = np.bincount([int(each[2:]) for each in drawn], minlength=20)
    assert counts.min() > 400
    assert counts.max() < 600
