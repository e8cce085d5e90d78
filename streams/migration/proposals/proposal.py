"""A proposal as a value: what a command would do at its place of the log."""

from typing import NamedTuple

from streams.migration.rules import Order
from streams.migration.state import LaneState, State
from streams.migration.verdicts import Rejected, Rejection, Unchanged

__all__ = ["Answer", "Place", "Proposal", "no_lane", "with_lane"]


class Place(NamedTuple):
    """A record's place in the log: its offset, and the broker's time in ms since the epoch."""

    offset: int
    time: int


class Proposal(NamedTuple):
    """What a command would do.

    Attributes:
        order: its column in the table; None for records that no stage stands against.
        effect: in a few words.
        state: after it.
        lane: the lane that guards are about; None: the target.
        build: the build that guards are about; None: the one that serves.
    """

    order: Order | None
    effect: str
    state: State
    lane: str | None = None
    build: int | None = None


Answer = Proposal | Unchanged | Rejected


def with_lane(state: State, name: str, lane: LaneState) -> State:
    """The state with this lane in it."""
    return state._replace(lanes={**state.lanes, name: lane})


def no_lane(state: State, name: str) -> Rejected:
    """What is said of a lane that nobody knows."""
    known = ", ".join(sorted(state.lanes)) or "none"
    return Rejected(Rejection.UNKNOWN_LANE, f"there is no lane {name}; there are: {known}")
