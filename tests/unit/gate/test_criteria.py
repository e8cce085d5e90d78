"""What each criterion says of what was seen."""

from dataclasses import replace
from typing import get_args

import pytest

from schemas import GateVerdict, Verdict
from schemas.search import Why
from streams.config import GateConfig
from streams.config.gate import _Criterion
from streams.core.criteria import CRITERIA, Backlog, Limits, Quality, Side, Verified, judge
from tests.unit.gate.looks import LIMITS, NOW, good_look, queries

GOOD, BAD, OPEN = GateVerdict.SUCCESSFUL, GateVerdict.FAILED, GateVerdict.INCONCLUSIVE


def said(look, name: str, limits: Limits = LIMITS):
    return next(one for one in judge(look, limits).criteria if one.criterion == name)


def verified(**changes):
    good = Verified(Verdict.CLEAN, 5, 30.0, is_after=True, documents=100, dead=1, wrong=0)
    return replace(good, **changes)


def quality(**changes):
    good = Quality(200, labelled=True, measure="nDCG@10", retention=1.0, low=0.97, high=1.02)
    return replace(good, **changes)


def failing(count: int, why: Why):
    return queries(count, failure=why, target=Side(), overlap=None)


CASES = [
    ("duration", {}, GOOD, "since the dual write began"),
    ("duration", {"since_ms": NOW - 59_999}, OPEN, "0 s to wait"),
    ("duration", {"since_ms": None}, OPEN, "not written"),
    ("duration", {"since_ms": NOW + 5_000}, OPEN, "65 s to wait"),
    ("samples", {}, GOOD, "mirrored queries"),
    ("samples", {"mirrored": queries(399)}, OPEN, "1 queries to come"),
    ("samples", {"mirrored": ()}, OPEN, "enter stage shadow"),
    ("coverage", {}, GOOD, "100 documents verified clean, 1 dead-lettered"),
    ("coverage", {"verified": None}, OPEN, "never verified"),
    ("coverage", {"verified": verified(is_after=False)}, OPEN, "before its writes"),
    ("coverage", {"verified": verified(age_seconds=86_400)}, OPEN, "86,400 s old"),
    ("coverage", {"verified": verified(verdict=Verdict.INCONCLUSIVE)}, OPEN, "inconclusive"),
    ("coverage", {"verified": verified(verdict=Verdict.DIFFERENT, wrong=2)}, BAD, "2 differences"),
    ("coverage", {"verified": verified(documents=0, dead=0)}, OPEN, "no samples"),
    ("lag", {}, GOOD, "120 records done"),
    ("lag", {"backlog": Backlog(120, 101)}, BAD, "too many left"),
    ("lag", {"backlog": Backlog(0, 0)}, OPEN, "no samples"),
    ("lag", {"backlog": None}, OPEN, "not known"),
    ("dead-letters", {}, GOOD, "none is open"),
    ("dead-letters", {"letters": ("0-1",)}, BAD, "hotswap dead-letters list"),
    ("dead-letters", {"letters": None}, OPEN, "not known"),
    ("dead-letters", {"backlog": Backlog(0, 4)}, OPEN, "no samples"),
    ("embedding", {}, GOOD, "within the limits"),
    ("embedding", {"mirrored": queries(400, target=Side(260.0, 1.0))}, BAD, "p95 above"),
    (
        "embedding",
        {"mirrored": queries(395) + queries(5, target=Side(1_001.0, 1.0))},
        BAD,
        "p99 above",
    ),
    ("embedding", {"mirrored": queries(396) + queries(4, target=Side(9e9, 1.0))}, GOOD, "within"),
    ("embedding", {"mirrored": queries(399, target=Side(9e9, 1.0))}, OPEN, "399 of 400"),
    ("embedding", {"mirrored": queries(400, target=Side(None, 1.0))}, OPEN, "no mirrored query"),
    ("embedding", {"mirrored": queries(400, target=Side(float("nan"), 1.0))}, BAD, "p95 and p99"),
    ("embedding-source", {}, GOOD, "the source's p95 is 80.0 ms"),
    ("embedding-source", {"mirrored": queries(400, target=Side(171.0, 1.0))}, BAD, "too slow"),
    ("embedding-source", {"mirrored": queries(400, target=Side(170.0, 1.0))}, GOOD, "80.0 ms"),
    ("embedding-source", {"mirrored": queries(400, source=Side())}, OPEN, "no mirrored query"),
    ("search", {"mirrored": queries(400, target=Side(1.0, 101.0))}, BAD, "p95 above"),
    ("search", {"mirrored": queries(400, target=Side(1.0, 100.0))}, GOOD, "within"),
    ("search-source", {"mirrored": queries(400, target=Side(1.0, 57.6))}, BAD, "too slow"),
    ("search-source", {"mirrored": queries(400, target=Side(1.0, 57.5))}, GOOD, "5.0 ms"),
    ("errors", {}, GOOD, "0 of 400"),
    ("errors", {"mirrored": queries(300)}, OPEN, "too few queries"),
    ("errors", {"mirrored": queries(400) + failing(1, Why.UNREACHABLE)}, OPEN, "too few"),
    ("errors", {"mirrored": queries(380) + failing(20, Why.HALTED)}, BAD, "20 of 400: halted"),
    ("errors", {"mirrored": failing(3, Why.HALTED)}, BAD, "3 of 3"),
    ("errors", {"mirrored": queries(400) + failing(50, Why.DEADLINE)}, GOOD, "0 of 450"),
    ("errors", {"mirrored": queries(400, asked_beside=False)}, OPEN, "no query was mirrored"),
    ("timeouts", {}, GOOD, "0 of 400"),
    ("timeouts", {"mirrored": queries(380) + failing(20, Why.DEADLINE)}, BAD, "deadline"),
    ("quality", {}, GOOD, "nDCG@10 over 200 queries"),
    ("quality", {"quality": None}, OPEN, "run `hotswap quality`"),
    ("quality", {"quality": quality(low=0.94)}, OPEN, "ask more queries"),
    ("quality", {"quality": quality(retention=0.7, low=0.6, high=0.8)}, BAD, "falls short"),
    ("quality", {"quality": quality(queries=19)}, OPEN, "19 of 20"),
    ("quality", {"quality": quality(queries=19, low=0.1, high=0.2)}, OPEN, "19 of 20"),
    ("quality", {"quality": quality(labelled=False)}, OPEN, "without judgments"),
    ("quality", {"quality": quality(low=float("nan"))}, OPEN, "nothing relevant"),
    ("quality", {"quality": quality(retention=float("inf"))}, OPEN, "nothing relevant"),
    ("agreement", {}, GOOD, "found by both"),
    ("agreement", {"mirrored": queries(400, overlap=0.4)}, BAD, "different things"),
    ("agreement", {"mirrored": queries(399, overlap=0.4)}, OPEN, "399 of 400"),
    ("agreement", {"mirrored": queries(400, overlap=None)}, OPEN, "were compared"),
    (
        "agreement",
        {"mirrored": queries(199, overlap=0.0) + queries(201, overlap=1.0)},
        OPEN,
        "too few",
    ),
]


