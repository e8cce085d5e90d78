"""Commands to one lane's workers: pause, resume, throttle."""

from schemas import Pause, Resume, Throttle
from streams.migration.proposals.proposal import Answer, Place, Proposal, no_lane, with_lane
from streams.migration.rules import Order
from streams.migration.state import State
from streams.migration.verdicts import Unchanged

__all__ = ["pause", "resume", "throttle"]


def pause(state: State, command: Pause, _at: Place) -> Answer:
    """Take no further work. Who was first is remembered."""
    name, lane = command.lane, state.lanes.get(command.lane)
    if lane is None:
        return no_lane(state, name)
    if lane.paused is not None:
        return Unchanged(f"lane {name} is paused {lane.paused}")
    why = f"by {command.by}" + (f": {command.reason}" if command.reason else "")
    after = with_lane(state, name, lane._replace(paused=why))
    return Proposal(Order.PAUSE, f"lane {name} is paused", after, name)


def resume(state: State, command: Resume, _at: Place) -> Answer:
    """Work again."""
    name, lane = command.lane, state.lanes.get(command.lane)
    if lane is None:
        return no_lane(state, name)
    effect = f"lane {name} is not paused"
    if lane.paused is None:
        return Unchanged(effect)
    after = with_lane(state, name, lane._replace(paused=None))
    return Proposal(Order.RESUME, effect, after, name)


def throttle(state: State, command: Throttle, _at: Place) -> Answer:
    """Work so fast at the most."""
    name, lane = command.lane, state.lanes.get(command.lane)
    if lane is None:
        return no_lane(state, name)
    rate = command.documents_per_second
    effect = f"lane {name} works " + (
        "as fast as it can" if rate is None else f"at {rate:g} documents/s"
    )
    if lane.documents_per_second == rate:
        return Unchanged(effect)
    after = with_lane(state, name, lane._replace(documents_per_second=rate))
    return Proposal(Order.THROTTLE, effect, after, name)
