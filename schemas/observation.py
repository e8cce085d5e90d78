"""Observations: small measurements that workers publish about themselves."""

from enum import StrEnum
from typing import Literal

from pydantic import Field

from schemas.record import Record

__all__ = ["Observation", "WorkerReport", "WorkerState"]


class WorkerState(StrEnum):
    """What a worker is doing."""

    STARTING = "starting"
    RUNNING = "running"
    STALLED = "stalled"
    PAUSED = "paused"
    STOPPED = "stopped"


class WorkerReport(Record):
    """A worker's own account of itself, about once a second and at every change of state.

    Counters count since the worker started; add those of all worker ids for a total.
    """

    kind: Literal["worker"] = "worker"
    worker: str = Field(description="Unique for each process start.")
    role: str = Field(description="`normalise` or `embed:<lane>`.")
    at: int = Field(description="When it was written, ms since the epoch.")
    state: WorkerState
    reason: str = Field(default="", description="Why it is stalled or paused.")
    partitions: tuple[int, ...] = ()
    counters: dict[str, int] = Field(default_factory=dict)


Observation = WorkerReport
