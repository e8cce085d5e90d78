"""Each guard both ways, and what force may override of it.

Evidence that is missing, old, inconclusive or about something else may be overridden; evidence to
the contrary and invariants may not.
"""

from typing import Any

import pytest

from schemas import Stage
from streams.migration.guards import GUARDS
from streams.migration.verdicts import Guard, Held
from tests.unit.migration.asking import COMPLETE, FORCED, LIVE, RAMPDOWN, SHADOW, asked
from tests.unit.migration.log import HOUR, WEEK, Log, walked
from tests.unit.migration.test_table import NOT_FORCIBLE

# Times


def test_the_ramp_must_be_full_and_no_force_changes_that():
    log = walked("live", percent=99.9)
    log.wait(HOUR)
    asked(log, Guard.FULL, "the ramp is at 99.9 %", forcible=False, **RAMPDOWN)


def test_the_hold_at_100_percent_begins_with_the_last_change_of_the_ramp():
    log = walked("live")
    log.wait(HOUR - 1)
    log.health()
    log.accept("ramp", cohorts=["staff"])
    log.wait(HOUR - 1)
    asked(log, Guard.FULL_HOLD, "only 3,599 s of 3,600 s at 100 %", **RAMPDOWN)
    again = walked("live")
    again.wait(HOUR)
    assert again.accept(**RAMPDOWN).overridden == ()


def test_the_safety_period_begins_anew_with_every_rampdown():
    log = walked("rampdown")
    log.wait(WEEK - 1)
    log.verify()
    held = log.verdict(**COMPLETE)
    assert isinstance(held, Held)
    assert held.guards == (Guard.SAFETY,)
    log.accept("stage", to="live")
    log.accept(**RAMPDOWN)
    log.wait(1)
    asked(log, Guard.SAFETY, "only 1 s of 604,800 s in rampdown", **COMPLETE)


def test_complete_takes_a_verify_that_is_fresh_at_its_end():
    log = walked("rampdown")
    log.verify()
    log.wait(WEEK)
    asked(log, Guard.VERIFIED, "counts for 86,400 s", **COMPLETE)


def test_a_lane_is_retired_after_a_further_hold_and_a_fresh_verify():
    log = walked("complete")
    order: dict[str, Any] = {"kind": "retire", "lane": "cloud"}
    asked(log, Guard.RETIRE_HOLD, "only 0 s of 604,800 s complete", **order)
    again = walked("complete")
    again.wait(WEEK)
    asked(again, Guard.VERIFIED, "counts for 86,400 s", **order)
    once_more = walked("complete")
    once_more.wait(WEEK)
    once_more.verify()
    assert once_more.accept(**order).overridden == ()


def test_a_clock_that_goes_back_shortens_no_hold():
    log = walked("rampdown")
    log.now -= WEEK * 1_000
    log.verify()
    asked(log, Guard.SAFETY, "only 0 s", **COMPLETE)


# Source proven


def test_the_way_back_from_complete_is_a_reopened_and_verified_source():
    for order in (
        {"kind": "rollback"},
        {"kind": "flag", "value": False},
        {"kind": "stage", "to": "live"},
        {"kind": "stage", "to": "off"},
    ):
        log = walked("complete")
        asked(log, Guard.SOURCE_PROVEN, "lane cloud was never", forcible=False, **order)
        log.verify("cloud")  # not written: proves nothing
        asked(log, Guard.SOURCE_PROVEN, "lane cloud was never", forcible=False, **order)
        log.accept("reopen")
        asked(log, Guard.SOURCE_PROVEN, "lane cloud was never", forcible=False, **order)
        log.verify("cloud", verdict="different")
        asked(log, Guard.SOURCE_PROVEN, "lane cloud was never", forcible=False, **order)
        log.verify("cloud")
        assert log.accept(**order).overridden == ()


def test_its_remedy_names_the_source_lane():
    verdict = walked("complete").verdict("rollback")
    assert isinstance(verdict, Held)
    assert verdict.remedy == "run `hotswap reopen`, then `hotswap verify cloud`"


# Running and unread


def test_reads_do_not_move_to_a_lane_that_is_paused():
    for stage, order in (("dualwrite", SHADOW), ("shadow", LIVE)):
        log = walked(stage)
        log.verify()
        log.accept("gate", verdict="successful")
        log.accept("pause", lane="ollama", reason="nightly dump")
        asked(log, Guard.RUNNING, "paused by desk: nightly dump", forcible=False, **order)
        log.accept("resume", lane="ollama")
        log.accept(**order)


def test_a_paused_source_holds_nothing_up():
    log = walked("shadow")
    log.accept("pause", lane="cloud", **FORCED)
    log.accept("gate", verdict="successful")
    log.accept(**LIVE)


@pytest.mark.parametrize(
    ("stage", "lane"),
    [
        *((stage, "cloud") for stage in Stage if stage is not Stage.COMPLETE),
        *((stage, "ollama") for stage in (Stage.LIVE, Stage.RAMPDOWN, Stage.COMPLETE)),
    ],
)
def test_a_lane_that_may_answer_is_paused_only_by_force(stage, lane):
    asked(walked(stage), Guard.UNREAD, "its answers would grow old", kind="pause", lane=lane)


@pytest.mark.parametrize("percent", [0, 100])
def test_in_live_both_lanes_stand_in_for_each_other_whatever_the_ramp(percent):
    for lane in ("cloud", "ollama"):
        log = walked("live", percent)
        asked(log, Guard.UNREAD, "its answers would grow old", kind="pause", lane=lane)


@pytest.mark.parametrize("stage", ["off", "dualwrite", "shadow"])
def test_the_target_is_paused_freely_until_live(stage):
    assert walked(stage).accept("pause", lane="ollama").overridden == ()


def test_the_source_is_paused_freely_after_complete_unless_it_is_the_way_back():
    assert walked("complete").accept("pause", lane="cloud").overridden == ()
    log = walked("complete")
    log.accept("reopen")
    asked(log, Guard.UNREAD, "as the way back", kind="pause", lane="cloud")


def test_before_a_migration_and_beside_it_a_lane_is_paused_freely():
    log = Log()
    log.start("cloud")
    log.accept("pause", lane="cloud")
    beside = walked("live")
    beside.start("third")
    beside.accept("pause", lane="third")


# All of them


def test_every_guard_says_what_it_asks_for_and_what_to_do():
    assert set(GUARDS) == set(Guard)
    for rule in GUARDS.values():
        assert rule.asks
        assert rule.remedy.format(lane="x")


def test_what_the_page_says_of_force_is_what_these_tests_have_shown():
    assert {guard for guard, rule in GUARDS.items() if not rule.forcible} == NOT_FORCIBLE
    assert {guard for guard, rule in GUARDS.items() if rule.contrary} == {
        Guard.PREFLIGHT,
        Guard.VERIFIED,
        Guard.GATE,
        Guard.HEALTHY,
    }


def test_of_several_guards_the_first_is_named_and_all_are_listed():
    log = walked("live")
    log.health()
    log.accept("ramp", percent=99)
    log.accept("pause", lane="ollama", **FORCED)
    for held in (log.verdict(**RAMPDOWN), log.verdict(**RAMPDOWN, **FORCED)):
        assert isinstance(held, Held)
        assert held.guards == (Guard.RUNNING, Guard.FULL, Guard.FULL_HOLD)
        assert held.guard is Guard.RUNNING
        assert held.why.startswith("lane ollama is paused")
        assert not held.forcible
