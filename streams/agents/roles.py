"""The stream roles: what each needs, put together from the settings."""

import logging
from contextlib import AsyncExitStack

from schemas import BuildStarted
from streams.agents.worker import Role, caught_up, new_worker_id, run_role, stop_on_signals
from streams.config import Settings, TopicsConfig
from streams.core.normalisation import Limits
from streams.core.role_names import NORMALISE, embed_role_name
from streams.errors import ConfigurationError, DriftError
from streams.ports import Embedder, Log, VectorStore
from streams.services.budget import Share
from streams.services.builds import builds_of, find_build
from streams.services.control import build_of
from streams.services.follower import Follower
from streams.services.gate import LaneGate, Pace
from streams.services.lane_parts import budget_of, lane_of
from streams.services.normaliser import Normaliser
from streams.services.open import (
    lane_config,
    open_embedder,
    open_follower,
    open_log,
    open_store,
    source_of,
)
from streams.services.pinned import asked_otherwise, changed_in_words
from streams.services.topics import describe_all, own_topics, refuse_drift
from streams.services.yielding import Yielding, yielding_of

__all__ = ["NORMALISE_RECORDS", "embed_role", "normalise_role", "run_embed", "run_normalise"]

_log = logging.getLogger(__name__)

NORMALISE_RECORDS = 2_000
"""Change events that the normaliser takes at a time."""


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


async def run_embed(settings: Settings, lane: str, number: int | None = None) -> int:
    """Work as `embed LANE` until a signal, or until the build is dropped; the exit status.

    Args:
        settings: where everything is.
        lane: which one.
        number: of the build to fill; None: the one that serves when the worker starts.

    Raises: as `embed_role`, and ConfigurationError if there is no such lane or build, or the
        lane's key can not be read.
    """
    config = lane_config(settings, lane)
    async with AsyncExitStack() as exits:
        stop = stop_on_signals()
        log = open_log(settings)
        exits.push_async_callback(log.close)
        store = open_store(settings)
        exits.push_async_callback(store.close)
        await _check_topics(settings, log)
        control = await exits.enter_async_context(open_follower(settings, log))
        if not await caught_up(control, stop):
            return 0
        build = find_build(control.state, lane, number)
        if build is None:
            _log.info("build %s of lane %s was dropped: there is nothing to do", number, lane)
            return 0
        if differences := asked_otherwise(config, builds_of(control.state, lane)):
            _log.warning("lane %s: %s", lane, changed_in_words(lane, differences))
        embedder = open_embedder(settings, lane, build.fingerprint)
        exits.push_async_callback(embedder.close)
        if (yielding := yielding_of(settings, lane, log)) is not None:
            await exits.enter_async_context(yielding)
        try:
            role = await embed_role(
                settings,
                lane,
                control,
                log=log,
                store=store,
                embedder=embedder,
                build=build,
                yielding=yielding,
            )
        except DriftError:
            if find_build(await control.refresh(), lane, build.build) is None:
                return 0  # it is being dropped right now
            raise
        return await run_role(role, settings, log, stop)


def normalise_role(settings: Settings, log: Log, control: Follower) -> Role:
    """The role `normalise` over an open log and a control log that has caught up."""
    worker = new_worker_id(NORMALISE)
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
        name=NORMALISE,
        worker=worker,
        group=settings.group(NORMALISE),
        topics=[source.topic for source in settings.sources],
        work=normaliser,
        control=control,
        counters=lambda: normaliser.counters,
        records=NORMALISE_RECORDS,
    )


async def embed_role(
    settings: Settings,
    lane: str,
    control: Follower,
    *,
    log: Log,
    store: VectorStore,
    embedder: Embedder,
    build: BuildStarted | None = None,
    yielding: Yielding | None = None,
) -> Role:
    """The role `embed LANE` over open systems; `lane` stands in the settings.

    `control` has caught up. `build`: the one to fill; None: the one that serves. `embedder` is of
    its model. `yielding`: how it yields to queries; None: it does not.

    Raises:
        ConfigurationError: the lane was never initialised.
        DriftError: a topic or the collection is not what the build began with.
    """
    build = build or build_of(control.state, lane)
    _check_partitions(settings.kafka.topics, build.documents_partitions)
    stored = await store.fingerprint(build.collection)
    if stored is None or (differences := build.fingerprint.differences(stored)):
        raise DriftError(
            f"collection {build.collection}",
            {"collection": ("present", "absent")} if stored is None else differences,
            f"restore the collection, or fill a new one: `hotswap build start {lane}`",
        )
    budget = budget_of(settings, lane)
    gate = LaneGate(lambda: control.state, lane, build.build)
    calls = yielding.calls if yielding else lambda: None
    pace = Pace(gate.documents_per_second, calls=calls)
    share = Share(build.documents_partitions, gate.builds, (budget.share, pace.share))

    work = lane_of(
        settings, build, log=log, store=store, embedder=embedder, budget=budget, pace=pace
    )
    name = embed_role_name(lane, build.build)
    return Role(
        name=name,
        worker=new_worker_id(name.replace(":", "-")),
        group=settings.group(name),
        topics=[settings.kafka.topics.documents],
        work=work,
        counters=lambda: work.counters,
        records=settings.lanes[lane].batch_records,
        control=control,
        gate=gate,
        remark=yielding.remark if yielding else lambda: "",
        on_partitions=share.of_partitions,
        on_folded=share.of_builds,
        is_over=gate.is_gone,
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
            "versions are offsets within partitions, so every lane needs a new build:"
            " `hotswap build start LANE`",
        )
