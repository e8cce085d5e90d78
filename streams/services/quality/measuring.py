"""One run of `hotswap quality`: ask both lanes, compare, sample their vectors.

The builds that serve at the beginning are asked to the end, whatever is promoted meanwhile; the
result names them. Nothing is written here.
"""

import asyncio
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from schemas import BuildStarted
from streams.config import Settings
from streams.core.quality import scores_of
from streams.core.query_files import TestQuery
from streams.errors import ConfigurationError, HotswapError
from streams.migration.state import State
from streams.ports import Embedder, VectorStore
from streams.services.control import build_of
from streams.services.quality.asking import Asked, QueryLane, ask, ask_again
from streams.services.quality.concluding import Wanted, conclude
from streams.services.quality.result import LaneResult, QualityResult
from streams.services.quality.sample import VectorSample, sample_vectors

__all__ = ["Progress", "measure", "query_lane", "serving_lanes"]

_IN_A_CALL = 1_000


@dataclass(frozen=True, slots=True)
class Progress:
    """How far one part of the run is. Parts run beside each other."""

    part: str
    done: int
    total: int


@dataclass(slots=True)
class _Part:
    name: str
    total: int
    tell: Callable[[Progress], None]
    done: int = field(default=0)

    def advance(self, steps: int) -> None:
        self.done += steps
        self.tell(Progress(self.name, self.done, max(self.total, self.done)))


def serving_lanes(state: State) -> tuple[BuildStarted, BuildStarted]:
    """The builds that serve in the migration's source and target.

    Raises: ConfigurationError if there is no migration, or a lane has no build.
    """
    if state.migration is None:
        raise ConfigurationError(
            "migration", "is not defined in the control log", "run `hotswap init`"
        )
    return build_of(state, state.migration.source), build_of(state, state.migration.target)


def query_lane(
    settings: Settings, build: BuildStarted, store: VectorStore, embedder: Embedder
) -> QueryLane:
    """A build as it is to be asked, with as many queries at once as its lane embeds batches."""
    return QueryLane(build, embedder, store, settings.lanes[build.lane].concurrency)


async def measure(
    wanted: Wanted,
    source: QueryLane,
    target: QueryLane,
    control_version: int,
    on_progress: Callable[[Progress], None],
) -> QualityResult:
    """Ask both lanes all queries, the source twice, and compare.

    Raises:
        ConfigurationError: no query has a judgment, or no lane holds a judged document.
        DriftError: a live model is not the one that filled its lane.
        TransientError, LaneHalted: from an embedder or the store.
        HotswapError: there is no query that both lanes answered.
    """
    started = time.monotonic()
    for lane in (source, target):
        await lane.must_be_the_same_model()
    rows = [await lane.store.count(lane.build.collection) for lane in (source, target)]
    queries, relevant = _to_ask(wanted)
    absent = [await _absent(lane, relevant) for lane in (source, target)]
    if relevant and all(len(relevant) == missing for missing in absent):
        raise ConfigurationError(
            "--qrels",
            f"neither lane holds any of its relevant documents, such as {relevant[0]!r}",
            "write document ids as `hotswap search` shows them, or name their source in --source",
        )

    def part(name: str, total: int) -> Callable[[int], None]:
        begun = _Part(name, total, on_progress)
        begun.advance(0)
        return begun.advance

    first, second = await _both(source, target, queries, wanted.k, part)
    again = await ask_again(
        source, queries, wanted.k, part(f"{source.name}, asked again", len(queries))
    )
    sample = None
    if wanted.sample:
        sample = await _sample(source, target, wanted, part("sampling vectors", rows[0]))
    # Also after the questions: what a model answered that was replaced half-way means nothing.
    for lane in (source, target):
        await lane.must_be_the_same_model()
    if not first.answers.keys() & second.answers.keys():
        failures = "; ".join(
            f"{failure.lane}: {failure.error}"
            for asked in (first, second)
            for failure in asked.failures[:1]
        )
        raise HotswapError(f"there is no query that both lanes answered\n  {failures}")
    lanes = [
        LaneResult(
            lane=lane.name,
            build=lane.build.build,
            collection=lane.build.collection,
            fingerprint=lane.build.fingerprint,
            rows=count,
            failed=len(asked.failures),
            absent_relevant=None if wanted.judged is None else missing,
            scores=scores_of(asked.answers),
        )
        for lane, asked, count, missing in zip(
            (source, target), (first, second), rows, absent, strict=True
        )
    ]
    return await asyncio.to_thread(
        conclude,
        wanted,
        (first, second, again),
        (lanes[0], lanes[1]),
        sample,
        asked=len(queries),
        relevant=None if wanted.judged is None else len(relevant),
        control_version=control_version,
        started=started,
    )


def _to_ask(wanted: Wanted) -> tuple[list[TestQuery], list[str]]:
    """The queries that can tell something, and the documents relevant to them."""
    if wanted.judged is None:
        return list(wanted.queries), []
    judged = {
        query: [document for document, score in documents.items() if score > 0]
        for query, documents in wanted.judged.items()
    }
    queries = [query for query in wanted.queries if judged.get(query.id)]
    if not queries:
        raise ConfigurationError(
            "--qrels",
            "judges no document to be relevant to any of the queries",
            "give the judgments of these very queries: their ids must be the same",
        )
    return queries, sorted({document for query in queries for document in judged[query.id]})


async def _absent(lane: QueryLane, documents: Sequence[str]) -> int:
    """How many of the documents the lane does not hold."""
    held = 0
    for start in range(0, len(documents), _IN_A_CALL):
        some = documents[start : start + _IN_A_CALL]
        held += len(await lane.store.versions(lane.build.collection, some))
    return len(documents) - held


async def _both(
    source: QueryLane,
    target: QueryLane,
    queries: Sequence[TestQuery],
    k: int,
    part: Callable[[str, int], Callable[[int], None]],
) -> tuple[Asked, Asked]:
    """Ask both lanes at once; a failure of the one ends the other."""
    tasks = [
        asyncio.create_task(ask(lane, queries, k, part(f"asking {lane.name}", len(queries))))
        for lane in (source, target)
    ]
    try:
        first, second = await asyncio.gather(*tasks)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    return first, second


async def _sample(
    source: QueryLane, target: QueryLane, wanted: Wanted, on_done: Callable[[int], None]
) -> VectorSample | None:
    return await sample_vectors(
        source.store,
        source.build.collection,
        target.build.collection,
        size=wanted.sample,
        k=wanted.k,
        seed=wanted.seed,
        on_done=on_done,
    )
