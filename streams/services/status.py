"""What runs, how far each role is, and why one is not getting on."""

import asyncio
from collections import defaultdict
from collections.abc import Coroutine, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel, Field, ValidationError

from schemas import BuildStarted, UnknownSchemaVersion, WorkerReport, WorkerState
from streams.config import Settings
from streams.core.role_names import NORMALISE, embed_role_name
from streams.migration.state import State
from streams.ports import Log, VectorStore
from streams.services.builds import builds_of
from streams.services.lag import lag_of_role
from streams.services.migration_status import MigrationStatus, migration_status
from streams.services.pinned import asked_otherwise

__all__ = [
    "BuildStatus",
    "RoleStatus",
    "Status",
    "StatusSources",
    "WorkerStatus",
    "collect",
    "latest_reports",
]

_TAIL_RECORDS, _LONGEST_TAIL = 400, 102_400
_SILENT_AFTER_MS = 10_000


class WorkerStatus(BaseModel):
    """One worker process, by its own account."""

    worker: str
    state: WorkerState
    reason: str = ""
    silent_seconds: float = Field(description="Since its last report.")
    partitions: tuple[int, ...] = ()
    records_per_second: float | None = Field(
        default=None, description="Over its last reports; unknown until there are two."
    )
    counters: dict[str, int] = Field(default_factory=dict)
    control_version: int = Field(description="Of the control log's state that it goes by.")
    control_age_seconds: float = Field(
        description="Since it last knew that state to be the newest, when it reported."
    )


class BuildStatus(BaseModel):
    """The build of a lane that a role fills."""

    lane: str
    build: int
    serves: bool = Field(description="Whether the lane is read from it.")
    proven: bool = Field(description="Whether it was verified clean since its writes began.")
    percent: float = Field(description="Of `documents` that its workers have behind them, 0 … 100.")
    seconds_left: float | None = Field(
        default=None, description="Until they have all, at their rate; null if that is not known."
    )

    @property
    def is_filling(self) -> bool:
        """Whether it has not got to the end of `documents` yet, for all that is known."""
        return not self.proven and self.percent < 100  # noqa: PLR2004 - per cent


class RoleStatus(BaseModel):
    """One role: a consumer group and its workers."""

    role: str
    group: str
    lag: dict[str, int] = Field(description="`topic/partition` → records still to do.")
    workers: list[WorkerStatus] = Field(default_factory=list)
    collection: str | None = None
    rows: int | None = None
    build: BuildStatus | None = Field(default=None, description="Null for other roles.")

    @property
    def total_lag(self) -> int:
        """Records still to do, over all partitions."""
        return sum(self.lag.values())


class Status(BaseModel):
    """The migration, and all roles."""

    control_version: int = Field(description="Of the control log's newest state.")
    migration: MigrationStatus | None = Field(description="Null if none is defined yet.")
    roles: list[RoleStatus]
    changed: dict[str, dict[str, tuple[Any, Any]]] = Field(
        default_factory=dict,
        description="Lane → what its configuration asks for and no build of it was filled with:"
        " field → (what it was, what it is).",
    )


@dataclass(frozen=True, slots=True)
class StatusSources:
    """Where a status is read from."""

    settings: Settings
    log: Log
    store: VectorStore
    state: State
    changed_at: int | None = None
    """The broker's time of the record that made the state's version, if known."""


async def collect(sources: StatusSources, now_ms: int) -> Status:
    """Ask Kafka and Milvus how far every role is.

    Raises: TransientError if either can not be reached.
    """
    settings = sources.settings
    reports = await latest_reports(sources.log, settings.kafka.topics.observations)
    state = sources.state
    builds = [build for lane in settings.lanes for build in _builds(sources, lane)]
    roles = await asyncio.gather(_role(sources, NORMALISE), *builds)
    for role in roles:
        role.workers = _workers((r for r in reports if r.role == role.role), now_ms)
        if role.build is not None:
            role.build.seconds_left = _seconds_left(role)
    changed = {
        lane: dict(differences)
        for lane, config in settings.lanes.items()
        if (differences := asked_otherwise(config, builds_of(state, lane)))
    }
    return Status(
        control_version=state.version,
        migration=migration_status(state, now_ms, sources.changed_at),
        roles=roles,
        changed=changed,
    )


