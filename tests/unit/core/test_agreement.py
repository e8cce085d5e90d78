import math
from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.core.agreement import overlap_at, rank_biased_overlap, rank_correlation

IDS = st.sampled_from([f"a/{n}" for n in range(12)])
RANKED = st.lists(IDS, unique=True)
P = st.floats(0.05, 0.95)


def agreement_at(depth, short, long):
    """A_d of Webber et al., extrapolated as in their section 4.4."""
    seen = len(set(short[:depth]) & set(long[:depth]))
    if len(short) < depth <= len(long):
        seen += len(set(short) & set(long[: len(short)])) / len(short) * (depth - len(short))
    return seen / depth


def infinite_sum(first, second, p):
    """RBO by its definition, (1 - p) Σ p^(d-1) A_d, up to where the rest is nothing."""
    short, long = sorted((first, second), key=len)
    enough = len(long) + math.ceil(math.log(1e-13) / math.log(p))
    last = agreement_at(len(long), short, long)
    return (1 - p) * sum(
        p ** (depth - 1) * (agreement_at(depth, short, long) if depth <= len(long) else last)
        for depth in range(1, enough + 1)
    )


def tau(first, second):
    """Kendall's tau by its definition, pair by pair."""
    signs = [
        (first.index(one) - first.index(other)) * (second.index(one) - second.index(other))
        for one, other in combinations([each for each in first if each in second], 2)
    ]
    return sum(1 if sign > 0 else -1 for sign in signs) / len(signs) if signs else None


@pytest.mark.parametrize(
    ("k", "first", "second", "expected"),
    [
        (3, "abc", "abc", 1.0),
        (3, "abc", "cba", 1.0),
        (3, "abc", "abx", 2 / 3),
        (2, "abc", "cab", 0.5),
        (1, "abc", "bac", 0.0),
        (10, "abc", "abcdefghij", 0.3),  # the short list missed seven
        (10, "abc", "abx", 2 / 3),  # there is no more to find
        (5, "", "", 1.0),
        (5, "", "ab", 0.0),
        (2, "aab", "abc", 1.0),  # an id that comes twice counts once
    ],
)
def test_overlap_is_the_share_of_the_top_that_both_have(k, first, second, expected):
    assert overlap_at(k, list(first), list(second)) == pytest.approx(expected)


@pytest.mark.parametrize("k", [0, -1])
def test_there_is_no_overlap_of_nothing(k):
    with pytest.raises(ValueError, match=f"k is {k}"):
        overlap_at(k, ["a"], ["a"])


@given(st.integers(1, 15), RANKED, RANKED)
def test_overlap_is_the_definition(k, first, second):
    common = [each for each in first[:k] if each in second[:k]]
    least = min(k, max(len(first), len(second)))
    assert overlap_at(k, first, second) == (len(common) / least if least else 1.0)


@pytest.mark.parametrize(
    ("first", "second", "expected"),
    [
        ("abcd", "abcd", 1.0),
        ("abcd", "dcba", -1.0),
        ("abcd", "abdc", 2 / 3),
        ("abcd", "xaybzc", 1.0),  # only common ids count
        ("aab", "bab", -1.0),  # where an id comes first
        ("ab", "bx", None),
        ("ab", "xy", None),
        ("", "", None),
        ("a", "a", None),
    ],
)
def test_rank_correlation_is_that_of_the_common_ids(first, second, expected):
    assert rank_correlation(list(first), list(second)) == pytest.approx(expected)


@given(RANKED, RANKED)
def test_rank_correlation_is_the_definition(first, second):
    expected = tau(first, second)
    found = rank_correlation(first, second)
    assert found == (None if expected is None else pytest.approx(expected))


@pytest.mark.parametrize(
    ("first", "second", "p", "expected"),
    [
        ("abc", "abc", 0.9, 1.0),
        ("abc", "xyz", 0.9, 0.0),
        ("", "", 0.9, 1.0),
        ("", "abc", 0.9, 0.0),
        ("ab", "ba", 0.9, 0.9),  # by hand: nothing at depth 1, everything from depth 2 on
        ("ab", "ax", 0.9, 0.1 + 0.9 * 0.5),  # all at depth 1, half from depth 2 on
        ("a", "ab", 0.5, 1.0),  # the short list is taken to go on agreeing
    ],
)
def test_rank_biased_overlap_weighs_the_top_most(first, second, p, expected):
    assert rank_biased_overlap(list(first), list(second), p) == pytest.approx(expected)


@given(RANKED.filter(len), RANKED.filter(len), P)
def test_rank_biased_overlap_is_the_infinite_sum(first, second, p):
    expected = infinite_sum(first, second, p)
    assert rank_biased_overlap(first, second, p) == pytest.approx(expected, abs=1e-9)


@given(st.permutations([f"a/{n}" for n in range(10)]), st.integers(0, 8))
def test_a_swap_further_up_costs_more(ranked, place):
    def swapped(at):
        return [*ranked[:at], ranked[at + 1], ranked[at], *ranked[at + 2 :]]

    if place < 8:
        higher, lower = swapped(place), swapped(place + 1)
        assert rank_biased_overlap(ranked, higher) < rank_biased_overlap(ranked, lower)


@pytest.mark.parametrize("p", [0, 1, -0.5, 1.5, math.nan])
def test_a_weight_outside_its_range_is_refused(p):
    with pytest.raises(ValueError, match="not between 0 and 1"):
        rank_biased_overlap(["a"], ["a"], p)


@given(st.lists(IDS), st.lists(IDS), st.integers(1, 15), P)
def test_all_measures_are_symmetric_and_within_bounds(first, second, k, p):
    for low, measure in (
        (0.0, lambda a, b: overlap_at(k, a, b)),
        (0.0, lambda a, b: rank_biased_overlap(a, b, p)),
        (-1.0, rank_correlation),
    ):
        there, back = measure(first, second), measure(second, first)
        assert there == back
        assert there is None or low <= there <= 1.0


@given(st.lists(IDS), st.integers(1, 15), P)
def test_a_list_agrees_wholly_with_itself(ranked, k, p):
    assert overlap_at(k, ranked, ranked) == 1.0
    assert rank_biased_overlap(ranked, ranked, p) == pytest.approx(1.0)
    assert rank_correlation(ranked, ranked) == (1.0 if len(set(ranked)) > 1 else None)


def test_the_longest_lists_that_a_search_gives_are_compared():
    ranked = [f"a/{n}" for n in range(16_384)]
    assert rank_correlation(ranked, ranked[::-1]) == -1.0
    assert overlap_at(16_384, ranked, ranked[::-1]) == 1.0
    assert 0.0 < rank_biased_overlap(ranked, ranked[::-1], 0.999) < 1.0
