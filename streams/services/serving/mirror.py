"""The mirror: a sample of the answered queries, asked of the other lane as well.

It works beside the answers and never before them: whatever happens to a mirrored query, its
answer has been sent. Too many at once are dropped and counted, not queued without end.
"""

import asyncio
import hashlib
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import TracebackType
from typing import Self

from schemas import MirroredSide, ShadowObservation
from streams.config import ShadowConfig
from streams.core.agreement import overlap_at, rank_biased_overlap, rank_correlation
from streams.errors import ConfigurationError, HotswapError
from streams.ports import Hit
from streams.services.serving.failures import why
from streams.services.serving.lane import Query, SearchLane, Trace

__all__ = ["Mirror", "Shadow", "is_sampled"]

_log = logging.getLogger(__name__)

_COMPARED = 100
"""Hits whose order is compared: comparing thousands would hold up answers on this loop."""


@dataclass(frozen=True, slots=True)
class Mirror:
    """A query to mirror, and what the lane that answered it did.

    Attributes:
        lane: the lane to ask.
        at: when the answer was made, ms since the epoch.
        ids: of the answer's hits, nearest first.
    """

    lane: str
    query_id: str
    at: int
    flag_version: int
    query: Query
    answered: MirroredSide
    ids: tuple[str, ...]


def is_sampled(query_id: str, share: float) -> bool:
    """Whether a query is of the sample: the same answer wherever it is asked."""
    digest = hashlib.blake2b(query_id.encode(), digest_size=8).digest()
    return int.from_bytes(digest) < share * 2**64


class Shadow:
    """Mirrors queries within its own deadline and concurrency.

    Args:
        lanes: what to ask, by name; over stores of their own, so that no answer waits for them.
        publish: takes each finished comparison, at once.
        config: how many, and for how long.

    Attributes:
        mirrored: comparisons published.
        dropped: queries that were not mirrored, mostly because too many were.
    """

    def __init__(
        self,
        lanes: Mapping[str, SearchLane],
        publish: Callable[[ShadowObservation], None],
        config: ShadowConfig,
    ) -> None:
        self._lanes = lanes
        self._publish = publish
        self._config = config
        self._queue: asyncio.Queue[Mirror] = asyncio.Queue(config.queue)
        self._workers: list[asyncio.Task[None]] = []
        self.mirrored = 0
        self.dropped = 0

    async def __aenter__(self) -> Self:
        self._workers = [asyncio.create_task(self._work()) for _ in range(self._config.concurrency)]
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for worker in self._workers:
            worker.cancel()
        await asyncio.gather(*self._workers, return_exceptions=True)
        self._workers.clear()

    def offer(self, mirror: Mirror) -> None:
        """Mirror a query when there is time for it; never waits."""
        try:
            self._queue.put_nowait(mirror)
        except asyncio.QueueFull:
            self.dropped += 1

    async def _work(self) -> None:
        while True:
            mirror = await self._queue.get()
            try:
                self._publish(await self._compare(mirror))
            except Exception:  # noqa: BLE001 - one query must not end the mirror
                _log.exception("mirroring query %s met with a defect", mirror.query_id)
                self.dropped += 1
            else:
                self.mirrored += 1

    async def _compare(self, mirror: Mirror) -> ShadowObservation:
        trace = Trace(mirror.lane)
        hits: list[Hit] | None = None
        failure = None
        try:
            async with asyncio.timeout(self._config.deadline_seconds):
                hits = await self._lane(mirror.lane).search(mirror.query, trace)
        except (HotswapError, TimeoutError) as error:
            failure = why(error)
        return self._observation(mirror, trace.side(len(hits or ()), failure), hits)

    def _lane(self, name: str) -> SearchLane:
        lane = self._lanes.get(name)
        if lane is None:
            raise ConfigurationError(f"lanes.{name}", "is not configured here")
        return lane

    def _observation(
        self, mirror: Mirror, side: MirroredSide, hits: list[Hit] | None
    ) -> ShadowObservation:
        observation = ShadowObservation(
            at=mirror.at,
            query_id=mirror.query_id,
            flag_version=mirror.flag_version,
            k=mirror.query.k,
            filtered=mirror.query.filter is not None,
            text=mirror.query.text if self._config.record_text else None,
            answered=mirror.answered,
            mirrored=side,
        )
        if hits is None:
            return observation
        found = [hit.id for hit in hits]
        first, second = mirror.ids[:_COMPARED], found[:_COMPARED]
        return observation.model_copy(
            update={
                "overlap": overlap_at(mirror.query.k, mirror.ids, found),
                "rank_correlation": rank_correlation(first, second),
                "rank_biased_overlap": rank_biased_overlap(first, second),
            }
        )
