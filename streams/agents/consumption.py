"""The loop between Faust and a piece of work: take, do, and only then complete.

Knows nothing of what the work is. Whatever goes wrong, a record is completed only after
`process` has returned for it: a transient error is retried for as long as it takes, a halt
waits for an operator, a closed gate for the control log, a lost partition is left to whoever
has it now, and anything else ends the process, so that the records come again.

A gate is not Faust's own pause, which every rebalance undoes: the agent just takes no work.
"""

import asyncio
import logging
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, cast

from faust.streams import Stream
from faust.types import StreamT
from tenacity import AsyncRetrying, RetryCallState, retry_if_exception_type, wait_random_exponential

from schemas import WorkerState
from streams.agents.progress import Progress
from streams.agents.transport import Chunk, LedgerConsumer, Ownership
from streams.errors import LaneHalted, LanePaused, OwnershipLost, TransientError
from streams.ports import LogRecord
from streams.services.gate import Gate

__all__ = ["Consumption", "Part", "Work", "batches"]

_log = logging.getLogger(__name__)

_HALTED_PAUSE_SECONDS = 15.0
_UNSURE_PAUSE_SECONDS = 0.1
_GATE_PAUSE_SECONDS = 0.05
_CHUNKS = 16
"""How many chunks are taken at a time; each holds what one fetch brought of one partition."""
_backoff = wait_random_exponential(multiplier=0.25, max=15.0)


class _Drained(Exception):
    """A stop was asked for while a batch waited for the other side."""


@dataclass(frozen=True, slots=True)
class Part:
    """Some records of a chunk, in order."""

    chunk: Chunk
    records: Sequence[LogRecord]


def batches(chunks: Iterable[Chunk], size: int) -> Iterator[list[Part]]:
    """Cut chunks into batches of `size` records (the last may be smaller), in order."""
    batch: list[Part] = []
    room = size
    for chunk in chunks:
        start = 0
        while start < len(chunk.records):
            part = Part(chunk, chunk.records[start : start + room])
            batch.append(part)
            start += len(part.records)
            room -= len(part.records)
            if not room:
                yield batch
                batch, room = [], size
    if batch:
        yield batch


class Work(Protocol):
    """What is done with a batch of records."""

    async def process(self, records: Sequence[LogRecord], check: Callable[[], None]) -> None:
        """Make the effect of all records durable, or raise.

        `check` raises OwnershipLost or LanePaused; call it before whatever takes long, and
        right before writing.
        """
        ...


class Consumption:
    """Runs a piece of work over a Faust stream."""

    def __init__(
        self,
        work: Work,
        consumer: Callable[[], LedgerConsumer],
        progress: Progress,
        *,
        gate: Gate,
        records: int,
        within_seconds: float,
    ) -> None:
        self._work = work
        self._consumer = consumer
        self._progress = progress
        self._gate = gate
        self._records = records
        self._within = within_seconds
        self._idle = asyncio.Event()
        self._idle.set()
        self._draining = asyncio.Event()
        self.failure: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    async def run(self, stream: StreamT[Any]) -> None:
        """The agent's body. Lets no exception out; `failure` holds what it met."""
        try:
            # Faust declares noack_take to yield values; it yields events.
            taken = cast("Stream[Any]", stream).noack_take(_CHUNKS, within=self._within)
            async for events in taken:
                for batch in batches((event.message for event in events), self._records):
                    if self._draining.is_set():
                        return
                    self._idle.clear()
                    try:
                        await self._finish(batch)
                    finally:
                        self._idle.set()
        except _Drained:
            return  # what was not done is not completed, and comes again
        except Exception as error:  # noqa: BLE001 - handed to the runner, which ends the process
            if not self.failure.done():
                self.failure.set_exception(error)

    async def drain(self, deadline_seconds: float) -> bool:
        """Take no further batch, and wait for the current one; False if it took too long.

        A batch that waits for the other side is given up at once.
        """
        self._draining.set()
        try:
            await asyncio.wait_for(self._idle.wait(), deadline_seconds)
        except TimeoutError:
            return False
        return True

    async def _finish(self, parts: Sequence[Part]) -> None:
        async for attempt in AsyncRetrying(
            retry=retry_if_exception_type((TransientError, LaneHalted, LanePaused, OwnershipLost)),
            wait=_pause,
            sleep=self._rest,
            before_sleep=self._tell,
        ):
            with attempt:
                await self._gate_opens()
                parts = await self._still_ours(parts)
                await self._attempt(parts)
        self._progress.set(WorkerState.RUNNING)

    async def _attempt(self, parts: Sequence[Part]) -> None:
        if not parts:
            return
        consumer = self._consumer()

        def check() -> None:
            self._progress.beat()
            if (why := self._gate.rests()) is not None:
                raise LanePaused(why)
            if any(consumer.ownership(part.chunk) is not Ownership.OURS for part in parts):
                raise OwnershipLost("a partition was taken away before the write")

        await self._work.process([record for part in parts for record in part.records], check)
        for part in parts:
            consumer.complete(part.chunk, (record.offset for record in part.records))
        self._progress.beat()

    async def _gate_opens(self) -> None:
        """Wait until the control log lets this role work."""
        rested = False
        while (why := self._gate.rests()) is not None:
            rested = True
            if self._progress.set(WorkerState.PAUSED, why):
                _log.info("%s: %s", WorkerState.PAUSED, why)
            await self._rest(_GATE_PAUSE_SECONDS)
        if rested:
            self._progress.set(WorkerState.RUNNING)
            _log.info("%s again", WorkerState.RUNNING)

    async def _still_ours(self, parts: Sequence[Part]) -> list[Part]:
        """The parts whose partitions this worker has, once that is certain.

        While the coordinator is silent or a rebalance is under way it is not. Records
        whose partition was lost, if only for a moment, are delivered again.
        """
        consumer = self._consumer()
        while True:
            ownerships = [consumer.ownership(part.chunk) for part in parts]
            if Ownership.UNSURE not in ownerships:
                return [
                    part
                    for part, ownership in zip(parts, ownerships, strict=True)
                    if ownership is Ownership.OURS
                ]
            self._progress.beat()
            await asyncio.sleep(_UNSURE_PAUSE_SECONDS)

    async def _rest(self, seconds: float) -> None:
        """Sleep, unless the worker is to stop: then the batch is given up."""
        try:
            await asyncio.wait_for(self._draining.wait(), seconds)
        except TimeoutError:
            return
        raise _Drained

    async def _tell(self, attempt: RetryCallState) -> None:
        assert attempt.outcome is not None  # noqa: S101 - tenacity calls this after an attempt
        error = attempt.outcome.exception()
        if isinstance(error, OwnershipLost | LanePaused):
            return
        state = WorkerState.PAUSED if isinstance(error, LaneHalted) else WorkerState.STALLED
        if self._progress.set(state, str(error)):
            _log.warning("%s: %s", state, error)


def _pause(attempt: RetryCallState) -> float:
    assert attempt.outcome is not None  # noqa: S101 - tenacity calls this after an attempt
    match attempt.outcome.exception():
        case OwnershipLost() | LanePaused():
            return 0.0
        case LaneHalted():
            return _HALTED_PAUSE_SECONDS
        case TransientError(retry_after=float(seconds)):
            return max(seconds, _backoff(attempt))
        case _:
            return _backoff(attempt)
