"""Embedding a sample in one lane, to measure its rate, its tokens and its queries' latency.

Knows no money and no total: what follows from the numbers is `streams.core.estimate`'s.
"""

import asyncio
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from streams.config import Settings
from streams.core.batch import ESTIMATED, estimated_tokens, split_calls
from streams.core.preflight.probe_facts import Latency
from streams.core.tokens import most_tokens
from streams.ports import Embedder, Vectors
from streams.services import open as opening
from streams.services import wire
from streams.services.budget import Budget
from streams.services.preflight.asked import persistently
from streams.services.preflight.probes import Probing, budget_of, latency

__all__ = ["Measured", "measure"]

_COUNTED = "the server's own count of the sample"


@dataclass(frozen=True, slots=True)
class Measured:
    """What came of a sample in one lane.

    Attributes:
        texts: how many were embedded.
        tokens: theirs; `tokens_by` says who counted.
        seconds: from the first call to the last answer.
        latency: of queries, alone and beside a call.
    """

    lane: str
    model: str
    dimensions: int
    texts: int
    tokens: int
    tokens_by: str
    seconds: float
    latency: Latency


async def measure(
    settings: Settings,
    lane: str,
    texts: Sequence[str],
    on_step: Callable[[str, int, int], None],
) -> Measured:
    """Embed the texts as the lane's worker would: in its calls, as many at once.

    Args:
        settings: of the lane, and the deadline of queries.
        lane: which one.
        texts: of real documents; at least one.
        on_step: told the lane, texts done and texts in all; at the beginning, too.

    Raises: ConfigurationError, TransientError, LaneHalted, InputRefused.
    """
    config = settings.lanes[lane]
    budget = budget_of(config)
    spans = split_calls(
        [most_tokens(text) for text in texts],
        call_inputs=config.call_inputs,
        call_tokens=budget.call_size(getattr(config, "call_tokens", None)),
    )
    calls = [texts[span.start : span.stop] for span in spans]
    on_step(lane, 0, len(texts))
    async with wire.listening(settings, lane) as listened:
        fingerprint = await persistently(listened.embedder.identify)
        before = len(listened.exchanges)
        started = time.perf_counter()
        await _embed_all(
            listened.embedder,
            calls,
            budget,
            config.concurrency,
            lambda done: on_step(lane, done, len(texts)),
        )
        seconds = time.perf_counter() - started
        told = listened.tokens(before)
    return Measured(
        lane=lane,
        model=fingerprint.model,
        dimensions=fingerprint.dimensions,
        texts=len(texts),
        tokens=sum(map(estimated_tokens, texts)) if told is None else told,
        tokens_by=ESTIMATED if told is None else _COUNTED,
        seconds=seconds,
        latency=await _latency(settings, lane, texts, budget),
    )


async def _embed_all(
    embedder: Embedder,
    calls: Sequence[Sequence[str]],
    budget: Budget,
    concurrency: int,
    on_done: Callable[[int], None],
) -> None:
    turns, done = asyncio.Semaphore(concurrency), 0

    async def one(call: Sequence[str]) -> None:
        nonlocal done

        async def attempt() -> Vectors:
            async with budget.spend(call) as told:
                return await embedder.embed(call, on_tokens=told)

        async with turns:
            await persistently(attempt)
        done += len(call)
        on_done(done)

    outcomes = await asyncio.gather(*map(one, calls), return_exceptions=True)
    for outcome in outcomes:
        if isinstance(outcome, BaseException):
            raise outcome


async def _latency(settings: Settings, lane: str, texts: Sequence[str], budget: Budget) -> Latency:
    # Not through the relay, which would be part of the latency.
    embedder = opening.open_embedder(settings, lane)
    try:
        await persistently(embedder.identify)  # a worker's is warm, too
        return await latency(
            Probing(
                lane=lane,
                embedder=embedder,
                limits=settings.lanes[lane],
                budget=budget,
                budget_bytes=settings.text_budget_bytes,
                deadline_seconds=settings.serve.deadline_seconds,
                documents=texts,
                on_probe=lambda: None,
            )
        )
    finally:
        await embedder.close()
