"""Observations on their way to Kafka: gathered, appended in batches, dropped when it is away.

Nobody waits for them. What is dropped is counted: a measurement that is lost is known to be.
"""

import asyncio
import logging
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from types import TracebackType
from typing import Self

from schemas import Record
from streams.errors import HotswapError
from streams.ports import NewRecord

__all__ = ["Append", "Observations"]

_log = logging.getLogger(__name__)

Append = Callable[[Sequence[NewRecord]], Awaitable[object]]
"""`streams.ports.Log.append`."""

_FLUSH_SECONDS = 5.0


class Observations:
    """A bounded buffer before the topic `observations`.

    Args:
        append: to the log.
        topic: the topic's name.
        capacity: records that may wait.
        batch: records in one append.
        every_seconds: how long records gather before they are appended.

    Attributes:
        written: records appended.
        dropped: records lost.
    """

    def __init__(
        self,
        append: Append,
        topic: str,
        *,
        capacity: int = 1_000,
        batch: int = 200,
        every_seconds: float = 0.5,
    ) -> None:
        self._append = append
        self._topic = topic
        self._capacity = capacity
        self._batch = batch
        self._every_seconds = every_seconds
        self._waiting: deque[NewRecord] = deque()
        self._some = asyncio.Event()
        self._closing = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self.written = 0
        self.dropped = 0

    async def __aenter__(self) -> Self:
        self._task = asyncio.create_task(self._run())
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Append what waits, for a few seconds at most."""
        task, self._task = self._task, None
        if task is None:
            return
        self._closing.set()
        self._some.set()
        await asyncio.wait({task}, timeout=_FLUSH_SECONDS)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        self.dropped += len(self._waiting)
        self._waiting.clear()

    def offer(self, key: str, record: Record) -> None:
        """Append a record in a while, if there is room for it; never waits."""
        if len(self._waiting) >= self._capacity:
            self.dropped += 1
            return
        self._waiting.append(NewRecord(self._topic, key.encode(), record.encode()))
        self._some.set()

    async def _run(self) -> None:
        while self._waiting or not self._closing.is_set():
            await self._some.wait()
            await self._gather()
            self._some.clear()
            while self._waiting:
                await self._flush()

    async def _gather(self) -> None:
        """Let records come together, unless this is the end."""
        try:
            async with asyncio.timeout(self._every_seconds):
                await self._closing.wait()
        except TimeoutError:
            return

    async def _flush(self) -> None:
        records = [self._waiting.popleft() for _ in range(min(self._batch, len(self._waiting)))]
        try:
            await self._append(records)
        except HotswapError as error:
            self.dropped += len(records)
            _log.info("%d observations are lost: %s", len(records), error)
        else:
            self.written += len(records)
