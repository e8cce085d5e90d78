"""Commands that move reads and writes between the lanes: stage, ramp, flag, rollback, the end."""

from collections.abc import Iterable

from schemas import FlagSet, RampSet, Reopen, Retire, Rollback, Stage, StageSet
from streams.migration.proposals.proposal import Answer, Place, Proposal
from streams.migration.rules import Order, stage_order
from streams.migration.state import Ramp, State
from streams.migration.verdicts import Rejected, Rejection, Unchanged
from streams.migration.writes import with_writes

__all__ = ["flag", "ramp", "reopen", "retire", "rollback", "stage"]

_ALL = 100.0
_STAGES = list(Stage)
_ON_TARGET = (Stage.RAMPDOWN, Stage.COMPLETE)


def stage(state: State, command: StageSet, at: Place) -> Answer:
    """Enter a stage."""
    to = command.to
    if state.retired and to is not Stage.COMPLETE:
        return _gone(state)
    return Proposal(stage_order(to), f"stage {to}", _enter(state, to, at))


def rollback(state: State, command: Rollback, at: Place) -> Answer:
    """Put all reads on the source."""
    return _back(state, command.to, at)


def ramp(state: State, command: RampSet, at: Place) -> Answer:
    """Change who reads from the target."""
    return _to_ramp(state, command.percent, command.cohorts, at)


def flag(state: State, command: FlagSet, at: Place) -> Answer:
    """Short for a ramp or a rollback."""
    if command.value is False:
        return _back(state, Stage.SHADOW, at)
    return _to_ramp(state, _ALL if command.value is True else command.value, None, at)


def reopen(state: State, _command: Reopen, at: Place) -> Answer:
    """Write the source again."""
    if state.retired:
        return _gone(state)
    if state.reopened:
        return Unchanged("the source lane is reopened")
    after = with_writes(state._replace(reopened=True), at.offset)
    return Proposal(Order.REOPEN, "the source lane is written again", after)


def retire(state: State, command: Retire, at: Place) -> Answer:
    """Give the source up."""
    if state.migration is not None and command.lane != state.migration.source:
        why = f"only the source lane is retired: {state.migration.source}"
        return Rejected(Rejection.FORBIDDEN, why)
    if state.retired:
        return Unchanged(f"lane {command.lane} is retired")
    after = with_writes(state._replace(retired=True, reopened=False), at.offset)
    return Proposal(Order.RETIRE, f"lane {command.lane} is retired", after)


def _gone(state: State) -> Rejected:
    source = "the source lane" if state.migration is None else f"lane {state.migration.source}"
    why = f"{source} is retired: only another migration leads away from here"
    return Rejected(Rejection.FORBIDDEN, why)


def _enter(state: State, to: Stage, at: Place) -> State:
    """The state in another stage: the ramp starts anew whenever reads were on the source."""
    reads_go_on = to in _ON_TARGET or (to is Stage.LIVE and state.stage in _ON_TARGET)
    ramp = state.ramp if reads_go_on else Ramp(since=at.time, raised_at=at.offset)
    moved = state._replace(stage=to, stage_since=at.time, ramp=ramp, reopened=False)
    return with_writes(moved, at.offset)


def _back(state: State, to: Stage, at: Place) -> Answer:
    if state.retired:
        return _gone(state)
    if _STAGES.index(to) >= _STAGES.index(state.stage):
        return Unchanged(f"the stage is {state.stage}: all reads are on the source lane")
    effect = f"all reads are on the source lane, stage {to}"
    return Proposal(Order.ROLLBACK, effect, _enter(state, to, at))


def _to_ramp(
    state: State, percent: float | None, cohorts: Iterable[str] | None, at: Place
) -> Answer:
    past = state.ramp if state.stage is Stage.LIVE else Ramp()
    if state.stage in _ON_TARGET:
        past = Ramp(_ALL)
    percent = past.percent if percent is None else percent
    cohorts = past.cohorts if cohorts is None else frozenset(cohorts)
    same = (percent, cohorts) == (past.percent, past.cohorts)
    if same and state.stage is Stage.LIVE:
        return Unchanged(f"the ramp is {_shown(past)}")
    raises = same or percent > past.percent or not cohorts <= past.cohorts
    ramp = Ramp(percent, cohorts, at.time, at.offset if raises else past.raised_at)
    order = Order.RAMP_UP if raises else Order.RAMP_DOWN
    return Proposal(order, f"ramp {_shown(ramp)}", state._replace(ramp=ramp))


def _shown(ramp: Ramp) -> str:
    cohorts = f" and cohorts {', '.join(sorted(ramp.cohorts))}" if ramp.cohorts else ""
    return f"{ramp.percent:g} %{cohorts}"
