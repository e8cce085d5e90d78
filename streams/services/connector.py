"""The Debezium connector's configuration: what Hotswap needs, laid under what the user wants.

The user's entries win, except where they would lose data without anyone noticing.
Source: https://debezium.io/documentation/reference/stable/connectors/postgresql.html
"""

import re
from collections.abc import Mapping
from typing import Final, NamedTuple

from streams.config import Settings
from streams.errors import ConfigurationError

__all__ = ["POSTGRES", "connector_config"]

POSTGRES: Final = "io.debezium.connector.postgresql.PostgresConnector"
_TWO_PART_TABLES: Final = (".postgresql.", ".mysql.", ".mariadb.")
"""Connectors whose topics are `<prefix>.<schema or database>.<table>`, as is their table list."""

_LARGEST_EVENT_BYTES: Final = 8 * 1024 * 1024
_RETENTION_HOUR_MS: Final = 3_600_000


class _Loss(NamedTuple):
    """Values of a setting that lose data: those that match, or with `but` those that do not."""

    key: str
    values: str
    why: str
    but: bool = False


_LOSSES: Final = (
    _Loss(
        "skipped.operations",
        "none",
        "changes of a skipped kind never arrive, and their rows stay as they were",
        but=True,
    ),
    _Loss(
        "decimal.handling.mode",
        "string",
        "numbers lose digits or their scale, and two keys may become one",
        but=True,
    ),
    _Loss("time.precision.mode", "connect", "times lose microseconds, and two keys may become one"),
    _Loss(
        "snapshot.mode",
        "never|no_data|schema_only.*",
        "rows that are there before the connector would never be seen",
    ),
    _Loss("snapshot.mode", "initial_only", "changes after the snapshot would never be seen"),
    _Loss("slot.drop.on.stop", "true", "changes made while the connector is down would be lost"),
    _Loss("errors.tolerance", "all", "Connect would leave out what it can not convert"),
    _Loss(
        "event.processing.failure.handling.mode",
        "fail",
        "Debezium would leave out what it can not process",
        but=True,
    ),
    _Loss("producer.override.acks", "all|-1", "a broker's failure would lose changes", but=True),
    _Loss(
        "unavailable.value.placeholder",
        "__debezium_unavailable_value",
        "a value that Debezium does not have would be embedded as if it were text",
        but=True,
    ),
    _Loss(
        "topic.creation.default.cleanup.policy",
        ".*compact.*",
        "a truncate has no key, so a compacted topic refuses it",
    ),
    _Loss("table.exclude.list", ".*", "it works against table.include.list, made from the sources"),
    _Loss(
        r"transforms\..*\.type",
        r".*(ExtractNewRecordState|ExtractChangedRecordState)",
        "without the envelope neither a delete nor what a row was before can be told",
    ),
)


def connector_config(settings: Settings) -> dict[str, str]:
    """What to register, without the secrets. An entry that the user gave as "" is left out.

    Raises: ConfigurationError that names the entry which would lose data, and why.
    """
    given = settings.connect.config
    merged = {**_defaults(settings), **given}
    merged.setdefault("topic.prefix", _prefix(settings))
    for key, value in given.items():
        for loss in _LOSSES:
            if re.fullmatch(loss.key, key) and value and _loses(loss, value):
                raise ConfigurationError(
                    f'connect.config."{key}"', f"must not be {value!r}: {loss.why}", "remove it"
                )
    tables = _tables(settings, merged["topic.prefix"], merged["connector.class"])
    if tables:
        merged.setdefault("table.include.list", ",".join(_escaped(table) for table in tables))
        _refuse_missing(tables, merged["table.include.list"])
    return {key: value for key, value in merged.items() if value}


def _loses(loss: _Loss, value: str) -> bool:
    matches = re.fullmatch(loss.values, value.strip(), re.IGNORECASE) is not None
    return matches != loss.but


def _defaults(settings: Settings) -> Mapping[str, str]:
    topics = settings.kafka.topics
    json = "org.apache.kafka.connect.json.JsonConverter"
    defaults = {
        "connector.class": POSTGRES,
        "tasks.max": "1",
        "key.converter": json,
        "key.converter.schemas.enable": "false",
        "value.converter": json,
        "value.converter.schemas.enable": "false",
        "decimal.handling.mode": "string",
        "skipped.operations": "none",
        "tombstones.on.delete": "true",
        "snapshot.mode": "initial",
        # Without heartbeats a quiet table next to a busy one keeps the database's log for ever.
        "heartbeat.interval.ms": "10000",
        "producer.override.max.request.size": str(_LARGEST_EVENT_BYTES),
        "topic.creation.default.partitions": "1",
        "topic.creation.default.replication.factor": str(topics.replication_factor),
        "topic.creation.default.cleanup.policy": "delete",
        "topic.creation.default.retention.ms": str(
            topics.delete_retention_hours * _RETENTION_HOUR_MS
        ),
        "topic.creation.default.max.message.bytes": str(_LARGEST_EVENT_BYTES),
    }
    if ".postgresql." in settings.connect.config.get("connector.class", POSTGRES):
        # A slot's name may hold lower-case letters, digits and _ only, at most 63.
        slot = re.sub(r"[^a-z0-9_]", "_", settings.connect.connector.lower())[:63]
        defaults |= {
            "plugin.name": "pgoutput",
            "slot.name": slot,
            "publication.name": slot,
            "publication.autocreate.mode": "filtered",
        }
    return defaults


def _prefix(settings: Settings) -> str:
    first = {source.topic.partition(".")[0] for source in settings.sources}
    if len(first) > 1:
        raise ConfigurationError(
            'connect.config."topic.prefix"',
            f"the sources' topics begin with different words: {', '.join(sorted(first))}",
            "give one connector's sources topics that begin with its topic.prefix",
        )
    return first.pop()


def _tables(settings: Settings, prefix: str, plugin: str) -> list[str]:
    """The sources' tables as `schema.table`; none for connectors that name them otherwise."""
    if not any(kind in plugin for kind in _TWO_PART_TABLES):
        return []
    tables = []
    for index, source in enumerate(settings.sources):
        table = source.topic.removeprefix(f"{prefix}.")
        if table == source.topic or not re.fullmatch(r"[^.]+\.[^.]+", table):
            raise ConfigurationError(
                f"sources[{index}].topic",
                f"{source.topic!r} is not {prefix}.<schema>.<table>, where Debezium puts a table's"
                " changes",
                'name that topic, or give the prefix it has in [connect.config] as "topic.prefix"',
            )
        tables.append(table)
    return tables


def _escaped(table: str) -> str:
    return table.replace(".", "\\.")


def _refuse_missing(tables: list[str], listed: str) -> None:
    # In a topic's name Debezium puts _ for each character that Kafka does not allow there.
    patterns = [
        re.sub(r"[^A-Za-z0-9._\\*+?()|\[\]^$-]", "_", pattern.strip())
        for pattern in listed.split(",")
    ]
    for table in tables:
        if not any(_matches(pattern, table) for pattern in patterns):
            raise ConfigurationError(
                'connect.config."table.include.list"',
                f"leaves out {table!r}, which a source reads",
                "add it, or remove the entry: it is made from the sources' topics",
            )


def _matches(pattern: str, table: str) -> bool:
    try:
        return re.fullmatch(pattern, table, re.IGNORECASE) is not None
    except re.error:
        return True  # Java may understand it; Debezium says so if it does not
