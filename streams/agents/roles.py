"""The stream roles: what each needs, put together from the settings."""

import time
from contextlib import AsyncExitStack

from streams.agents.worker import Role, caught_up, new_worker_id, run_role, stop_on_signals
from streams.config import Settings, TopicsConfig
from streams.core.normalisation import Limits
from streams.errors import ConfigurationError, DriftError
from streams.ports import Embedder, Log, VectorStore
from streams.services.budget import Budget
from streams.services.control import build_of
from streams.services.embedding import BatchEmbedder
from streams.services.follower import Follower
from streams.services.gate import LaneGate, Pace
from streams.services.lane import Lane, LaneParts
from streams.services.normaliser import Normaliser
from streams.services.open import open_embedder, open_follower, open_log, open_store, source_of
from streams.services.topics import describe_all, own_topics, refuse_drift

__all__ = ["embed_role", "normalise_role", "run_embed", "run_normalise"]

_NORMALISE_RECORDS = 2_000


async def run_normalise(settings: Settings) -> int:
    """Work as `normalise` until a signal; the process's exit status.

    Raises:
        ConfigurationError: `hotswap init` was never run.
        DriftError: a topic is not as it must be.
    """
    async with AsyncExitStack() as exits:
        stop = stop_on_signals()
        log = open_log(settings)
        exits.push_async_callback(log.close)
        await _check_topics(settings, log)
        control = await exits.enter_async_context(open_follower(settings, log))
        if not await caught_up(control, stop):
            return 0
        return await run_role(normalise_role(settings, log, control), settings, log, stop)


async def run_embed(settings: Settings, lane: str) -> int:
    """Work as `embed LANE` until a signal; the process's exit status.

    Raises: as `embed_role`, and ConfigurationError if the lane's key can not be read.
    """
    async with AsyncExitStack() as exits:
        stop = stop_on_signals()
        embedder = open_embedder(settings, lane)
        exits.push_async_callback(embedder.close)
        log = open_log(settings)
        exits.push_async_callback(log.close)
        store = open_store(settings)
        exits.push_async_callback(store.close)
        await _check_topics(settings, log)
        control = await exits.enter_async_context(open_follower(settings, log))
        if not await caught_up(control, stop):
            return 0
        role = await embed_role(settings, lane, control, log=log, store=store, embedder=embedder)
        return await run_role(role, settings, log, stop)


def normalise_role(settings: Settings, log: Log, control: Follower) -> Role:
    """The role `normalise` over an open log and a control log that has caught up."""
    worker = new_worker_id("normalise")
    normaliser = Normaliser(
        {source.topic: source_of(source) for source in settings.sources},
        log,
        control,
        topics=settings.kafka.topics,
        limits=Limits(
            text_budget_bytes=settings.text_budget_bytes,
            metadata_bytes=settings.limits.metadata_bytes,
            record_bytes=settings.limits.record_bytes,
        ),
        worker=worker,
    )
    return Role(
        name="normalise",
        worker=worker,
        group=settings.group("normalise"),
        topics=[source.topic for source in settings.sources],
        work=normaliser,
        control=control,
        counters=lambda: normaliser.counters,
        records=_NORMALISE_RECORDS,
    )


async def embed_role(
    settings: Settings,
    lane: str,
    control: Follower,
    *,
    log: Log,
    store: VectorStore,
    embedder: Embedder,
) -> Role:
    """The role `embed LANE` over open systems; `lane` stands in the settings.

    `control` has caught up.

    Raises:
        ConfigurationError: the lane was never initialised.
        DriftError: a topic or the collection is not what the build began with.
    """
    config = settings.lanes[lane]
    build = build_of(control.state, lane)
    _check_partitions(settings.kafka.topics, build.documents_partitions)
    stored = await store.fingerprint(build.collection)
    if stored is None or (differences := build.fingerprint.differences(stored)):
        raise DriftError(
            f"collection {build.collection}",
            {"collection": ("present", "absent")} if stored is None else differences,
            "restore the collection, or start a new build of this lane",
        )
    budget = Budget(
        getattr(config, "requests_per_minute", None), getattr(config, "tokens_per_minute", None)
    )
    gate = LaneGate(lambda: control.state, lane)
    pace = Pace(gate.documents_per_second)

    def share(partitions: int) -> None:
        fraction = partitions / build.documents_partitions
        budget.share(fraction)
        pace.share(fraction)

    work = Lane(
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
    return Role(
        name=f"embed:{lane}",
        worker=new_worker_id(f"embed-{lane}"),
        group=settings.group(f"embed:{lane}"),
        topics=[settings.kafka.topics.documents],
        work=work,
        counters=lambda: work.counters,
        records=config.batch_records,
        control=control,
        gate=gate,
        on_partitions=share,
    )


async def _check_topics(settings: Settings, log: Log) -> None:
    """Stop if a topic is absent or not as it must be: on such ground records get lost."""
    specs = own_topics(settings)
    found = await describe_all(log, specs)
    absent = [spec.name for spec in specs if spec.name not in found]
    if absent:
        raise ConfigurationError(
            "kafka.topics", f"{', '.join(absent)}: no such topic", "run `hotswap init`"
        )
    refuse_drift(specs, found, settings.kafka.bootstrap)


def _check_partitions(topics: TopicsConfig, pinned: int) -> None:
    """Compare with the settings, which the topic itself has just been compared with."""
    if topics.documents_partitions != pinned:
        raise DriftError(
            f"topic {topics.documents}",
            {"partitions": (pinned, topics.documents_partitions)},
            "versions are offsets within partitions, so start a new build of every lane",
        )
