"""The loop between Faust and a piece of work: take, do, and only then complete.

Knows nothing of what the work is. Whatever goes wrong, a record is completed only after
`process` has returned for it: a transient error is retried for as long as it takes, a halt
waits for an operator, a lost partition is left to whoever has it now, and anything else
ends the process, so that the records come again.
"""

import asyncio
import logging
from collections.abc import Callable, Sequence
from typing import Any, Protocol, cast

from faust.streams import Stream
from faust.types import EventT, Message, StreamT
from tenacity import AsyncRetrying, RetryCallState, retry_if_exception_type, wait_random_exponential

from schemas import WorkerState
from streams.agents.progress import Progress
from streams.agents.transport import LedgerConsumer, Ownership
from streams.errors import LaneHalted, OwnershipLost, TransientError
from streams.ports import LogRecord

__all__ = ["Consumption", "Work"]

_log = logging.getLogger(__name__)

_HALTED_PAUSE_SECONDS = 15.0
_UNSURE_PAUSE_SECONDS = 0.1
_backoff = wait_random_exponential(multiplier=0.25, max=15.0)


class _Drained(Exception):
    """A stop was asked for while a batch waited for the other side."""


class Work(Protocol):
    """What is done with a batch of records."""

    async def process(self, records: Sequence[LogRecord], still_owned: Callable[[], None]) -> None:
        """Make the effect of all records durable, or raise.

        `still_owned` raises OwnershipLost; call it right before writing.
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
        records: int,
        within_seconds: float,
    ) -> None:
        self._work = work
        self._consumer = consumer
        self._progress = progress
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
            batches = cast("Stream[Any]", stream).noack_take(self._records, within=self._within)
            async for events in batches:
                if self._draining.is_set():
                    return
                self._idle.clear()
                try:
                    await self._finish(events)
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

    async def _finish(self, events: Sequence[EventT[bytes]]) -> None:
        messages = [event.message for event in events]
        async for attempt in AsyncRetrying(
            retry=retry_if_exception_type((TransientError, LaneHalted, OwnershipLost)),
            wait=_pause,
            sleep=self._rest,
            before_sleep=self._tell,
        ):
            with attempt:
                messages = await self._still_ours(messages)
                await self._attempt(messages)
        self._progress.set(WorkerState.RUNNING)

    async def _attempt(self, messages: Sequence[Message]) -> None:
        if not messages:
            return
        consumer = self._consumer()

        def still_owned() -> None:
            if any(consumer.ownership(message) is not Ownership.OURS for message in messages):
                raise OwnershipLost("a partition was taken away before the write")

        await self._work.process([_record(message) for message in messages], still_owned)
        for message in messages:
            consumer.complete(message)
        self._progress.beat()

    async def _still_ours(self, messages: Sequence[Message]) -> list[Message]:
        """The messages whose partitions this worker has, once that is certain.

        While the coordinator is silent or a rebalance is under way it is not. Messages
        whose partition was lost, if only for a moment, are delivered again.
        """
        consumer = self._consumer()
        while True:
            ownerships = [consumer.ownership(message) for message in messages]
            if Ownership.UNSURE not in ownerships:
                return [
                    message
                    for message, ownership in zip(messages, ownerships, strict=True)
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
        if isinstance(error, OwnershipLost):
            return
        state = WorkerState.PAUSED if isinstance(error, LaneHalted) else WorkerState.STALLED
        if self._progress.set(state, str(error)):
            _log.warning("%s: %s", state, error)


def _pause(attempt: RetryCallState) -> float:
    assert attempt.outcome is not None  # noqa: S101 - tenacity calls this after an attempt
    match attempt.outcome.exception():
        case OwnershipLost():
            return 0.0
        case LaneHalted():
            return _HALTED_PAUSE_SECONDS
        case TransientError(retry_after=float(seconds)):
            return max(seconds, _backoff(attempt))
        case _:
            return _backoff(attempt)


def _record(message: Message) -> LogRecord:
    return LogRecord(
        topic=message.topic,
        partition=message.partition,
        offset=message.offset,
        key=message.key,
        value=message.value,
        timestamp=round(message.timestamp * 1000) if message.timestamp else 0,
        headers=tuple(cast("list[tuple[str, bytes]]", message.headers or ())),
    )