def _builds(sources: StatusSources, lane: str) -> list[Coroutine[Any, Any, RoleStatus]]:
    """One role for each build of the lane; of a lane without builds, that of its first."""
    builds = builds_of(sources.state, lane)
    if not builds:
        return [_role(sources, embed_role_name(lane))]
    return [_build(sources, build) for build in builds]


async def _build(sources: StatusSources, build: BuildStarted) -> RoleStatus:
    lane, topic = sources.state.lanes[build.lane], sources.settings.kafka.topics.documents
    role, ends, stored = await asyncio.gather(
        _role(sources, embed_role_name(build.lane, build.build)),
        sources.log.ends(topic),
        sources.store.fingerprint(build.collection),
    )
    role.collection = build.collection
    if stored is not None:  # a drop that was cut off, or a disaster; neither hides the others
        role.rows = await sources.store.count(build.collection)
    end = sum(ends.values())
    role.build = BuildStatus(
        lane=build.lane,
        build=build.build,
        serves=build.build == lane.serving,
        proven=lane.builds[build.build].proven,
        percent=100.0 * max(0, end - role.total_lag) / end if end else 100.0,
    )
    return role


def _seconds_left(role: RoleStatus) -> float | None:
    rates = [one.records_per_second for one in role.workers if one.records_per_second]
    return role.total_lag / sum(rates) if rates else None


async def _role(sources: StatusSources, role: str) -> RoleStatus:
    settings = sources.settings
    lag = await lag_of_role(sources.log, settings, role)
    return RoleStatus(role=role, group=settings.group(role), lag=lag)


def _workers(reports: Iterable[WorkerReport], now_ms: int) -> list[WorkerStatus]:
    """The workers that reported lately, each with its rate over its reports."""
    by_worker: dict[str, list[WorkerReport]] = defaultdict(list)
    for report in reports:
        by_worker[report.worker].append(report)
    workers = []
    for worker, history in sorted(by_worker.items()):
        last = history[-1]
        silent = now_ms - last.at
        if last.state is WorkerState.STOPPED or silent > _SILENT_AFTER_MS:
            continue
        workers.append(
            WorkerStatus(
                worker=worker,
                state=last.state,
                reason=last.reason,
                silent_seconds=max(0, silent) / 1000,
                partitions=last.partitions,
                records_per_second=_rate(history),
                counters=last.counters,
                control_version=last.control_version,
                control_age_seconds=last.control_age_seconds,
            )
        )
    return workers


def _rate(history: Sequence[WorkerReport], window_ms: int = 10_000) -> float | None:
    last = history[-1]
    first = next(report for report in history if report.at >= last.at - window_ms)
    if last.at <= first.at:
        return None
    done = last.counters.get("records", 0) - first.counters.get("records", 0)
    return 1000 * done / (last.at - first.at)


async def latest_reports(log: Log, topic: str) -> list[WorkerReport]:
    """The newest reports on `observations`, oldest first within each worker.

    Other observations stand there too, and may be many more: the tail that is read grows until
    it is long enough, in time, to hold a report of everybody who lives.
    """
    ends = await log.ends(topic)
    tail = _TAIL_RECORDS
    while True:
        since: Mapping[int, int] = {p: max(0, end - tail) for p, end in ends.items()}
        pages = log.read(topic, since=since, until=ends)
        records = [record async for page in pages for record in page]
        times = [record.timestamp for record in records]
        if (
            tail >= _LONGEST_TAIL
            or not any(since.values())
            or (times and max(times) - min(times) > _SILENT_AFTER_MS)
        ):
            break
        tail *= 4
    reports: list[WorkerReport] = []
    for record in records:
        try:
            reports.append(WorkerReport.decode(record.value or b""))
        except (ValidationError, UnknownSchemaVersion):
            continue  # another kind of observation
    return sorted(reports, key=lambda report: report.at)
