"""What `hotswap init` does: topics, one build for each lane, the connector; in this order.

It can be run again at any time, also after a crash at any point. What is there is compared
and never changed; only `force` replaces a connector. Topics are all compared before the first
one is made.
"""

from collections.abc import Callable, Mapping

from streams.config import Settings
from streams.core.role_names import embed_role_name
from streams.errors import DriftError
from streams.migration.state import State
from streams.ports import Connect, Embedder, Log, TopicSpec, VectorStore
from streams.services.builds import Plan, ensure_build
from streams.services.connector import connector_config
from streams.services.definition import ensure_migration
from streams.services.open import open_control
from streams.services.registration import register
from streams.services.steps import Action, Step
from streams.services.topics import describe_all, own_topics, refuse_drift, source_topics

__all__ = ["initialise"]


async def initialise(
    settings: Settings,
    log: Log,
    store: VectorStore,
    embedders: Mapping[str, Embedder],
    connect: Connect,
    *,
    dry_run: bool = False,
    force: bool = False,
    by: str = "hotswap",
    on_step: Callable[[Step], None] = lambda _step: None,
) -> list[Step]:
    """Bring everything about that the workers rely on.

    Args:
        settings: what is wanted.
        log: Kafka.
        store: Milvus.
        embedders: by lane, for each lane of `settings`.
        connect: Kafka Connect; not asked when `[connect.config]` is empty.
        dry_run: change nothing, and say what would be done.
        force: replace a connector that differs or has failed.
        by: who asked for it, for the control log.
        on_step: told each step as soon as it is done.

    Returns: one step for each thing, in order.

    Raises:
        ConfigurationError: a setting is wrong; for the connector, before anything is made.
        DriftError: something exists and is not as it must be.
        TransientError: another system does not answer; run it again later.
        LaneHalted: an embedder's key, quota or model needs an operator.
    """
    steps: list[Step] = []

    def done(step: Step) -> None:
        steps.append(step)
        on_step(step)

    config = connector_config(settings) if settings.connect.config else None
    specs = own_topics(settings)
    sources = source_topics(settings, config) if config is not None else ()
    found = await describe_all(log, [*specs, *sources])
    refuse_drift(specs, found, settings.kafka.bootstrap)
    control = open_control(settings, log)
    state = await control.refresh() if settings.kafka.topics.control in found else State()
    _refuse_lost_documents(settings, state, found)
    for spec in (*specs, *sources):
        done(await _topic(log, spec, found, dry_run=dry_run))
    groups = {lane: settings.group(embed_role_name(lane)) for lane in settings.lanes}
    plan = Plan(
        state=state,
        collection_prefix=settings.milvus.collection_prefix,
        documents_partitions=settings.kafka.topics.documents_partitions,
        groups=groups,
        committed={
            lane: await _committed(log, group, settings.kafka.topics.documents)
            for lane, group in groups.items()
        },
        by=by,
        dry_run=dry_run,
    )
    for lane in settings.lanes:
        done(await ensure_build(lane, embedders[lane], store, control, plan))
    done(await ensure_migration(settings, control, plan))
    if config is None:
        nothing = "[connect.config] is empty: change events come by other means"
        done(Step(f"connector {settings.connect.connector}", Action.SKIPPED, nothing))
    else:
        done(await register(settings.connect, config, connect, dry_run=dry_run, force=force))
    return steps


async def _topic(
    log: Log, spec: TopicSpec, found: Mapping[str, TopicSpec], *, dry_run: bool
) -> Step:
    name = f"topic {spec.name}"
    topic = found.get(spec.name, spec)
    policy = topic.config.get("cleanup.policy", "delete")
    detail = f"{topic.partitions} partition{'' if topic.partitions == 1 else 's'}, {policy}"
    if spec.name in found:
        return Step(name, Action.KEPT, detail)
    if dry_run:
        return Step(name, Action.WOULD_CREATE, detail)
    # False: another init was faster; the next run compares what it made.
    made = await log.create(spec)
    return Step(name, Action.CREATED if made else Action.KEPT, detail)


async def _committed(log: Log, group: str, topic: str) -> int:
    if await log.describe(topic) is None:  # a dry run makes none
        return 0
    return sum((await log.committed(group, topic)).values())


def _refuse_lost_documents(
    settings: Settings, state: State, found: Mapping[str, TopicSpec]
) -> None:
    """Refuse to make `documents` anew under lanes whose rows carry the old one's offsets."""
    documents = settings.kafka.topics.documents
    filled = [lane.pinned.collection for lane in state.lanes.values()]
    if filled and documents not in found:
        raise DriftError(
            f"topic {documents}",
            {"topic": (f"present, since {', '.join(filled)} came from it", "absent")},
            "restore it from a backup; or start over with other names for"
            " kafka.topics.documents, kafka.topics.control and milvus.collection_prefix",
        )
