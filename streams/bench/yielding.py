"""Queries while the Ollama lane is filled, by a worker that yields to them or by one that does not.

All embed on one server. Queries are asked one after the other, no two of them equal, and how long
each took is published as `hotswap serve` does it. A worker hears of it once a second, so queries
count on both sides only once half of the documents was embedded.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager

from streams.adapters.ollama_embedder import OllamaEmbedder
from streams.bench.lane_ollama import lane_config
from streams.bench.lane_run import LaneRun, empty_lane
from streams.bench.measure import Measure, compare, percentile, within
from streams.bench.rounds import Progress, Rates, Run, alternate
from streams.bench.searches import new_texts
from streams.bench.site import open_site
from streams.bench.texts import document_records, documents
from streams.ports import Embedder, Purpose
from streams.services.serving.lane import Trace
from streams.services.serving.observing import Observations
from streams.services.serving.windows import Windows
from streams.stack.status import Endpoints

__all__ = ["bench_yield"]

_WITHOUT = "a lane that does not"
_P95 = 95
_TIMES = 0.5
_SHARE = 0.5
_UNHEARD = 1 / 2
_CALLS = 3
"""Of the full size, in the smallest run: fewer have no query between them."""
_THINKING_SECONDS = 0.05
"""Between an answer and the next query."""


async def bench_yield(
    endpoints: Endpoints, count: int, progress: Progress, *, rounds: int = 3
) -> list[Measure]:
    """p95 of embedding a query, and documents per second; to a lane that does not yield."""
    config = lane_config(endpoints)
    least = _CALLS * config.call_inputs
    count = max(count, least)
    embedder = OllamaEmbedder(config)
    texts = new_texts()
    speeds: dict[bool, list[float]] = {True: [], False: []}
    try:
        async with open_site(endpoints) as site:
            await site.fill(document_records(site.documents, documents(count)))

            async def p95(wanted: int, *, yields: bool) -> float:
                async with (
                    empty_lane(site, config, embedder) as run,
                    _queries(run, wanted, embedder, texts) as took,
                ):
                    speeds[yields].append(await run.fill(wanted, progress, yields=yields))
                return 1000 * percentile(took, _P95)

            taken = await alternate(
                Run("a lane that yields", lambda wanted: p95(wanted, yields=True)),
                [Run(_WITHOUT, lambda wanted: p95(wanted, yields=False))],
                progress,
                documents=count,
                warm_up=least,
                rounds=rounds,
            )
    finally:
        await embedder.close()
    # The first of each warmed up.
    filled = Rates(speeds[True][1:], {_WITHOUT: speeds[False][1:]})
    kind = endpoints.ollama_kind
    return [
        within(
            f"yield ({kind}), p95 of a query beside a backfill, to without",
            taken.beside(_WITHOUT),
            times=_TIMES,
        ),
        compare(
            f"yield ({kind}), a backfill beside queries, to without",
            filled.beside(_WITHOUT),
            reach=_SHARE,
        ),
    ]


@asynccontextmanager
async def _queries(
    run: LaneRun, wanted: int, embedder: Embedder, texts: Iterable[str]
) -> AsyncIterator[list[float]]:
    """Ask queries until the block ends; the seconds of those that count."""
    took: list[float] = []
    topic = run.settings.kafka.topics.observations
    async with (
        Observations(run.site.log.append, topic) as observations,
        Windows(lambda window: observations.offer(window.lane, window)) as windows,
    ):

        async def ask() -> None:
            for text in texts:
                is_filling, began = run.embedder.texts < wanted, time.monotonic()
                await embedder.embed([text], Purpose.QUERY)
                seconds = time.monotonic() - began
                windows.note(Trace(run.name, embed_seconds=seconds))
                if is_filling and run.embedder.texts > _UNHEARD * wanted:
                    took.append(seconds)
                await asyncio.sleep(_THINKING_SECONDS)

        asking = asyncio.create_task(ask())
        try:
            yield took
            if asking.done():
                asking.result()
        finally:
            asking.cancel()
            await asyncio.gather(asking, return_exceptions=True)
