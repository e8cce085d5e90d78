"""The client for code on an event loop: what `hotswap serve` does, in the caller's process.

Joins arguments to the objects of `streams.services.serving`; it decides nothing about reads.
"""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any, Self

from schemas import FeedbackAnswer, FeedbackRequest, Filter, SearchRequest, SearchResponse
from streams.client.configuration import Configuration, settings_of
from streams.client.misuse import Misused
from streams.client.requests import request
from streams.core.routing import Route, route
from streams.services.serving.control_view import ControlView
from streams.services.serving.failures import NotReady
from streams.services.serving.opened import open_serving
from streams.services.serving.serving import Serving

__all__ = ["AsyncHotswap"]


class AsyncHotswap:
    """Search, feedback and the flag, for one event loop; made by `open`.

    All methods raise only errors of `streams.errors`, or subclasses of them.
    """

    def __init__(self, serving: Serving) -> None:
        self._serving = serving
        self._loop = asyncio.get_running_loop()
        self._closed = False
        self._under_way = 0
        self._idle = asyncio.Event()
        self._idle.set()

    @classmethod
    @asynccontextmanager
    async def open(
        cls, configuration: Configuration = None, *, wait_seconds: float = 30.0
    ) -> AsyncIterator[Self]:
        """A client, for as long as the `async with` block runs.

        Leaving the block waits for the calls under way, which end in time by themselves.

        Args:
            configuration: settings, or the path of a `hotswap.toml`; None: the file that
                HOTSWAP_CONFIG names, or `hotswap.toml` here.
            wait_seconds: how long the control log may take to be read; 0: do not wait, and have
                calls raise NotReady until it was.

        Raises:
            ConfigurationError: a setting is wrong, or there is no control log.
            DriftError: the control log is not the one that it was.
            NotReady: the control log could not be read in time.
        """
        settings = settings_of(configuration)
        async with open_serving(settings) as serving:
            hotswap = cls(serving)
            if wait_seconds > 0:
                await hotswap._first_fold(wait_seconds)
            try:
                yield hotswap
            finally:
                hotswap._closed = True
                await hotswap._idle.wait()

    async def search(
        self,
        text: str | None = None,
        *,
        vector_by: str | None = None,
        k: int = 10,
        filter: Filter | dict[str, Any] | None = None,  # noqa: A002 - its name in a request
        targeting_key: str | None = None,
        cohort: str | None = None,
    ) -> SearchResponse:
        """The `k` nearest documents, from the lane that the flag picks for who asks.

        Args:
            text: what to search for.
            vector_by: instead of a text: a document whose stored vector to search with.
            k: how many hits, 1 … 16,384.
            filter: on the documents' metadata; see `schemas.filter`.
            targeting_key: who asks; the same one stays on its lane.
            cohort: a group that the asker is of.

        Raises:
            InputRefused: an argument is wrong.
            NotReady: the control log was not read yet, or defines no migration.
            Unanswered: no lane that may answer did; `failures` has each one's reason.
            ConfigurationError, DriftError: the control log can not be read at all.
            Misused: after the end, or on another event loop.
        """
        asked = request(
            SearchRequest,
            text=text,
            vector_by=vector_by,
            k=k,
            filter=filter,
            targeting_key=targeting_key,
            cohort=cohort,
        )
        with self._call():
            searched = await self._serving.searcher.search(asked)
            if searched.mirror is not None:
                # Only put into a queue: whoever waits for the answer goes on before the mirror.
                self._serving.shadow.offer(searched.mirror)
            return searched.response

    async def feedback(
        self, query_id: str, *, success: bool | None = None, clicked: int | None = None
    ) -> FeedbackAnswer:
        """Say whether a search helped; returns once that stands in the log.

        Args:
            query_id: of the search's answer.
            success: whether it helped.
            clicked: instead: the position of the hit that was used, from 1.

        Raises:
            InputRefused: an argument is wrong.
            UnknownQuery, ExpiredQuery: there is no such search, or it was too long ago.
            NotReady: the control log was not read yet, or defines no migration.
            TransientError: the log did not take it, or did not say so in time.
            ConfigurationError, DriftError: the control log can not be read at all.
            Misused: after the end, or on another event loop.
        """
        given = request(FeedbackRequest, query_id=query_id, success=success, clicked=clicked)
        with self._call():
            return await self._serving.feedback.record(given)

    def use_local_embeddings(
        self, targeting_key: str | None = None, cohort: str | None = None
    ) -> Route:
        """Where the flag sends a read: the lane, why, and whether it is the target.

        Waits for nothing, and may be called from any thread.

        Raises:
            NotReady: the control log was not read yet, or defines no migration.
            ConfigurationError, DriftError: the control log can not be read at all.
            Misused: after the end.
        """
        self._check()
        return route(self.control.flag(), targeting_key, cohort)

    def readiness(self) -> dict[str, Any]:
        """Whether searches can be answered, and the state of each part, as JSON."""
        return self._serving.readiness()

    @property
    def control(self) -> ControlView:
        """The flag as this process knows it."""
        return self._serving.control

    async def _first_fold(self, seconds: float) -> None:
        first_fold = self._serving.first_fold
        done, _ = await asyncio.wait({first_fold}, timeout=seconds)
        if not done:
            raise NotReady(
                f"the control log could not be read within {seconds:g} s; is Kafka reachable?"
            )
        first_fold.result()

    @contextmanager
    def _call(self) -> Iterator[None]:
        self._check()
        if asyncio.get_running_loop() is not self._loop:
            raise Misused("this client belongs to another event loop; open one for each loop")
        self._under_way += 1
        self._idle.clear()
        try:
            yield
        finally:
            self._under_way -= 1
            if not self._under_way:
                self._idle.set()

    def _check(self) -> None:
        """Pass if there is a point in asking.

        Raises: Misused after the end; what keeps the control log from ever being read.
        """
        if self._closed:
            raise Misused("this client is closed")
        first_fold = self._serving.first_fold
        if first_fold.done() and not first_fold.cancelled() and (error := first_fold.exception()):
            raise error.with_traceback(None)
