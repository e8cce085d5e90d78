"""One query in one lane: embed it as the lane's model wants queries, ask its collection.

Decides no routes and keeps no deadline; both are the caller's.
"""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
from cachetools import LRUCache

from schemas import BuildStarted, MirroredSide, PinnedModel, SearchRequest, Why
from schemas.filter import Filter
from streams.core.text import clean
from streams.errors import HotswapError, InputRefused
from streams.ports import Hit, Purpose, VectorStore
from streams.services.serving.models import Models

__all__ = ["KeptQueries", "Query", "SearchLane", "Trace", "milliseconds", "query_of"]

_Vector = npt.NDArray[np.float32]

KeptQueries = LRUCache[tuple[PinnedModel, str], _Vector]
"""Embedded queries. The model is part of the key: no build is given another model's vector."""

_UNCUT = 1 << 30
_IDENTIFY_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class Query:
    """A search without who asks. `text` is in the canonical form that documents have."""

    text: str | None
    vector_by: str | None
    k: int
    filter: Filter | None


@dataclass(slots=True)
class Trace:
    """What became of one attempt; filled as it goes, so that a failure leaves what there was.

    Times are in seconds; None: it did not get so far, or nothing was embedded.
    """

    lane: str
    build: BuildStarted | None = None
    embed_seconds: float | None = None
    search_seconds: float | None = None
    cached: bool = False

    def side(self, hits: int = 0, failure: Why | None = None) -> MirroredSide:
        """The attempt as an observation has it."""
        return MirroredSide(
            lane=self.lane,
            build=self.build and self.build.build,
            collection=self.build and self.build.collection,
            hits=hits,
            embed_ms=milliseconds(self.embed_seconds),
            search_ms=milliseconds(self.search_seconds),
            cached=self.cached,
            failure=failure,
        )


@dataclass(frozen=True, slots=True)
class SearchLane:
    """What it takes to search one lane."""

    name: str
    models: Models
    store: VectorStore
    build: Callable[[str], BuildStarted]
    kept: KeptQueries
    clock: Callable[[], float] = field(default=time.perf_counter)

    async def search(
        self, query: Query, trace: Trace, build: BuildStarted | None = None
    ) -> list[Hit]:
        """The hits, nearest first, all from one build, embedded by that build's model.

        Args:
            query: what to search for.
            trace: filled on the way.
            build: where; None: where the lane is read, and if that changes meanwhile, where it is
                read then.

        Raises:
            ConfigurationError: the lane has no build.
            DriftError: the live model is not the one that filled it.
            InputRefused: it does not take this query, or does not hold `vector_by`.
            TransientError, LaneHalted: from the embedder or the store.
        """
        if build is not None:
            return await self._search(build, query, trace)
        while True:
            serving = self.build(self.name)
            try:
                return await self._search(serving, query, trace)
            except HotswapError:
                # The build may have been replaced, and its collection dropped, meanwhile.
                if self.build(self.name).id == serving.id:
                    raise

    async def _search(self, build: BuildStarted, query: Query, trace: Trace) -> list[Hit]:
        trace.build = build
        if query.text is not None:
            vector = await self._embedded(build, query.text, trace)
        else:
            vector = await self._stored(build, str(query.vector_by))
        started = self.clock()
        hits = await self.store.search(build.collection, vector, query.k, query.filter)
        trace.search_seconds = self.clock() - started
        return hits

    async def probe(self, deadline_seconds: float) -> None:
        """Do once what a search does, and ask the model what it is; nothing is kept.

        The model gets longer than a search to say what it is: it may have to be loaded.

        Raises: what `search` raises; TimeoutError.
        """
        build = self.build(self.name)
        with self.models.lent(build) as (embedder, identity):
            async with asyncio.timeout(max(deadline_seconds, _IDENTIFY_SECONDS)):
                await identity.look()
            await identity.check(build)
            async with asyncio.timeout(deadline_seconds):
                (vector,) = await embedder.embed(["probe"], Purpose.QUERY)
                await self.store.search(build.collection, vector, 1)

    async def _embedded(self, build: BuildStarted, text: str, trace: Trace) -> _Vector:
        with self.models.lent(build) as (embedder, identity):
            await identity.check(build)
            started = self.clock()
            key = (build.pinned_model, text)
            vector: _Vector | None = self.kept.get(key)
            trace.cached = vector is not None
            if vector is None:
                vector = (await embedder.embed([text], Purpose.QUERY))[0]
                if self.kept.maxsize:
                    self.kept[key] = vector
            trace.embed_seconds = self.clock() - started
            return vector

    async def _stored(self, build: BuildStarted, document: str) -> _Vector:
        found = await self.store.vectors(build.collection, [document])
        if document not in found:
            raise InputRefused(f"lane {self.name} does not hold document {document}")
        return found[document]


def query_of(request: SearchRequest) -> Query:
    """The query of a request.

    Raises: InputRefused if the text is empty, or not Unicode.
    """
    text = None
    if request.text is not None:
        try:
            text = clean(request.text, _UNCUT).value
        except UnicodeEncodeError as error:
            raise InputRefused("the text holds half a surrogate pair") from error
        if not text:
            raise InputRefused("the text is empty")
    return Query(text, request.vector_by, request.k, request.filter)


def milliseconds(seconds: float | None) -> float | None:
    """Seconds as milliseconds, to the microsecond."""
    return None if seconds is None else round(1000 * seconds, 3)
