"""What stage, ramp, flag, rollback, reopen and retire do once they are let through."""

from typing import Any

import pytest

from schemas import Stage
from streams.migration.reads import reading_lanes, routing_of
from streams.migration.state import Ramp
from streams.migration.verdicts import Rejected, Rejection, Unchanged
from streams.migration.writes import Rests, Works, is_written, work_of
from tests.unit.migration.log import HOUR, Log, begun, walked

FORCED: dict[str, Any] = {"force": True, "reason": "test"}


@pytest.mark.parametrize(
    ("stage", "percent", "mirrored", "readable", "written"),
    [
        ("off", 0, False, {"cloud"}, {"cloud"}),
        ("dualwrite", 0, False, {"cloud"}, {"cloud", "ollama"}),
        ("shadow", 0, True, {"cloud"}, {"cloud", "ollama"}),
        ("live", 25, True, {"cloud", "ollama"}, {"cloud", "ollama"}),
        ("rampdown", 100, False, {"cloud", "ollama"}, {"cloud", "ollama"}),
        ("complete", 100, False, {"ollama"}, {"ollama"}),
    ],
)
def test_what_each_stage_reads_and_writes(stage, percent, mirrored, readable, written):
    log = walked(stage, percent=25 if stage == "live" else 100)
    routing = routing_of(log.state)
    assert routing is not None
    assert (routing.percent, routing.mirrored) == (percent, mirrored)
    assert (routing.source, routing.target, routing.salt) == ("cloud", "ollama", "salt")
    assert routing.version == log.state.version
    assert reading_lanes(log.state) == readable
    assert {lane for lane in ("cloud", "ollama") if is_written(log.state, lane)} == written
    for lane in ("cloud", "ollama"):
        assert isinstance(work_of(log.state, lane), Works if lane in written else Rests)


def test_without_a_migration_there_is_no_flag_and_every_lane_is_written():
    log = Log()
    log.start("cloud")
    assert routing_of(log.state) is None
    assert reading_lanes(log.state) == frozenset()
    assert work_of(log.state, "cloud") == Works(None)


def test_a_stage_is_entered_at_the_broker_s_time():
    log = walked("shadow")
    log.wait(HOUR)
    log.accept("stage", to="dualwrite")
    assert log.state.stage_since == log.now
    assert log.state.stage is Stage.DUALWRITE


@pytest.mark.parametrize("stage", ["shadow", "dualwrite", "off"])
def test_whoever_goes_back_and_comes_again_begins_with_an_empty_ramp(stage):
    log = walked("live")
    log.accept("ramp", percent=100, cohorts=["staff"], **FORCED)
    log.accept("stage", to=stage)
    assert log.state.ramp.percent == 0
    assert log.state.ramp.cohorts == frozenset()
    routing = routing_of(log.state)
    assert routing is not None
    assert (routing.percent, routing.cohorts) == (0, frozenset())


def test_reads_stay_on_the_target_from_rampdown_back_to_live():
    log = walked("rampdown")
    log.accept("stage", to="live")
    assert log.state.ramp.percent == 100
    back = walked("complete")
    back.accept("reopen")
    back.verify("cloud")
    back.accept("stage", to="live")
    assert back.state.ramp.percent == 100
    assert reading_lanes(back.state) == {"cloud", "ollama"}


def test_cohorts_of_live_do_not_reach_into_other_stages():
    log = walked("live")
    log.accept("ramp", cohorts=["staff"], **FORCED)
    log.wait(HOUR)
    log.accept("stage", to="rampdown")
    routing = routing_of(log.state)
    assert routing is not None
    assert routing.cohorts == frozenset()


# Ramp and flag


def test_what_a_ramp_leaves_out_stays_as_it_is():
    log = walked("live", percent=5)
    log.accept("ramp", cohorts=["staff", "staff", "é"], **FORCED)
    assert log.state.ramp[:2] == (5, frozenset({"staff", "é"}))
    log.accept("ramp", percent=7, **FORCED)
    assert log.state.ramp[:2] == (7, frozenset({"staff", "é"}))
    log.accept("ramp", cohorts=[])
    assert log.state.ramp[:2] == (7, frozenset())


