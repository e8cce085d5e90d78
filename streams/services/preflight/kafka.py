"""What a preflight sees of Kafka: the topics, and the control log."""

from streams.config import Settings
from streams.core.preflight.facts import ControlFacts, Drift, TopicFacts
from streams.errors import DriftError
from streams.migration.state import State
from streams.ports import Log, TopicSpec
from streams.services.topics import describe_all, own_topics, refuse_drift

__all__ = ["control_facts", "look_at_topics"]

_HOUR_MS = 3_600_000
_KAFKAS_OWN_LARGEST = "1048588"


def control_facts(settings: Settings, state: State, records: int) -> ControlFacts:
    """What the control log amounts to, beside what the settings want."""
    migration = state.migration
    return ControlFacts(
        records=records,
        migration=None if migration is None else (migration.source, migration.target),
        wanted=settings.migration_lanes,
        signed=migration is not None and migration.signature is not None,
        key=settings.control.key is not None,
    )


async def look_at_topics(settings: Settings, log: Log) -> TopicFacts:
    """Hotswap's own topics beside their specification, and those of the sources.

    Raises: TransientError, ConfigurationError.
    """
    specs = own_topics(settings)
    documents = settings.kafka.topics.documents
    names = [source.topic for source in settings.sources]
    sources = {name: await log.describe(name) for name in names}
    found = await describe_all(log, specs)
    retention = found[documents].config.get("delete.retention.ms") if documents in found else None
    return TopicFacts(
        own={spec.name: _drift(spec, found, settings.kafka.bootstrap) for spec in specs},
        sources={name: None if spec is None else _largest(spec) for name, spec in sources.items()},
        documents=documents,
        records=sum((await log.ends(documents)).values()) if documents in found else 0,
        delete_retention_hours=None if retention is None else int(retention) / _HOUR_MS,
        text_budget_bytes=settings.text_budget_bytes,
        metadata_bytes=settings.limits.metadata_bytes,
        record_bytes=settings.limits.record_bytes,
    )


def _drift(spec: TopicSpec, found: dict[str, TopicSpec], bootstrap: str) -> Drift | None:
    if spec.name not in found:
        return None
    try:
        refuse_drift([spec], found, bootstrap)
    except DriftError as error:
        return Drift(error.differences, error.remedy)
    return Drift({}, "")


def _largest(spec: TopicSpec) -> int:
    return int(spec.config.get("max.message.bytes", _KAFKAS_OWN_LARGEST))
