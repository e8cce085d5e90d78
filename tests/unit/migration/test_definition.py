"""What the definition of a migration does, and what the autopilot's record does."""

import pytest

from schemas import Stage
from streams.migration.state import Ramp
from streams.migration.verdicts import Accepted, Rejected, Rejection, Unchanged
from streams.migration.writes import is_written
from tests.unit.migration.log import WEEK, Log, begun, walked


def two_lanes() -> Log:
    log = Log()
    log.start("cloud")
    log.start("ollama")
    return log


def retired() -> Log:
    log = walked("complete")
    log.accept("autopilot", on=True)
    log.wait(WEEK)
    log.verify()
    log.accept("retire", lane="cloud")
    return log


def test_a_definition_begins_at_off_and_takes_the_source_s_word():
    log = two_lanes()
    assert log.define() == Accepted("from cloud to ollama")
    assert log.state.stage is Stage.OFF
    assert log.state.stage_since == log.now
    assert log.state.defined_at == len(log.records) - 1
    assert log.is_proven("cloud")
    assert log.state.lanes["ollama"].written_from is None


def test_both_lanes_must_be_known():
    log = Log()
    log.start("cloud")
    for lanes in ({}, {"source": "ollama", "target": "cloud"}):
        assert log.define(**lanes) == Rejected(
            Rejection.UNKNOWN_LANE, "there is no lane ollama; there are: cloud"
        )


def test_the_same_definition_again_changes_nothing():
    log = begun()
    before = log.state
    assert log.define() == Unchanged("the migration goes from cloud to ollama")
    assert log.state == before


@pytest.mark.parametrize("stage", list(Stage))
def test_another_policy_is_taken_in_every_stage_and_changes_nothing_else(stage):
    log = walked(stage)
    before = log.state
    assert log.define(policy={"safety_seconds": 1}) == Accepted(
        "from cloud to ollama, by another policy"
    )
    after = log.state
    assert after.migration is not None
    assert after.migration.policy.safety_seconds == 1
    assert after.migration.policy.health_samples == 100
    assert after._replace(version=0, migration=None) == before._replace(version=0, migration=None)


@pytest.mark.parametrize("stage", [stage for stage in Stage if stage is not Stage.OFF])
@pytest.mark.parametrize("other", [{"salt": "other"}, {"target": "third"}])
def test_nobody_is_moved_about_in_the_middle(stage, other):
    log = walked(stage)
    log.start("third")
    assert log.define(**other) == Rejected(
        Rejection.FORBIDDEN, f"the stage is {stage}: go back to off first"
    )


def test_at_off_the_target_and_the_salt_may_change_but_not_what_is_read():
    log = begun()
    log.start("third")
    for source in ("ollama", "third"):
        assert log.define(source=source, target="cloud") == Rejected(
            Rejection.FORBIDDEN, "reads are on cloud: it must be the source"
        )
    assert isinstance(log.define(salt="other"), Accepted)
    assert isinstance(log.define(target="third"), Accepted)


def test_a_lane_that_leaves_the_migration_stays_off():
    """Else the end of a migration would begin to fill, and to pay for, a lane."""
    log = begun()
    log.start("third")
    assert is_written(log.state, "third")
    log.define(target="third")
    assert not is_written(log.state, "third")
    assert not is_written(log.state, "ollama")
    log.define(target="ollama")
    assert not is_written(log.state, "third")


def test_a_lane_beside_the_migration_goes_on_through_all_stages():
    log = walked("dualwrite")
    log.start("third")
    log.accept("rollback", to="off")
    assert is_written(log.state, "third")


def test_after_retire_the_next_migration_begins_at_the_lane_that_is_read():
    log = retired()
    log.start("third")
    assert log.define(target="third") == Rejected(
        Rejection.FORBIDDEN, "reads are on ollama: it must be the source"
    )
    assert isinstance(log.define(source="ollama", target="third", salt="next"), Accepted)
    state = log.state
    assert (state.stage, state.ramp) == (Stage.OFF, Ramp())
    assert not state.retired
    assert not state.autopilot  # nobody has switched it on for this one
    assert state.lanes["ollama"].fully_written
    assert not is_written(state, "cloud")
    assert not is_written(state, "third")


def test_a_retired_lane_can_come_back_as_the_next_target():
    log = retired()
    assert isinstance(log.define(source="ollama", target="cloud"), Accepted)
    assert not log.is_proven("cloud")


def test_the_source_is_taken_at_its_word_only_once():
    log = begun()
    log.fold.state = log.state._replace(
        lanes={
            **log.state.lanes,
            "cloud": log.state.lanes["cloud"]._replace(
                builds={1: log.state.lanes["cloud"].build._replace(proven=False)}
            ),
        }
    )
    log.accept("migration", source="cloud", target="ollama", salt="other")
    assert not log.is_proven("cloud")


def test_the_autopilot_is_switched_on_and_off_and_given_plans():
    log = walked("live", percent=5)
    assert log.accept("autopilot", on=True).effect == "autopilot on: 5 %, 10 %, 50 %, 100 %"
    assert log.verdict("autopilot", on=True) == Unchanged("the autopilot is on")
    log.accept("autopilot", on=True, plan=[1, 2.5, 100])
    assert (log.state.autopilot, log.state.plan) == (True, (1, 2.5, 100))
    log.accept("autopilot", on=False)
    assert (log.state.autopilot, log.state.plan) == (False, (1, 2.5, 100))
