"""A search: the lane that the flag picks, or the other one if that fails, within deadlines.

The answer's hits are of one lane and one build. Which lane, and why, stands in the answer.
Knows no HTTP; how large a query may be is for its caller to say.
"""

import asyncio
import secrets
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from schemas import (
    BuildStarted,
    Fallback,
    LaneFailure,
    SearchHit,
    SearchRequest,
    SearchResponse,
    Why,
)
from streams.core.query_ids import NONCE_BYTES, QueryId, encode
from streams.core.routing import Reason, Route, Routing, route
from streams.errors import ConfigurationError, HotswapError
from streams.ports import Hit
from streams.services.serving.breakers import Breakers
from streams.services.serving.control_view import ControlView
from streams.services.serving.failures import Unanswered, failure, why
from streams.services.serving.lane import Query, SearchLane, Trace, milliseconds, query_of
from streams.services.serving.mirror import Mirror, is_sampled
from streams.services.serving.windows import Windows

__all__ = ["Deadlines", "Searched", "Searcher"]


@dataclass(frozen=True, slots=True)
class Deadlines:
    """Seconds. Attributes: lane: for one lane's attempt. total: for the whole search."""

    lane: float
    total: float


@dataclass(frozen=True, slots=True)
class Searched:
    """An answer, and what is to be mirrored once it has been sent, if anything."""

    response: SearchResponse
    mirror: Mirror | None


@dataclass(frozen=True, slots=True)
class _Found:
    trace: Trace
    hits: list[Hit]


class _Superseded(Exception):
    """The lane is read from another build now, and the one before may be gone."""


def _now_ms() -> int:
    return time.time_ns() // 1_000_000


@dataclass(frozen=True, slots=True)
class Searcher:
    """See the module.

    Attributes:
        control: the flag.
        lanes: what can be searched, by name.
        breakers: which of them to leave alone.
        deadlines: for attempts.
        windows: take note of how each lane does.
        sample: share of the answers to mirror while the flag asks for it.
    """

    control: ControlView
    lanes: Mapping[str, SearchLane]
    breakers: Breakers
    deadlines: Deadlines
    windows: Windows
    sample: float = 0.0
    clock: Callable[[], float] = field(default=time.monotonic)
    now_ms: Callable[[], int] = field(default=_now_ms)

    async def search(self, request: SearchRequest) -> Searched:
        """Answer one request.

        Raises:
            InputRefused: there is nothing to search for.
            NotReady: the flag is not known yet.
            Unanswered: no lane that may answer did.
        """
        query = query_of(request)
        ends_at = self.clock() + self.deadlines.total
        while True:
            try:
                return await self._search(request, query, ends_at)
            except _Superseded:
                continue

    async def _search(self, request: SearchRequest, query: Query, ends_at: float) -> Searched:
        """One go. The flag and both lanes' builds are those of one moment: of its version."""
        routing = self.control.flag()
        picked = route(routing, request.targeting_key, request.cohort)
        other = routing.source if picked.uses_target else routing.target
        builds = {lane: self._build(lane) for lane in (picked.lane, other)}
        if self._is_left_alone(picked.lane, other):
            self.windows.note(Trace(picked.lane, builds[picked.lane]), Why.BREAKER_OPEN)
            outcome: _Found | LaneFailure = failure(picked.lane, Why.BREAKER_OPEN)
        else:
            outcome = await self._attempt(picked.lane, builds[picked.lane], query, ends_at)
        if isinstance(outcome, _Found):
            return self._answered(routing, picked, query, outcome, None)
        if other not in self.control.readable():
            raise Unanswered(outcome)
        second = await self._attempt(other, builds[other], query, ends_at)
        if isinstance(second, LaneFailure):
            raise Unanswered(outcome, second)
        fallback = Fallback(
            lane=outcome.lane, reason=picked.reason, why=outcome.why, message=outcome.message
        )
        return self._answered(routing, picked, query, second, fallback)

    def _is_left_alone(self, lane: str, other: str) -> bool:
        """Whether to ask the other lane only. With no other to ask, a bad chance is a chance."""
        return (
            not self.breakers.closed(lane)
            and self.breakers.closed(other)
            and other in self.control.readable()
        )

    def _build(self, lane: str) -> BuildStarted | None:
        try:
            return self.control.build(lane)
        except ConfigurationError:
            return None

    async def _attempt(
        self, name: str, build: BuildStarted | None, query: Query, ends_at: float
    ) -> _Found | LaneFailure:
        trace = Trace(name)
        lane = self.lanes.get(name)
        if lane is None:
            self.windows.note(trace, Why.NOT_BUILT)
            return failure(name, Why.NOT_BUILT)
        left = ends_at - self.clock()
        try:
            async with asyncio.timeout(min(left, self.deadlines.lane)):
                hits = await lane.search(query, trace, build)
        except (HotswapError, TimeoutError) as error:
            if self._build(name) != build and self.clock() < ends_at:
                raise _Superseded from error
            word = why(error)
            # A deadline that was cut short says nothing about the lane, and a refusal only
            # something about the query.
            if word is not Why.DEADLINE or left >= self.deadlines.lane:
                self.windows.note(trace, word)
                if word is not Why.REFUSED:
                    self.breakers.failed(name, str(error) or word, late=word is Why.DEADLINE)
            return failure(name, word)
        self.windows.note(trace)
        self.breakers.succeeded(name)
        return _Found(trace, hits)

    def _answered(
        self,
        routing: Routing,
        picked: Route,
        query: Query,
        found: _Found,
        fallback: Fallback | None,
    ) -> Searched:
        trace, now = found.trace, self.now_ms()
        assert trace.build is not None  # noqa: S101 - without one there are no hits
        issued = QueryId(
            trace.lane, routing.version, now, query.k, secrets.token_bytes(NONCE_BYTES)
        )
        response = SearchResponse(
            query_id=encode(issued, routing.salt),
            lane=trace.lane,
            build=trace.build.build,
            reason=picked.reason if fallback is None else Reason.FALLBACK,
            flag_version=routing.version,
            fallback=fallback,
            embed_ms=milliseconds(trace.embed_seconds),
            search_ms=milliseconds(trace.search_seconds) or 0.0,
            hits=tuple(_hit(hit) for hit in found.hits),
        )
        mirror = None
        if routing.mirrored and fallback is None and is_sampled(response.query_id, self.sample):
            mirror = Mirror(
                lane=routing.source if picked.uses_target else routing.target,
                query_id=response.query_id,
                at=now,
                flag_version=routing.version,
                query=query,
                answered=trace.side(len(found.hits)),
                ids=tuple(hit.id for hit in found.hits),
            )
        return Searched(response, mirror)


def _hit(hit: Hit) -> SearchHit:
    return SearchHit(id=hit.id, score=hit.score, key=dict(hit.key), metadata=dict(hit.metadata))
