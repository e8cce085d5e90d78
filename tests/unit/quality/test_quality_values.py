"""Two lanes' answers side by side, and the words for it."""

from dataclasses import replace

import numpy as np
import pytest

from streams.core.intervals import Estimate
from streams.core.quality import (
    AgreementRow,
    Answer,
    MeasureRow,
    agreements,
    compare,
    measured,
    scores_of,
)
from streams.core.quality_words import agreement_sentence, interval, per_cent, retention_sentence


def answer(ids: str) -> Answer:
    return Answer(tuple(ids), tuple(1 - 0.1 * rank for rank in range(len(ids))))


def rng() -> np.random.Generator:
    return np.random.default_rng(0)


def test_only_queries_that_both_lanes_answered_are_compared():
    found = compare(
        2,
        {"1": answer("ab"), "2": answer("cd"), "3": answer("ef")},
        {"3": answer("eg"), "1": answer("ab")},
        {"1": answer("ba")},
        None,
    )
    assert [one.query for one in found] == ["1", "3"]
    assert [one.overlap for one in found] == [1.0, 0.5]
    assert [one.floor_overlap for one in found] == [1.0, None]
    assert found[0].floor_rank_biased_overlap is not None
    assert found[0].floor_rank_biased_overlap < 1
    assert found[1].source == {}


def test_a_measure_counts_who_is_better_and_what_is_kept():
    source = {"1": {"m": 1.0}, "2": {"m": 0.5}, "3": {"m": 0.5}}
    target = {"1": {"m": 0.5}, "2": {"m": 0.5}, "3": {"m": 0.6}}
    answers = {query: answer("ab") for query in source}
    compared = compare(2, answers, answers, {}, (source, target))
    (row,) = measured(compared, ["m"], rng())
    assert (row.better, row.equal, row.worse) == (1, 1, 1)
    assert row.source.value == pytest.approx(2 / 3)
    assert row.retention is not None
    assert row.retention.value == pytest.approx(1.6 / 2)


def test_identical_lanes_agree_as_their_floor_does():
    answers = {str(number): answer("abc") for number in range(5)}
    rows = agreements(compare(3, answers, answers, answers, None), 3, rng())
    assert [row.measure for row in rows] == ["overlap@3", "RBO", "Kendall's tau"]
    for row in rows:
        assert row.lanes == row.floor == Estimate(1, 1, 1)


def test_rank_correlation_is_over_the_hits_that_both_found_and_has_its_floor():
    source = {"1": answer("abcd"), "2": answer("abcd"), "3": answer("abcd")}
    target = {"1": answer("dcba"), "2": answer("axby"), "3": answer("axyz")}
    again = {"1": answer("abcd"), "2": answer("bacd"), "3": answer("abcd")}
    compared = compare(4, source, target, again, None)
    assert [one.rank_correlation for one in compared] == [-1, 1, None]
    assert [one.floor_rank_correlation for one in compared] == [1, pytest.approx(2 / 3), 1]
    tau = agreements(compared, 4, rng())[-1]
    assert tau.measure == "Kendall's tau"
    assert tau.lanes.value == 0
    assert tau.floor is not None
    assert tau.floor.value == pytest.approx(5 / 6)


def test_where_no_query_has_two_hits_in_common_there_is_no_rank_correlation():
    compared = compare(2, {"1": answer("ab")}, {"1": answer("bc")}, {}, None)
    assert [row.measure for row in agreements(compared, 2, rng())] == ["overlap@2", "RBO"]


def test_rank_correlation_changes_none_of_the_other_numbers():
    source = {str(number): answer("abcd") for number in range(9)}
    target = {str(number): answer("abcd" if number % 3 else "wxyz") for number in range(9)}
    compared = compare(4, source, target, source, None)
    without = [replace(one, rank_correlation=None) for one in compared]
    assert agreements(compared, 4, rng())[:2] == agreements(without, 4, rng())


def test_without_a_second_answer_there_is_no_floor():
    answers = {"1": answer("abc")}
    assert agreements(compare(3, answers, answers, {}, None), 3, rng())[0].floor is None


def test_scores_are_those_of_first_and_last_hits():
    found = scores_of({"1": answer("abc"), "2": answer(""), "3": answer("a")})
    assert found.best["p50"] == 1
    assert found.last["p50"] == pytest.approx(0.9)
    assert scores_of({}).best == {}


def row(low: float, high: float, value: float | None = None) -> MeasureRow:
    some = Estimate(0.5, 0.4, 0.6)
    middle = (low + high) / 2 if value is None else value
    return MeasureRow("nDCG@10", some, some, Estimate(middle, low, high), 1, 2, 3)


def test_the_headline_says_what_is_kept_and_how_surely():
    said = retention_sentence(row(0.94, 0.99, 0.97), 225)
    assert said == (
        "The target keeps 97 % (95 % interval 94\N{EN DASH}99 %) of the source's nDCG@10 on"
        " 225 queries. The target is measurably worse."
    )
    assert "measurably better" in retention_sentence(row(1.01, 1.2), 225)
    assert "no difference is proven" in retention_sentence(row(0.9, 1.1), 225)
    assert "7 queries are few" in retention_sentence(row(0.9, 1.1), 7)
    assert "too few for an upper end" in retention_sentence(row(0.9, np.inf, 1.0), 3)


def test_a_source_that_finds_nothing_is_called_so():
    some = Estimate(0, 0, 0)
    nothing = MeasureRow("nDCG@10", some, some, None, 0, 1, 0)
    assert "nothing relevant" in retention_sentence(nothing, 1)


def test_the_floor_is_explained_where_there_is_one():
    lanes = Estimate(0.6, 0.5, 0.7)
    with_floor = agreement_sentence(AgreementRow("overlap@10", lanes, Estimate(1, 1, 1)), 10, 40)
    assert "agrees with itself on 100 %" in with_floor
    assert "that is the noise floor" in with_floor
    assert "no noise floor" in agreement_sentence(AgreementRow("overlap@10", lanes, None), 10, 40)


@pytest.mark.parametrize(
    ("share", "words"),
    [(1.0, "100 %"), (0.9972, "99.7 %"), (1.0012, "100.1 %"), (0.994, "99 %"), (0.0, "0 %")],
)
def test_a_hundred_per_cent_is_written_only_where_it_is_reached(share, words):
    assert per_cent(share) == words


def test_an_open_end_has_its_sign():
    assert interval(Estimate(1, 0.5, np.inf)) == "50\N{EN DASH}∞"