@pytest.mark.parametrize(("name", "changes", "verdict", "reason"), CASES)
def test_a_criterion_says_of_what_was_seen(name, changes, verdict, reason):
    judgement = said(good_look(**changes), name)
    assert (judgement.verdict, reason in judgement.reason) == (verdict, True), judgement


def test_all_being_well_is_successful():
    judged = judge(good_look(), LIMITS)
    assert (judged.verdict, judged.reason) == (GOOD, "all 13 criteria are met")


def test_one_failure_fails_the_whole_whatever_is_still_open():
    judged = judge(good_look(letters=("0-1",), verified=None), LIMITS)
    assert (judged.verdict, judged.reason) == (BAD, "failed: dead-letters")


def test_one_open_criterion_leaves_the_whole_open():
    judged = judge(good_look(verified=None), LIMITS)
    assert (judged.verdict, judged.reason) == (OPEN, "inconclusive: coverage")


def test_a_criterion_that_is_switched_off_is_shown_and_counts_for_nothing():
    limits = replace(LIMITS, off=frozenset({"coverage"}))
    judged = judge(good_look(verified=None), limits)
    assert (judged.verdict, judged.reason) == (GOOD, "all 12 criteria are met; 1 switched off")
    assert said(good_look(), "coverage", limits).verdict is None


def test_with_all_criteria_switched_off_nothing_is_proven():
    limits = replace(LIMITS, off=frozenset(CRITERIA))
    assert judge(good_look(), limits).verdict is OPEN


def test_the_worst_samples_are_named():
    slow = queries(400)
    slow[7] = replace(slow[7], target=Side(300.0, 900.0))
    assert said(good_look(mirrored=slow), "embedding").ids[0] == "q7"
    assert said(good_look(mirrored=slow), "search-source").ids[0] == "q7"
    assert said(good_look(letters=("2-9", "2-8", "1-0", "0-0")), "dead-letters").ids == (
        "2-9",
        "2-8",
        "1-0",
    )
    assert said(good_look(), "coverage").ids == ("control 5",)
    assert said(good_look(), "duration").ids == ("control 4",)


def test_coverage_is_never_rounded_up_to_all():
    almost = verified(verdict=Verdict.DIFFERENT, documents=10**9, wrong=1)
    assert said(good_look(verified=almost), "coverage").value == "99.99 %"


def test_the_configuration_knows_the_criteria_that_there_are():
    assert set(get_args(_Criterion)) == set(CRITERIA)


def test_the_configuration_has_the_defaults_of_the_criteria():
    assert GateConfig().limits(evidence_seconds=86_400) == Limits()
