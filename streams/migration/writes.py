"""What the state means for writes: whether a lane works, and how fast."""

from dataclasses import dataclass

from schemas import Stage
from streams.migration.state import State

__all__ = ["Rests", "Work", "Works", "is_written", "with_writes", "work_of"]


@dataclass(frozen=True, slots=True)
class Works:
    """The lane works, with at most this many documents per second over all its workers."""

    documents_per_second: float | None = None


@dataclass(frozen=True, slots=True)
class Rests:
    """The lane takes no work and keeps its place."""

    why: str


Work = Works | Rests


def is_written(state: State, lane: str) -> bool:
    """Whether the lane's writes are on: by the stage, for the two lanes of the migration.

    Another lane stays as it was. It began with its writes on; the end of a migration that it
    was part of does not bring them back.
    """
    migration = state.migration
    if migration is not None and lane == migration.target:
        return state.stage is not Stage.OFF
    if migration is not None and lane == migration.source:
        return state.stage is not Stage.COMPLETE or state.reopened
    known = state.lanes.get(lane)
    return known is None or known.written_from is not None


def with_writes(state: State, offset: int) -> State:
    """Note from where on each lane is written; one that was switched off is to be proven anew."""
    changed = {}
    for name, lane in state.lanes.items():
        written = is_written(state, name)
        if written and lane.written_from is None:
            changed[name] = lane._replace(written_from=offset)
        elif not written and lane.written_from is not None:
            builds = {number: one._replace(proven=False) for number, one in lane.builds.items()}
            changed[name] = lane._replace(written_from=None, builds=builds)
    return state._replace(lanes={**state.lanes, **changed}) if changed else state


def work_of(state: State, lane: str) -> Work:
    """What the lane's workers do."""
    if not is_written(state, lane):
        return Rests(f"stage {state.stage}: lane {lane} is not written")
    known = state.lanes.get(lane)
    if known is None:
        return Rests(f"no build of lane {lane} was ever started")
    if known.paused is not None:
        return Rests(f"paused {known.paused}")
    return Works(known.documents_per_second)
