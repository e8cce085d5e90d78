"""The migration as `hotswap status` tells it: stage, reads, lanes and how old that is."""

from pydantic import BaseModel, Field

from schemas import Stage
from streams.migration.reads import routing_of
from streams.migration.state import State
from streams.migration.writes import is_written
from streams.services.state_words import reads_in_words, shares

__all__ = ["LaneStatus", "MigrationStatus", "migration_status"]


class LaneStatus(BaseModel):
    """One lane, by the control log."""

    written: bool = Field(description="Whether the stage has its writes on.")
    fully_written: bool = Field(description="And it was verified clean since they began.")
    build: int = Field(description="The one that serves.")
    paused: str | None = Field(description="By whom and why; null if it is not.")
    documents_per_second: float | None = Field(description="Its throttle; null if it has none.")


class MigrationStatus(BaseModel):
    """The state of the migration at a time."""

    source: str
    target: str
    stage: Stage
    stage_since: int = Field(description="The broker's time, ms since the epoch.")
    stage_seconds: float
    reads: dict[str, float] = Field(description="Lane → per cent of the askers, cohorts apart.")
    cohorts: tuple[str, ...] = Field(description="Those that read from the target as such.")
    reads_in_words: str
    mirrored: bool = Field(description="Whether reads are mirrored to the other lane.")
    version: int = Field(description="Offset of the newest order that changed something.")
    changed_at: int | None = Field(description="The time of that; null if it is long past.")
    changed_seconds: float | None
    reopened: bool
    retired: bool
    lanes: dict[str, LaneStatus]


def migration_status(
    state: State, now_ms: int, changed_at: int | None = None
) -> MigrationStatus | None:
    """The state as a status; None if no migration is defined.

    Args:
        state: of the control log.
        now_ms: the time, ms since the epoch.
        changed_at: the broker's time of the record that made the state's version.
    """
    migration, routing = state.migration, routing_of(state)
    if migration is None or routing is None:
        return None
    return MigrationStatus(
        source=migration.source,
        target=migration.target,
        stage=state.stage,
        stage_since=state.stage_since,
        stage_seconds=_since(state.stage_since, now_ms),
        reads=shares(state),
        cohorts=tuple(sorted(routing.cohorts)),
        reads_in_words=reads_in_words(state),
        mirrored=routing.mirrored,
        version=state.version,
        changed_at=changed_at,
        changed_seconds=None if changed_at is None else _since(changed_at, now_ms),
        reopened=state.reopened,
        retired=state.retired,
        lanes={
            name: LaneStatus(
                written=is_written(state, name),
                fully_written=lane.fully_written,
                build=lane.serving,
                paused=lane.paused,
                documents_per_second=lane.documents_per_second,
            )
            for name, lane in state.lanes.items()
        },
    )


def _since(then_ms: int, now_ms: int) -> float:
    return max(0, now_ms - then_ms) / 1000
