"""Feedback: whether an answer helped, joined to the lane that gave it.

A query id says which lane that was, so no process has to remember its searches. Feedback is
acknowledged only once it stands in the log: unlike a measurement, nobody sends it again.
"""

import asyncio
import time
from collections.abc import Callable
from types import TracebackType
from typing import Self

from schemas import FeedbackAnswer, FeedbackObservation, FeedbackRequest
from streams.core.query_ids import decode
from streams.errors import InputRefused, TransientError
from streams.ports import NewRecord
from streams.services.serving.control_view import ControlView
from streams.services.serving.failures import ExpiredQuery, UnknownQuery
from streams.services.serving.observing import Append

__all__ = ["Feedback"]

_MOST_UNDER_WAY = 1_000


def _now_ms() -> int:
    return time.time_ns() // 1_000_000


class Feedback:
    """Takes feedback; leave the context to wait for what is under way.

    Args:
        control: for the salt of the query ids.
        append: to the log.
        topic: the topic `observations`.
        max_age_seconds: how old a search may be.
        patience_seconds: how long a caller waits for the log.
        now_ms: ms since the epoch.
    """

    def __init__(
        self,
        control: ControlView,
        append: Append,
        topic: str,
        *,
        max_age_seconds: float,
        patience_seconds: float = 5.0,
        now_ms: Callable[[], int] = _now_ms,
    ) -> None:
        self._control = control
        self._append = append
        self._topic = topic
        self._max_age_seconds = max_age_seconds
        self._patience_seconds = patience_seconds
        self._now_ms = now_ms
        self._under_way: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        under_way = list(self._under_way)
        if under_way:
            await asyncio.wait(under_way, timeout=self._patience_seconds)
        for task in under_way:
            task.cancel()
        await asyncio.gather(*under_way, return_exceptions=True)

    async def record(self, request: FeedbackRequest) -> FeedbackAnswer:
        """Write one piece of feedback to the log.

        Raises:
            NotReady: the flag, and with it the salt, is not known yet.
            UnknownQuery, ExpiredQuery: there is no such search, or it was too long ago.
            InputRefused: the position is beyond the hits that were asked for.
            TransientError: the log did not take it, or did not say so in time.
        """
        query = decode(request.query_id, self._control.flag().salt)
        if query is None:
            raise UnknownQuery("no search has this query_id; send it back as it was given")
        now = self._now_ms()
        if now - query.issued_at > 1000 * self._max_age_seconds:
            raise ExpiredQuery(
                f"the search was more than {self._max_age_seconds:,.0f} s ago, which is how long"
                " feedback is taken"
            )
        if request.clicked is not None and request.clicked > query.k:
            raise InputRefused(f"clicked is {request.clicked}, but {query.k} hits were asked for")
        observation = FeedbackObservation(
            at=now,
            query_id=request.query_id,
            lane=query.lane,
            flag_version=query.flag_version,
            k=query.k,
            success=request.success,
            position=request.clicked,
        )
        await self._written(NewRecord(self._topic, query.lane.encode(), observation.encode()))
        return FeedbackAnswer(lane=query.lane, flag_version=query.flag_version)

    async def _written(self, record: NewRecord) -> None:
        if len(self._under_way) >= _MOST_UNDER_WAY:
            raise TransientError("too much feedback waits for the log already")
        # A task of its own: cutting one append short would make the log give up the others.
        task = asyncio.create_task(self._write(record))
        self._under_way.add(task)
        task.add_done_callback(self._ended)
        done, _ = await asyncio.wait({task}, timeout=self._patience_seconds)
        if not done:
            raise TransientError("the log does not answer; the feedback may yet be recorded")
        await task

    async def _write(self, record: NewRecord) -> None:
        await self._append([record])

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._under_way.discard(task)
        if not task.cancelled():
            task.exception()  # Looked at, or asyncio would complain: its caller may be gone.
