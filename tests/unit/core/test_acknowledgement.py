"""The ledger never lets a commit pass a record that is not done."""

import cProfile

from hypothesis import given
from hypothesis import strategies as st

from streams.core.acknowledgement import Ledger


def delivered(*offsets: int) -> Ledger:
    ledger = Ledger()
    for offset in offsets:
        ledger.deliver(offset)
    return ledger


def test_a_fresh_group_whose_log_starts_late_commits_from_its_first_record():
    ledger = delivered(100, 101)
    ledger.acknowledge(100)
    assert ledger.committable() == 101


def test_a_gap_at_the_head_does_not_let_an_unfinished_first_record_be_passed():
    ledger = delivered(7, 8, 9)
    ledger.acknowledge(8)
    ledger.acknowledge(9)
    assert ledger.committable() is None


def test_one_single_unfinished_record_in_the_middle_stops_the_commit_there():
    ledger = delivered(1, 2, 3)
    ledger.acknowledge(1)
    ledger.acknowledge(3)
    assert ledger.committable() == 2


def test_the_record_after_a_compaction_gap_is_not_swallowed_by_the_gap():
    ledger = delivered(1, 50)
    ledger.acknowledge(1)
    assert ledger.committable() == 2
    ledger.acknowledge(50)
    assert ledger.committable() == 51


def test_a_commit_that_failed_is_offered_again():
    ledger = delivered(1)
    ledger.acknowledge(1)
    assert ledger.committable() == 2
    assert ledger.committable() == 2
    ledger.committed(2)
    assert ledger.committable() is None


def test_a_record_that_is_delivered_again_has_to_be_done_again():
    ledger = delivered(1, 2, 3)
    ledger.acknowledge(2)
    ledger.deliver(2)
    ledger.deliver(3)
    ledger.acknowledge(1)
    assert ledger.committable() == 2


def test_an_offset_that_was_never_delivered_changes_nothing():
    ledger = delivered(5)
    for offset in (4, 6):
        ledger.acknowledge(offset)
    assert ledger.committable() is None
    assert len(ledger) == 1


@given(st.sets(st.integers(0, 400), min_size=1), st.data())
def test_a_commit_stands_right_behind_an_unbroken_run_of_done_records(
    offsets: set[int], data: st.DataObject
):
    ordered = sorted(offsets)
    ledger = delivered(*ordered)
    done: set[int] = set()
    for offset in data.draw(st.permutations(ordered)):
        ledger.acknowledge(offset)
        done.add(offset)
        run = []
        for candidate in ordered:
            if candidate not in done:
                break
            run.append(candidate)
        assert ledger.committable() == (run[-1] + 1 if run else None)
    assert len(ledger) == 0


@given(
    st.lists(
        st.one_of(
            st.tuples(st.just("seek"), st.integers(0, 30)),
            st.tuples(st.just("fetch"), st.integers(1, 5)),
            st.tuples(st.just("done"), st.integers(0, 60)),
        ),
        max_size=60,
    )
)
def test_whatever_is_fetched_again_every_record_before_a_commit_was_done(
    steps: list[tuple[str, int]],
):
    ledger, position = Ledger(), 0
    delivered_ever: set[int] = set()
    done: set[int] = set()
    for step, number in steps:
        if step == "seek":
            position = min(number, position)
        elif step == "fetch":
            for offset in range(position, position + number):
                ledger.deliver(offset)
                delivered_ever.add(offset)
            position += number
        elif number in delivered_ever:
            ledger.acknowledge(number)
            done.add(number)
        committable = ledger.committable()
        if committable is not None:
            assert {offset for offset in delivered_ever if offset < committable} <= done


def test_what_a_thousand_gaps_cost_does_not_grow_with_the_gaps_before_them():
    """Faust merges gaps in quadratic time, so that a compacted topic's backfill never ends."""

    def calls(gaps: int) -> int:
        profile = cProfile.Profile()
        ledger = Ledger()
        with profile:
            for offset in range(0, 3 * gaps, 3):
                ledger.deliver(offset)
            for offset in reversed(range(0, 3 * gaps, 3)):
                ledger.acknowledge(offset)
            ledger.committable()
        return sum(entry.callcount for entry in profile.getstats())

    assert calls(8_000) < 8.5 * calls(1_000)
