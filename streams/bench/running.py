"""A role in this process, timed over the records it finishes.

The clock starts when the role has its partitions, so fetching and waiting for the first batch
count, and joining the consumer group does not. It stops when the last record is done.
"""

import asyncio
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from typing import Any

from mode.utils.locks import Event

from streams.agents.consumption import Work
from streams.agents.worker import Role, run_role
from streams.bench.rounds import Progress
from streams.config import Settings
from streams.core.canaries import CANARY_TEXTS
from streams.errors import HotswapError, TransientError
from streams.ports import Embedder, Log, LogRecord, OnTokens, Purpose, Vectors

__all__ = ["Counted", "run_until"]

_PATIENCE_SECONDS = 120.0


class Counted:
    """An embedder that counts what the lane asks of it; see `streams.ports.Embedder`.

    Attributes:
        calls: calls of `embed`. What is asked to know the model, by `identify` and with the
            canaries, is not among them.
        texts: texts in those calls.
        failed: those calls that were not answered with vectors.
    """

    def __init__(self, embedder: Embedder) -> None:
        self._embedder = embedder
        self.identify = embedder.identify
        self.close = embedder.close
        self.calls = 0
        self.texts = 0
        self.failed = 0

    async def embed(
        self,
        texts: Sequence[str],
        purpose: Purpose = Purpose.DOCUMENT,
        *,
        on_tokens: OnTokens | None = None,
    ) -> Vectors:
        """Count, and pass on."""
        if tuple(texts) == CANARY_TEXTS:
            return await self._embedder.embed(texts, purpose, on_tokens=on_tokens)
        self.calls += 1
        self.texts += len(texts)
        try:
            return await self._embedder.embed(texts, purpose, on_tokens=on_tokens)
        except HotswapError:
            self.failed += 1
            raise


class _Watched:
    """A role's work, with a note of how much of it is done since when."""

    def __init__(self, work: Work, records: int, progress: Progress) -> None:
        self._work = work
        self._records = records
        self._progress = progress
        self._began = time.monotonic()
        self.done = 0
        self.seconds = 0.0
        self.moved_at = self._began
        self.finished = asyncio.Event()

    def begin(self, _partitions: int) -> None:
        """Start the clock."""
        if not self.done:
            self._began = time.monotonic()

    async def process(self, records: Sequence[LogRecord], check: Callable[[], None]) -> None:
        """Do the work, then look at the clock."""
        await self._work.process(records, check)
        self.moved_at = time.monotonic()
        self.done += len(records)
        self.seconds = self.moved_at - self._began
        self._progress.advance(len(records))
        if self.done >= self._records:
            self.finished.set()


async def run_until(
    role: Role, settings: Settings, log: Log, records: int, progress: Progress
) -> float:
    """Run a role until it has finished so many records; records per second.

    It takes as many at a time as it always does, but never more than `records`. The last batch
    may go beyond them; what it holds counts, and so does its time.

    Raises: TransientError if it ended before, or nothing moved for two minutes.
    """
    watched = _Watched(role.work, records, progress)

    def on_partitions(count: int) -> None:
        role.on_partitions(count)
        watched.begin(count)

    stop = asyncio.Event()
    timed = replace(
        role, work=watched, on_partitions=on_partitions, records=min(role.records, records)
    )
    before = asyncio.all_tasks()
    running = asyncio.create_task(run_role(timed, settings, log, stop))
    try:
        await _until_finished(watched, running)
    finally:
        stop.set()
        await running
        _end_waiters(asyncio.all_tasks() - before)
    return watched.done / watched.seconds


async def _until_finished(watched: _Watched, running: asyncio.Task[int]) -> None:
    finished = asyncio.create_task(watched.finished.wait())
    try:
        while not finished.done():
            await asyncio.wait(
                (finished, running), timeout=1.0, return_when=asyncio.FIRST_COMPLETED
            )
            if running.done():
                raise TransientError(f"the role ended after {watched.done} records; see above")
            if time.monotonic() - watched.moved_at > _PATIENCE_SECONDS:
                raise TransientError(f"the role stands still after {watched.done} records")
    finally:
        finished.cancel()


def _end_waiters(tasks: Iterable[asyncio.Task[Any]]) -> None:
    """Cancel what mode leaves behind when `wait_until_stopped` of a service is cancelled.

    Where a process runs one role, these end with it. Here they would be found later, by the
    garbage collector, and reported.
    """
    for task in tasks:
        if getattr(task.get_coro(), "cr_code", None) is Event.wait.__code__:
            task.cancel()
