"""Finding out how a lane's embedder behaves, by embedding texts chosen for it.

Gathers distances and durations; what they mean is for `streams.core.preflight`. Every probe
stands alone: one that fails becomes a fact, and the next one is made.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np

from streams.config import OpenAIConfig
from streams.config.lanes import LaneLimits
from streams.core.preflight import texts
from streams.core.preflight.facts import Unreachable
from streams.core.preflight.probe_facts import (
    Latency,
    LongWord,
    Pair,
    ProbeFacts,
    Refused,
    Triple,
)
from streams.errors import InputRefused
from streams.ports import Embedder, Purpose, Vectors
from streams.services.budget import Budget
from streams.services.preflight.asked import asked, persistently

__all__ = ["PROBES", "Probing", "budget_of", "latency", "probe"]

PROBES = 12
"""How often `probe` says that it has made another one."""

_MOST_CALLS = 8
_LAST_WORDS = ("extraordinary", "comprehension")
_QUERIES = 5
_CALLS = 2
_HEAD_START_SECONDS = 0.02
"""For the call to reach the server before the query does."""

T = TypeVar("T")


def budget_of(limits: LaneLimits) -> Budget:
    """The lane's requests and tokens per minute, if it has such limits."""
    if isinstance(limits, OpenAIConfig):
        return Budget(limits.requests_per_minute, limits.tokens_per_minute)
    return Budget()


@dataclass(frozen=True, slots=True)
class Probing:
    """One lane under probe.

    Attributes:
        lane: its name.
        embedder: of the lane.
        limits: its section of the settings.
        budget_bytes: what the normaliser cuts documents to.
        deadline_seconds: for a query.
        documents: texts like those that the lane embeds; at least one.
        on_probe: told after each probe.
    """

    lane: str
    embedder: Embedder
    limits: LaneLimits
    budget: Budget
    budget_bytes: int
    deadline_seconds: float
    documents: Sequence[str]
    on_probe: Callable[[], None]

    async def embed(
        self, some: Sequence[str], purpose: Purpose = Purpose.DOCUMENT, *, attempts: int = 3
    ) -> Vectors:
        """Embed within the lane's limits, and again if that fails for a reason that may pass."""

        async def once() -> Vectors:
            async with self.budget.spend(some) as told:
                return await self.embedder.embed(some, purpose, on_tokens=told)

        return await persistently(once, attempts)

    async def pair(self, first: str, second: str) -> Pair | Refused:
        """How far apart two texts are."""
        return await _unless_refused(self._pair(first, second))

    async def _pair(self, first: str, second: str) -> Pair:
        vectors = await self.embed([first, second])
        return _farthest(vectors[:1], vectors[1:])


async def probe(on: Probing) -> ProbeFacts:
    """Make all probes, one after the other: two at once would time each other."""

    async def made(work: Awaitable[T]) -> T | Unreachable:
        fact = await asked(work)
        on.on_probe()
        return fact

    calls = min(on.limits.concurrency, _MOST_CALLS)
    size = on.limits.text_budget_bytes
    return ProbeFacts(
        repeat=await made(_repeat(on)),
        batch=await made(_batch(on)),
        concurrent=await made(_concurrent(on, calls)),
        calls=calls,
        canary=await made(_canary(on)),
        length_error=await made(_length_error(on)),
        empty=await made(_refusal(on, "", Purpose.QUERY)),
        budget_bytes=size,
        at_budget=await made(on.pair(*(texts.prose(size, word) for word in _LAST_WORDS))),
        over_budget=await asked(
            on.pair(*(f"{texts.prose(size, 'and')} {word}" for word in _LAST_WORDS))
        ),
        dense=await made(_refusal(on, texts.dense(on.budget_bytes))),
        scripts=await made(_scripts(on)),
        accents=await made(on.pair(*texts.ACCENTS)),
        emoji=await asked(on.pair(*texts.EMOJI)),
        long_word=await made(_long_word(on)),
        latency=await made(latency(on)),
        call_setting=f"lanes.{on.lane}.call_inputs",
    )


