"""One role in one process: from the first connection to a clean end."""

import asyncio
import logging
import signal
import uuid
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field

from schemas import WorkerReport, WorkerState
from streams.agents.app import LedgerApp, make_app, topic_of
from streams.agents.consumption import Consumption, Work
from streams.agents.progress import Progress
from streams.agents.reporting import publish_report, publish_reports
from streams.agents.transport import LedgerConsumer
from streams.agents.watchdog import Watchdog
from streams.config import Settings
from streams.errors import HotswapError
from streams.migration.fold import Folded
from streams.ports import Log
from streams.services.follower import Follower
from streams.services.gate import Gate, OpenGate

__all__ = ["Role", "caught_up", "new_worker_id", "run_role", "stop_on_signals"]

_log = logging.getLogger(__name__)

_DRAIN_SECONDS = 25.0
"""How long a stop waits for the current batch; below the 30 s that supervisors allow."""


_REFRESH_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class Role:
    """What a worker process does."""

    name: str
    """`normalise` or `embed:<lane>`, as `streams.core.role_names` has it."""
    worker: str
    """A name for this process start."""
    group: str
    topics: Sequence[str]
    work: Work
    counters: Callable[[], Mapping[str, int]]
    records: int
    """How many records are taken at a time."""
    control: Follower
    """The control log, followed."""
    gate: Gate = field(default_factory=OpenGate)
    """Whether there is to be work."""
    remark: Callable[[], str] = lambda: ""
    """What there is to say of it while it works, such as why it goes slower."""
    on_partitions: Callable[[int], None] = lambda _count: None
    """Told how many partitions this worker has, at each rebalance."""
    on_folded: Callable[[], None] = lambda: None
    """Told that the control log's state may be another one."""
    is_over: Callable[[], bool] = lambda: False
    """Whether there will never be work for this role again, by that state."""


def new_worker_id(role: str) -> str:
    """A name for this process start."""
    return f"{role}-{uuid.uuid4().hex[:8]}"


def stop_on_signals() -> asyncio.Event:
    """An event that SIGTERM and SIGINT set."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    return stop


async def run_role(role: Role, settings: Settings, log: Log, stop: asyncio.Event) -> int:
    """Work until `stop` is set, something fails, or the role is over; the process's exit status.

    A stop drains: the current batch is finished and committed, no other is taken, and the
    group is left. A role that is over stops in the same way, but that its gate keeps the current
    batch from being written.
    """

    def folded(_record: Folded | None = None) -> None:
        role.on_folded()
        if role.is_over() and not stop.is_set():
            _log.info("ending: %s", role.gate.rests())
            stop.set()

    progress = Progress(role.worker, role.name, role.counters)
    app = make_app(settings.kafka, role.group)
    consumption = Consumption(
        role.work,
        lambda: _consumer(app),
        progress,
        gate=role.gate,
        records=role.records,
        within_seconds=settings.limits.batch_seconds,
    )
    app.agent(topic_of(app, role.topics), concurrency=1, name=role.name)(consumption.run)
    app.on_partitions_assigned.connect(_partitions_listener(role, progress), weak=False)
    watchdog = Watchdog(
        progress,
        lambda: _consumer(app).unfinished(),
        stuck_after_seconds=settings.limits.stuck_after_seconds,
    )
    app.finalize()
    end_listening = role.control.listen(folded)
    folded()
    await app.start()
    watchdog.start()
    reports = asyncio.create_task(
        publish_reports(
            log,
            settings.kafka.topics.observations,
            lambda: _report(role, progress, app),
        )
    )
    try:
        return await _until_the_end(app, role, consumption, stop)
    finally:
        end_listening()
        reports.cancel()
        with suppress(asyncio.CancelledError):
            await reports
        await consumption.drain(_DRAIN_SECONDS)
        watchdog.stop()
        progress.set(WorkerState.STOPPED)
        await app.stop()
        await publish_report(log, settings.kafka.topics.observations, _report(role, progress, app))


async def caught_up(control: Follower, stop: asyncio.Event) -> bool:
    """Wait until the control log was read to its end once; False if `stop` came first.

    Raises: DriftError, ConfigurationError if it can not be followed.
    """
    stopped = asyncio.create_task(_when_set(stop))
    reading = asyncio.ensure_future(control.caught_up())
    try:
        await asyncio.wait((stopped, reading), return_when=asyncio.FIRST_COMPLETED)
        if reading.done():
            reading.result()
        return not stop.is_set()
    finally:
        stopped.cancel()
        reading.cancel()
        await asyncio.gather(stopped, reading, return_exceptions=True)


def _report(role: Role, progress: Progress, app: LedgerApp) -> WorkerReport:
    return progress.report(
        _partitions(app),
        rests=role.gate.rests(),
        remark=role.remark(),
        control_version=role.control.state.version,
        control_age_seconds=role.control.age(),
    )


async def _until_the_end(
    app: LedgerApp, role: Role, consumption: Consumption, stop: asyncio.Event
) -> int:
    ends: set[asyncio.Future[None]] = {
        asyncio.ensure_future(_when_set(stop)),
        asyncio.ensure_future(app.wait_until_stopped()),
        asyncio.ensure_future(role.control.failed()),
        consumption.failure,
    }
    done, pending = await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
    for task in pending:
        task.cancel()
    await asyncio.gather(*pending, return_exceptions=True)
    if stop.is_set() or await _is_over(role):
        return 0
    for task in done:
        if not task.cancelled() and (error := task.exception()) is not None:
            _log.critical("ending because of an unexpected error", exc_info=error)
    return 1


async def _is_over(role: Role) -> bool:
    """Whether what failed did so because the role is over, which may not have been heard yet."""
    with suppress(HotswapError, TimeoutError):
        await asyncio.wait_for(role.control.refresh(), _REFRESH_SECONDS)
    return role.is_over()


async def _when_set(event: asyncio.Event) -> None:
    await event.wait()


def _consumer(app: LedgerApp) -> LedgerConsumer:
    consumer = app.consumer
    assert isinstance(consumer, LedgerConsumer)  # noqa: S101 - LedgerTransport makes it
    return consumer


def _partitions(app: LedgerApp) -> tuple[int, ...]:
    return tuple(sorted({tp.partition for tp in _consumer(app).assignment()}))


def _partitions_listener(role: Role, progress: Progress) -> Callable[..., Awaitable[None]]:
    async def listen(_app: object, assigned: Collection[object], **_signal: object) -> None:
        progress.set(WorkerState.RUNNING)
        role.on_partitions(len(assigned))

    return listen
