"""Settings and open systems → a lane's work, for whoever runs it."""

import time

from schemas import BuildStarted
from streams.config import Settings
from streams.ports import Embedder, Log, VectorStore
from streams.services.budget import Budget
from streams.services.embedding import BatchEmbedder
from streams.services.gate import Pace
from streams.services.lane import Lane, LaneParts

__all__ = ["budget_of", "lane_of"]


def budget_of(settings: Settings, lane: str) -> Budget:
    """What the lane's provider allows a minute; without limits if it names none."""
    config = settings.lanes[lane]
    return Budget(
        getattr(config, "requests_per_minute", None), getattr(config, "tokens_per_minute", None)
    )


def lane_of(
    settings: Settings,
    build: BuildStarted,
    *,
    log: Log,
    store: VectorStore,
    embedder: Embedder,
    budget: Budget,
    pace: Pace,
) -> Lane:
    """The lane's work on one build; `embedder` is of the build's model."""
    config = settings.lanes[build.lane]
    return Lane(
        build,
        LaneParts(
            store=store,
            log=log,
            batch=BatchEmbedder(embedder, config, budget, pace),
            embedder=embedder,
            topics=settings.kafka.topics,
            record_bytes=settings.limits.record_bytes,
            now_ms=lambda: time.time_ns() // 1_000_000,
            monotonic=time.monotonic,
        ),
    )
