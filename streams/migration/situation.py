"""What a guard judges by, and what it answers if it does not let pass."""

from typing import NamedTuple, Self

from schemas import Policy
from streams.migration.state import Build, LaneState, State

__all__ = ["Hold", "Situation"]

_POLICY = Policy()


class Hold(NamedTuple):
    """Why a guard does not let pass, and whether `force` may override it."""

    why: str
    forcible: bool = True


class Situation(NamedTuple):
    """A state at a time, from the point of view of one build of one lane.

    Attributes:
        state: before the command.
        now: the broker's time, ms since the epoch.
        name: of the lane.
        lane: its state; None if it was never started.
        number: of the build.
        build: its state; None if there is none.
    """

    state: State
    now: int
    name: str
    lane: LaneState | None
    number: int
    build: Build | None

    @classmethod
    def of(cls, state: State, now: int, name: str, number: int | None) -> Self:
        """That of a lane's build; without a number, of the one that serves."""
        lane = state.lanes.get(name)
        if lane is None:
            return cls(state, now, name, None, number or 0, None)
        if number is None:
            number = lane.serving
        return cls(state, now, name, lane, number, lane.builds.get(number))

    @property
    def policy(self) -> Policy:
        """The migration's policy."""
        return _POLICY if self.state.migration is None else self.state.migration.policy

    @property
    def since(self) -> int | None:
        """Offset of the record from which on this build is written; None if it is not."""
        if self.lane is None or self.build is None or self.lane.written_from is None:
            return None
        return max(self.lane.written_from, self.build.since)