async def _repeat(on: Probing) -> Pair:
    return _farthest(await on.embed(texts.PLAIN[:1]), await on.embed(texts.PLAIN[:1]))


async def _batch(on: Probing) -> Pair:
    together = await on.embed(texts.PLAIN)
    alone = [await on.embed([text]) for text in texts.PLAIN]
    return _farthest(together, np.concatenate(alone))


async def _concurrent(on: Probing, calls: int) -> Pair:
    some = texts.PLAIN[: max(calls, 2)]
    together = await on.embed(some)
    alone = await asyncio.gather(*(on.embed([text]) for text in some))
    return _farthest(together, np.concatenate(alone))


async def _canary(on: Probing) -> tuple[Triple, ...]:
    found = []
    for about, text, like, unlike in texts.CANARIES:
        vectors = await on.embed([text, like, unlike])
        near, far = (_farthest(vectors[:1], vectors[place : place + 1]) for place in (1, 2))
        found.append(Triple(about, near.distance, far.distance))
    return tuple(found)


async def _length_error(on: Probing) -> float:
    lengths = np.linalg.norm((await on.embed(texts.PLAIN)).astype(np.float64), axis=1)
    return float(np.abs(lengths - 1).max())


async def _refusal(on: Probing, text: str, purpose: Purpose = Purpose.DOCUMENT) -> Refused | None:
    outcome = await _unless_refused(on.embed([text], purpose))
    return outcome if isinstance(outcome, Refused) else None


async def _scripts(on: Probing) -> dict[str, Pair | Refused]:
    return {name: await on.pair(*pair) for name, pair in texts.SCRIPTS.items()}


async def _long_word(on: Probing) -> LongWord:
    size = on.budget_bytes
    prose = await _seconds(on.embed([texts.prose(size, "end")], attempts=1))
    started = time.perf_counter()
    outcome = await _unless_refused(on.embed([texts.unbroken(size)], attempts=1))
    word = time.perf_counter() - started
    return LongWord(size, word, prose, outcome if isinstance(outcome, Refused) else None)


async def latency(on: Probing) -> Latency:
    """Time queries alone and beside calls of documents.

    Raises: what the embedder raises.
    """
    count = on.limits.call_inputs
    # Numbered, so that no cache answers.
    call = [f"{index} {on.documents[index % len(on.documents)]}" for index in range(count)]
    idle = [await _seconds(_query(on, index)) for index in range(_QUERIES)]
    busy, took = [], []
    for index in range(_CALLS):
        seconds, call_seconds = await _beside(on, call, _QUERIES + index)
        busy.append(seconds)
        took.append(call_seconds)
    return Latency(
        idle_seconds=float(np.median(idle)),
        busy_seconds=max(busy),
        call_seconds=float(np.mean(took)),
        call_inputs=count,
        deadline_seconds=on.deadline_seconds,
    )


async def _beside(on: Probing, call: Sequence[str], index: int) -> tuple[float, float]:
    """Seconds of a query that comes while the call is under way, and of the call."""
    under_way = asyncio.create_task(_seconds(on.embed(call, attempts=1)))
    try:
        await asyncio.sleep(_HEAD_START_SECONDS)
        query = await _seconds(_query(on, index))
        return query, await under_way
    finally:
        under_way.cancel()
        await asyncio.gather(under_way, return_exceptions=True)


async def _query(on: Probing, index: int) -> Vectors:
    text = f"{texts.PLAIN[index % len(texts.PLAIN)]} Question {index}?"
    return await on.embed([text], Purpose.QUERY)


async def _seconds(work: Awaitable[object]) -> float:
    started = time.perf_counter()
    await work
    return time.perf_counter() - started


async def _unless_refused(work: Awaitable[T]) -> T | Refused:
    try:
        return await work
    except InputRefused as error:
        return Refused(str(error).partition("\n")[0][:160])


def _farthest(some: Vectors, others: Vectors) -> Pair:
    """The greatest distance between rows of the same place."""
    difference = some.astype(np.float64) - others.astype(np.float64)
    return Pair(float(np.linalg.norm(difference, axis=1).max()))
