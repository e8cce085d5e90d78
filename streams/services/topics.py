"""The topics that Hotswap makes, and whether those that exist are as they must be."""

import re
from collections.abc import Mapping, Sequence
from typing import Final

from streams.config import Settings
from streams.errors import ConfigurationError, DriftError
from streams.ports import Log, TopicSpec

__all__ = ["describe_all", "own_topics", "refuse_drift", "source_topics"]

_HOUR_MS: Final = 3_600_000
_DAY_MS: Final = 24 * _HOUR_MS
_ROOM_BYTES: Final = 131_072
"""What a batch's header, a key and headers may add to `limits.record_bytes`."""


def own_topics(settings: Settings) -> tuple[TopicSpec, ...]:
    """Hotswap's own topics with every entry of their configuration that it relies on."""
    topics = settings.kafka.topics
    replicas = topics.replication_factor
    # A record that only one broker has is lost with it. Two brokers can not both be required,
    # or either one's absence would stop all writing.
    durable = {
        "min.insync.replicas": str(max(1, replicas - 1)),
        "unclean.leader.election.enable": "false",
    }
    sized = {"max.message.bytes": str(settings.limits.record_bytes + _ROOM_BYTES)}
    return (
        TopicSpec(
            topics.documents,
            topics.documents_partitions,
            replicas,
            {
                **durable,
                **sized,
                "cleanup.policy": "compact",
                "delete.retention.ms": str(topics.delete_retention_hours * _HOUR_MS),
                "min.compaction.lag.ms": "600000",
            },
        ),
        TopicSpec(
            topics.control,
            1,
            replicas,
            {
                **durable,
                "cleanup.policy": "delete",
                "retention.ms": "-1",
                "retention.bytes": "-1",
                "message.timestamp.type": "LogAppendTime",
            },
        ),
        TopicSpec(
            topics.observations,
            1,
            replicas,
            {
                "cleanup.policy": "delete",
                "retention.ms": str(7 * _DAY_MS),
                # The gate counts time by the broker's clock.
                "message.timestamp.type": "LogAppendTime",
            },
        ),
        TopicSpec(
            topics.dead_letters,
            topics.dead_letters_partitions,
            replicas,
            {
                **durable,
                **sized,
                "cleanup.policy": "delete",
                "retention.ms": str(30 * _DAY_MS),
            },
        ),
    )


def source_topics(settings: Settings, connector: Mapping[str, str]) -> tuple[TopicSpec, ...]:
    """The sources' topics as Connect would make them from the connector's configuration.

    They are made ahead, so that workers can start before the first change arrives.

    Raises: ConfigurationError if a number among Connect's entries is none.
    """
    start = "topic.creation.default."
    given = {
        key.removeprefix(start): value for key, value in connector.items() if key.startswith(start)
    }
    numbers = {}
    for name in ("partitions", "replication.factor"):
        value = given.pop(name, "1")
        if not re.fullmatch(r"-1|[1-9]\d*", value):
            raise ConfigurationError(
                f'connect.config."{start}{name}"', f"{value!r} is no number above 0", "correct it"
            )
        numbers[name] = int(value)
    return tuple(
        TopicSpec(source.topic, numbers["partitions"], numbers["replication.factor"], given)
        for source in settings.sources
    )


async def describe_all(log: Log, specs: Sequence[TopicSpec]) -> dict[str, TopicSpec]:
    """Those of the topics that exist, as they are."""
    found = {spec.name: await log.describe(spec.name) for spec in specs}
    return {name: topic for name, topic in found.items() if topic is not None}


def refuse_drift(
    specs: Sequence[TopicSpec], found: Mapping[str, TopicSpec], bootstrap: str
) -> None:
    """Compare what exists, entry by entry.

    Raises: DriftError that names every difference of every topic, and what to do.
    """
    drifted = {
        spec.name: differences
        for spec in specs
        if spec.name in found and (differences := _differences(spec, found[spec.name]))
    }
    if len(drifted) == 1:
        ((name, differences),) = drifted.items()
        raise DriftError(f"topic {name}", differences, _remedy(drifted, bootstrap))
    if drifted:
        listed = {
            f"{name} {entry}": pair
            for name, differences in drifted.items()
            for entry, pair in differences.items()
        }
        raise DriftError(f"topics {', '.join(drifted)}", listed, _remedy(drifted, bootstrap))


def _differences(want: TopicSpec, found: TopicSpec) -> dict[str, tuple[object, object]]:
    pairs: dict[str, tuple[object, object]] = {
        "partitions": (want.partitions, found.partitions),
        "replication factor": (want.replication_factor, found.replication_factor),
        **{name: (value, found.config.get(name)) for name, value in want.config.items()},
    }
    return {name: (wanted, is_) for name, (wanted, is_) in pairs.items() if wanted != is_}


def _remedy(drifted: Mapping[str, Mapping[str, tuple[object, object]]], bootstrap: str) -> str:
    advice = []
    for name, differences in drifted.items():
        entries = [
            f"{entry}=[{wanted}]" if "," in str(wanted) else f"{entry}={wanted}"
            for entry, (wanted, _) in differences.items()
            if "." in entry
        ]
        if entries:
            advice.append(
                f"kafka-configs.sh --bootstrap-server {bootstrap} --alter --entity-type topics"
                f" --entity-name {name} --add-config {','.join(entries)}"
            )
        if "partitions" in differences or "replication factor" in differences:
            advice.append(f"set [kafka.topics] to what topic {name} has, or give it another name")
    return "; ".join(advice)
