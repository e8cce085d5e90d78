"""What rollback, reopen and retire do once they are let through."""

from typing import Any

import pytest

from schemas import Stage
from streams.migration.reads import reading_lanes
from streams.migration.verdicts import Accepted, Rejected, Rejection, Unchanged
from streams.migration.writes import Rests, Works, is_written, work_of
from tests.unit.migration.log import WEEK, Log, walked

FORCED: dict[str, Any] = {"force": True, "reason": "test"}


# Rollback


@pytest.mark.parametrize("stage", ["dualwrite", "shadow", "live", "rampdown"])
@pytest.mark.parametrize("to", ["off", "dualwrite", "shadow"])
def test_a_rollback_goes_through_wherever_the_source_is_written(stage, to):
    log = walked(stage)
    verdict = log.verdict("rollback", to=to)
    order = list(Stage)
    if order.index(Stage(to)) < order.index(Stage(stage)):
        assert isinstance(verdict, Accepted)
        assert log.state.stage == to
    else:
        assert isinstance(verdict, Unchanged)
        assert log.state.stage == stage
    assert reading_lanes(log.state) == {"cloud"}


def test_a_rollback_goes_to_shadow_unless_it_says_otherwise():
    log = walked("live")
    log.accept("rollback")
    assert log.state.stage is Stage.SHADOW


def test_a_rollback_needs_neither_health_nor_a_running_lane_nor_a_clean_verify():
    log = walked("live")
    log.health("unhealthy")
    log.verify(verdict="different")
    log.verify("cloud", verdict="different")
    for lane in ("cloud", "ollama"):
        log.accept("pause", lane=lane, **FORCED)
    log.wait(WEEK)
    assert log.accept("rollback").overridden == ()


def test_a_rollback_to_off_stops_the_target_s_writes_and_its_proof_ends():
    log = walked("live")
    log.accept("rollback", to="off")
    lane = log.state.lanes["ollama"]
    assert lane.written_from is None
    assert not lane.fully_written
    assert work_of(log.state, "ollama") == Rests("stage off: lane ollama is not written")
    log.accept("preflight", verdict="pass")
    log.accept("stage", to="dualwrite")
    assert log.state.lanes["ollama"].written_from == len(log.records) - 1


def test_a_rollback_to_shadow_keeps_the_proof():
    log = walked("live")
    log.accept("rollback")
    assert log.is_proven("ollama")


# The end


def test_complete_ends_the_source_s_writes_and_reopen_begins_them_anew():
    log = walked("complete")
    assert not is_written(log.state, "cloud")
    log.accept("reopen")
    assert log.state.reopened
    assert log.state.lanes["cloud"].written_from == len(log.records) - 1
    assert reading_lanes(log.state) == {"ollama"}
    assert isinstance(work_of(log.state, "cloud"), Works)
    assert log.verdict("reopen") == Unchanged("the source lane is reopened")


def test_from_complete_back_the_writes_of_the_source_go_on():
    log = walked("complete")
    log.accept("reopen")
    since = log.state.lanes["cloud"].written_from
    log.verify("cloud")
    log.accept("rollback")
    assert log.state.stage is Stage.SHADOW
    assert not log.state.reopened
    assert log.state.lanes["cloud"].written_from == since
    assert log.is_proven("cloud")


def retired() -> Log:
    log = walked("complete")
    log.wait(WEEK)
    log.verify()
    log.accept("retire", lane="cloud")
    return log


def test_only_the_source_is_retired():
    log = walked("complete")
    assert log.verdict("retire", lane="ollama") == Rejected(
        Rejection.FORBIDDEN, "only the source lane is retired: cloud"
    )


def test_a_reopened_lane_that_is_retired_is_not_written_any_more():
    log = walked("complete")
    log.accept("reopen")
    log.wait(WEEK)
    log.verify()
    log.accept("retire", lane="cloud")
    assert not log.state.reopened
    assert not is_written(log.state, "cloud")
    assert log.state.lanes["cloud"].written_from is None


def test_there_is_no_way_back_from_retired():
    log = retired()
    before = log.state
    orders: tuple[dict[str, Any], ...] = (
        {"kind": "rollback"},
        {"kind": "flag", "value": False},
        {"kind": "reopen"},
        *({"kind": "stage", "to": stage} for stage in list(Stage)[:-1]),
    )
    for order in orders:
        verdict = log.verdict(**order, **FORCED)
        assert isinstance(verdict, Rejected)
        assert verdict.why == ("lane cloud is retired: only another migration leads away from here")
    assert isinstance(log.verdict("stage", to="complete"), Unchanged)
    assert isinstance(log.verdict("flag", value=True), Unchanged)
    assert log.verdict("retire", lane="cloud") == Unchanged("lane cloud is retired")
    assert log.state == before
