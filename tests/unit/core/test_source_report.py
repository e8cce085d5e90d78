"""Counts, at most ten samples of each, and a verdict that is never clean by lack of evidence."""

import random

import pytest

from schemas import SourceFinding, SourceResult, Verdict
from streams.core.source_comparison import Suspect
from streams.core.source_report import SourceTally, conclude


def result(rows: int = 5, changing: int = 0, unsettled: int = 0, **counts: int) -> SourceResult:
    return SourceResult(
        source="s",
        table="public.s",
        rows=rows,
        without_text=0,
        documents=rows,
        changing=changing,
        unsettled=unsettled,
        counts={finding: counts.get(finding, 0) for finding in SourceFinding},
    )


def test_the_first_ten_of_each_finding_are_kept_in_whatever_order_they_came():
    suspects = [Suspect(f"s/{n:04}".encode(), None, bytes(32)) for n in range(1_200)]
    reports = []
    for seed in range(3):
        random.Random(seed).shuffle(suspects)
        tally = SourceTally()
        for suspect in suspects:
            tally.add(SourceFinding.EXTRA, suspect)
        reports.append((tally.counts(), tally.samples()))
    assert reports[0] == reports[1] == reports[2]
    counts, samples = reports[0]
    assert counts[SourceFinding.EXTRA] == 1_200
    assert [one.id for one in samples[SourceFinding.EXTRA]] == [f"s/{n:04}" for n in range(10)]
    assert list(samples) == [SourceFinding.EXTRA]


def test_a_sample_says_what_was_expected_and_what_is_there():
    tally = SourceTally()
    tally.add(SourceFinding.EXTRA, Suspect(b"s/1", None, b"\x01" * 32))
    (sample,) = tally.samples()[SourceFinding.EXTRA]
    assert (sample.id, sample.expected) == ("s/1", "no document: there is no row")
    assert sample.found.startswith("hash 0101")


@pytest.mark.parametrize(
    "finding", [f for f in SourceFinding if f is not SourceFinding.DEAD_LETTERED]
)
def test_any_finding_is_a_difference(finding):
    verdict, reason = conclude([result(), result(**{finding: 2})], lag={}, stream="")
    assert verdict is Verdict.DIFFERENT
    assert reason.startswith("2 ")


def test_dead_letters_and_rows_that_change_with_their_documents_leave_a_verdict_clean():
    verdict, reason = conclude([result(dead_lettered=1, changing=2)], lag={}, stream="")
    assert verdict is Verdict.CLEAN
    assert "5 rows" in reason
    assert "1 with a dead letter instead, 2 changing all the time" in reason


def test_rows_that_change_while_their_documents_stand_still_leave_it_open():
    verdict, reason = conclude([result(unsettled=1)], lag={}, stream="the connector is idle")
    assert verdict is Verdict.INCONCLUSIVE
    assert reason.endswith("the connector is idle")


def test_a_difference_outweighs_what_is_open():
    assert conclude([result(unsettled=1, extra=1)], lag={}, stream="")[0] is Verdict.DIFFERENT


def test_a_normaliser_that_is_behind_leaves_everything_open():
    verdict, reason = conclude([], lag={"cdc.s/0": 3, "cdc.s/1": 4}, stream="")
    assert verdict is Verdict.INCONCLUSIVE
    assert "7 change events of cdc.s/0, cdc.s/1; nothing was compared" in reason


def test_a_normaliser_that_falls_behind_leaves_open_what_is_not_settled():
    verdict, reason = conclude([result(unsettled=1)], lag={"cdc.s/0": 1}, stream="")
    assert verdict is Verdict.INCONCLUSIVE
    assert "1 row could not be settled: the normaliser still lacks 1 change event of" in reason
    settled = result(stale=1, unsettled=1)
    assert conclude([settled], lag={"cdc.s/0": 1}, stream="")[0] is Verdict.DIFFERENT
