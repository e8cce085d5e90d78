"""Asking a lane a set of queries: as `serve` does, and a second time for the noise floor.

A query that a lane does not take is an outcome, and the others go on. What may pass is tried
again; what can not pass, or does not pass query after query, ends the run.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

import numpy as np
import numpy.typing as npt

from schemas import BuildStarted
from streams.core.quality import Answer
from streams.core.query_files import TestQuery
from streams.errors import DriftError, HotswapError, InputRefused, TransientError
from streams.ports import Embedder, Purpose, VectorStore
from streams.services.live_model import live_differences

__all__ = ["Asked", "Failure", "QueryLane", "ask", "ask_again"]

_ATTEMPTS = 5
_LONGEST_WAIT_SECONDS = 60.0
_HOPELESS = 5
"""Calls in a row of which nothing came after every attempt."""
_TOGETHER = 8
"""Queries in one call of the second round: enough for other places in a batch than alone."""

Result = TypeVar("Result")

_Vector = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class QueryLane:
    """What it takes to ask one build of a lane.

    Attributes:
        build: whose collection is searched, and whose model the query is embedded by.
        concurrency: queries under way at once.
        pause: waits so many seconds before another attempt.
    """

    build: BuildStarted
    embedder: Embedder
    store: VectorStore
    concurrency: int = 1
    pause: Callable[[float], Awaitable[None]] = field(default=asyncio.sleep)

    @property
    def name(self) -> str:
        """The lane's name."""
        return self.build.lane

    async def must_be_the_same_model(self) -> None:
        """Pass if the live model is the one that filled the build.

        Raises: DriftError; TransientError, LaneHalted if it does not say what it is.
        """
        if differences := await live_differences(self.build, self.embedder):
            raise DriftError(
                f"lane {self.name}, build {self.build.build}",
                differences,
                "put the model and its settings back as they were: a query must be embedded by"
                " the model that embedded the documents",
            )


@dataclass(frozen=True, slots=True)
class Failure:
    """A query that a lane did not answer, and why."""

    query: str
    lane: str
    error: str


@dataclass(slots=True)
class Asked:
    """What a lane made of the queries: an answer or a failure for each."""

    answers: dict[str, Answer] = field(default_factory=dict)
    failures: list[Failure] = field(default_factory=list)


async def ask(
    lane: QueryLane, queries: Sequence[TestQuery], k: int, on_done: Callable[[int], None]
) -> Asked:
    """Ask every query, each embedded by itself as a search is.

    Args:
        lane: which.
        queries: what.
        k: how many hits.
        on_done: told how many more queries are through; must return at once.

    Raises:
        LaneHalted, DriftError, ConfigurationError: the lane can not answer any query.
        TransientError: it did not answer several in a row, for all attempts.
    """
    return await _ask(lane, [[query] for query in queries], k, on_done)


async def ask_again(
    lane: QueryLane, queries: Sequence[TestQuery], k: int, on_done: Callable[[int], None]
) -> Asked:
    """The same, with the queries in another order and embedded several to a call.

    A model may give a text another vector in another place of another batch, and an approximate
    index another answer: what that comes to is the noise floor.
    """
    turned = queries[::-1]
    together = [turned[start : start + _TOGETHER] for start in range(0, len(turned), _TOGETHER)]
    return await _ask(lane, together, k, on_done)


async def _ask(
    lane: QueryLane,
    portions: Sequence[Sequence[TestQuery]],
    k: int,
    on_done: Callable[[int], None],
) -> Asked:
    asked, waiting = Asked(), iter(portions)
    in_a_row = 0

    async def work(portions: Iterator[Sequence[TestQuery]]) -> None:
        nonlocal in_a_row
        for portion in portions:
            vectors = await _embedded(lane, portion)
            outcomes = [await _found(lane, vector, k) for vector in vectors]
            for query, outcome in zip(portion, outcomes, strict=True):
                if isinstance(outcome, Answer):
                    asked.answers[query.id] = outcome
                else:
                    asked.failures.append(Failure(query.id, lane.name, str(outcome)))
            missed = [outcome for outcome in outcomes if isinstance(outcome, TransientError)]
            in_a_row = in_a_row + 1 if len(missed) == len(portion) else 0
            if in_a_row >= _HOPELESS:
                raise TransientError(
                    f"lane {lane.name} left query after query unanswered, at last: {missed[-1]}"
                ) from missed[-1]
            on_done(len(portion))

    workers = [asyncio.create_task(work(waiting)) for _ in range(lane.concurrency)]
    try:
        await asyncio.gather(*workers)
    finally:
        for worker in workers:
            worker.cancel()
        await asyncio.gather(*workers, return_exceptions=True)
    order = {query.id: place for place, query in enumerate(q for each in portions for q in each)}
    asked.answers = dict(sorted(asked.answers.items(), key=lambda each: order[each[0]]))
    asked.failures.sort(key=lambda failure: order[failure.query])
    return asked


_Missed = InputRefused | TransientError


async def _embedded(lane: QueryLane, portion: Sequence[TestQuery]) -> list[_Vector | _Missed]:
    """A vector for each query, or why there is none; one bad query does not take others along."""

    async def call(texts: Sequence[str]) -> list[_Vector]:
        return list(await lane.embedder.embed(texts, Purpose.QUERY))

    outcome = await _tried(lane, lambda: call([query.text for query in portion]))
    if isinstance(outcome, list):
        return list(outcome)
    if len(portion) == 1 or isinstance(outcome, TransientError):
        return [outcome] * len(portion)
    return [vector for query in portion for vector in await _embedded(lane, [query])]


async def _found(lane: QueryLane, vector: _Vector | _Missed, k: int) -> Answer | _Missed:
    if isinstance(vector, HotswapError):
        return vector
    hits = await _tried(lane, lambda: lane.store.search(lane.build.collection, vector, k))
    if isinstance(hits, HotswapError):
        return hits
    return Answer(tuple(hit.id for hit in hits), tuple(hit.score for hit in hits))


async def _tried(lane: QueryLane, attempt: Callable[[], Awaitable[Result]]) -> Result | _Missed:
    """The result, or the last error, of which another query may know nothing."""
    wait = 0.5
    for left in range(_ATTEMPTS - 1, -1, -1):
        try:
            return await attempt()
        except InputRefused as error:
            return error
        except TransientError as error:
            if not left:
                return error
            asked_for = error.retry_after if error.retry_after is not None else wait
            await lane.pause(min(asked_for, _LONGEST_WAIT_SECONDS))
            wait *= 2
    raise AssertionError("the last attempt returns")
