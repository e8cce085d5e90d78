"""Measures of relevance come out as they do by hand."""

from math import log2

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.core.quality import Answer
from streams.services.quality.relevance import measure_names, relevance


def answer(ids: str) -> Answer:
    return Answer(tuple(ids), tuple(1.0 for _ in ids))


def measured(k: int, ids: str, judged: dict[str, int]) -> dict[str, float]:
    return relevance(k, {"q": answer(ids)}, {"q": judged})["q"]


def test_one_query_is_measured_as_by_hand():
    found = measured(4, "xaybc", {"a": 1, "b": 1, "c": 1})
    ideal = 1 + 1 / log2(3) + 1 / log2(4)
    assert found["nDCG@4"] == pytest.approx((1 / log2(3) + 1 / log2(5)) / ideal)
    assert found["R@4"] == pytest.approx(2 / 3)
    assert found["RR@4"] == pytest.approx(1 / 2)


def test_gains_are_as_judged():
    found = measured(2, "ab", {"a": 1, "b": 3})
    assert found["nDCG@2"] == pytest.approx((1 + 3 / log2(3)) / (3 + 1 / log2(3)))


@pytest.mark.parametrize(
    ("ids", "expected"), [("ab", (1.0, 1.0, 1.0)), ("xy", (0, 0, 0)), ("", (0, 0, 0))]
)
def test_the_best_and_the_worst_answers_have_the_ends_of_the_scale(ids, expected):
    found = measured(2, ids, {"a": 1, "b": 1, "x": 0, "y": -1})
    assert tuple(found[name] for name in measure_names(2)) == pytest.approx(expected)


def test_a_hit_below_k_does_not_count():
    assert measured(2, "xya", {"a": 1}) == {"nDCG@2": 0, "R@2": 0, "RR@2": 0}


def test_hits_with_equal_scores_stay_in_the_lanes_order():
    assert measured(3, "zab", {"z": 1})["RR@3"] == 1
    assert measured(3, "abz", {"z": 1})["RR@3"] == pytest.approx(1 / 3)


def test_queries_without_an_answer_or_a_judgment_are_left_out():
    found = relevance(1, {"1": answer("a"), "2": answer("a")}, {"1": {"a": 1}, "3": {"a": 1}})
    assert list(found) == ["1"]


@given(st.permutations("uvwxyz"), st.data())
def test_the_order_of_what_is_not_judged_below_k_changes_nothing(tail, data):
    head = "".join(data.draw(st.permutations("abc")))
    judged = {"a": 2, "c": 1}
    assert measured(3, head + "".join(tail), judged) == measured(3, head + "uvwxyz", judged)


@given(st.permutations("abcdefgh"), st.integers(1, 8))
def test_all_measures_stay_between_nothing_and_all(ids, k):
    found = measured(k, "".join(ids), {"a": 3, "b": 1, "h": 0})
    assert set(found) == set(measure_names(k))
    assert all(0 <= value <= 1 + 1e-9 for value in found.values())