def test_a_ramp_notes_when_it_changed_and_where_it_last_rose():
    log = walked("live", percent=5)
    assert log.state.ramp == Ramp(5, frozenset(), log.now, len(log.records) - 1)
    rose = log.state.ramp.raised_at
    log.wait(7)
    log.accept("ramp", percent=3)
    assert (log.state.ramp.since, log.state.ramp.raised_at) == (log.now, rose)


@pytest.mark.parametrize(
    ("before", "after", "rises"),
    [
        ((10, []), (11, []), True),
        ((10, []), (9, []), False),
        ((10, []), (10, ["staff"]), True),
        ((10, ["staff"]), (10, []), False),
        ((10, ["staff"]), (10, ["friends"]), True),
        ((10, ["staff"]), (5, ["staff", "friends"]), True),
        ((10, ["staff", "friends"]), (5, ["staff"]), False),
        ((10, ["staff"]), (11, []), True),
    ],
)
def test_a_ramp_rises_if_it_moves_anybody_to_the_target(before, after, rises):
    log = walked("live", percent=0)
    log.accept("ramp", percent=before[0], cohorts=before[1], **FORCED)
    accepted = log.accept("ramp", percent=after[0], cohorts=after[1], **FORCED)
    assert bool(accepted.overridden) is rises
    assert (log.state.ramp.raised_at == len(log.records) - 1) is rises


def test_the_same_ramp_again_changes_nothing():
    log = walked("live", percent=5)
    log.wait(60)
    before = log.state
    orders: list[dict[str, Any]] = [{"percent": 5}, {"cohorts": []}, {"percent": 5, "cohorts": []}]
    for order in orders:
        assert log.verdict("ramp", **order) == Unchanged("the ramp is 5 %")
    assert log.verdict("flag", value=5) == Unchanged("the ramp is 5 %")
    assert log.state == before


def test_the_flag_is_short_for_a_ramp_or_a_rollback():
    log = walked("live", percent=5)
    log.accept("ramp", cohorts=["staff"], **FORCED)
    log.health()
    assert log.accept("flag", value=50).effect == "ramp 50 % and cohorts staff"
    log.health()
    assert log.accept("flag", value=True).effect == "ramp 100 % and cohorts staff"
    assert log.accept("flag", value=0.5).effect == "ramp 0.5 % and cohorts staff"
    assert (
        log.accept("flag", value=False).effect == "all reads are on the source lane, stage shadow"
    )
    assert log.state.stage is Stage.SHADOW


def test_the_flag_zero_is_a_ramp_of_zero_and_no_rollback():
    log = walked("live", percent=5)
    log.accept("flag", value=0)
    assert log.state.stage is Stage.LIVE
    assert log.state.ramp.percent == 0


def test_the_flag_one_is_one_percent():
    log = walked("live", percent=5)
    log.accept("flag", value=1)
    assert log.state.ramp.percent == 1


def test_without_a_migration_orders_about_one_name_the_remedy():
    log = Log()
    log.start("cloud")
    for order in (
        {"kind": "stage", "to": "dualwrite"},
        {"kind": "ramp", "percent": 5},
        {"kind": "flag", "value": True},
        {"kind": "reopen"},
        {"kind": "retire", "lane": "cloud"},
        {"kind": "autopilot", "on": True},
    ):
        assert log.verdict(**order) == Rejected(
            Rejection.UNDEFINED, "no migration is defined: run `hotswap init`"
        )
    assert isinstance(log.verdict("rollback"), Unchanged)


def test_a_version_is_the_offset_of_the_newest_order_that_changed_something():
    log = begun()
    defined = log.state.version
    assert defined == len(log.records) - 1
    log.accept("preflight", verdict="pass")
    log.accept("truncate", source="s", position="1")
    log.verdict("stage", to="live")
    log.verdict("stage", to="off")
    log.append(b"?")
    assert log.state.version == defined
    log.accept("stage", to="dualwrite")
    assert log.state.version == len(log.records) - 1
