"""Which table each source is, and whether its rows can be compared with documents at all.

Decides by the connector's configuration and the database's own description of the table. A
setting that changes what change events hold would make every row look different, so it is
refused by name.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from streams.config import Settings, SourceConfig
from streams.core.source import Source
from streams.errors import ConfigurationError
from streams.ports import Database, Table
from streams.services.connector import connector_config
from streams.services.open import source_of

__all__ = ["SourceTable", "source_tables"]

_SPELLING: Final = (
    ("time.precision.mode", "adaptive"),
    ("binary.handling.mode", "bytes"),
    ("field.name.adjustment.mode", "none"),
    ("converters", ""),
    ("transforms", ""),
    (r"column\.(in|ex)clude\.list", ""),
    (r"column\.(mask|truncate)\..*", ""),
    (r"snapshot\.select\.statement\.overrides.*", ""),
)
"""Entries that change what events hold of a row, each with the one value that does not."""

_KEY_COLUMNS: Final = "message.key.columns"


@dataclass(frozen=True, slots=True)
class SourceTable:
    """A source, and the table that its change events come from.

    Attributes:
        source: as the normaliser needs it.
        topic: of its change events.
        table: as the database describes it.
        columns: to be read: of the key, the text, and the metadata that the table has.
        metadata: the last of these.
    """

    source: Source
    topic: str
    table: Table
    columns: tuple[str, ...]
    metadata: tuple[str, ...]


async def source_tables(settings: Settings, database: Database) -> list[SourceTable]:
    """The tables of all sources, in the configuration's order.

    Raises: ConfigurationError that names the source whose topic follows another rule than
        `<topic.prefix>.<schema>.<table>`, whose table is not there, whose key is another, or
        that names the connector's entry which forbids a comparison; TransientError.
    """
    config = connector_config(settings)
    _refuse_other_spellings(config)
    return [
        await _source_table(f"sources[{index}]", one, config, database)
        for index, one in enumerate(settings.sources)
    ]


def _refuse_other_spellings(config: Mapping[str, str]) -> None:
    for name, value in config.items():
        for pattern, harmless in _SPELLING:
            if re.fullmatch(pattern, name) and value != harmless:
                raise ConfigurationError(
                    f'connect.config."{name}"',
                    "changes what events hold of a row, so rows can not be compared with documents",
                    "go without this comparison",
                )


async def _source_table(
    setting: str, config: SourceConfig, connector: Mapping[str, str], database: Database
) -> SourceTable:
    name = config.topic.removeprefix(f"{connector['topic.prefix']}.")
    table = await database.table(name)
    if table is None:
        raise ConfigurationError(
            f"{setting}.topic",
            f"source {config.name}: the database has no table {name!r}",
            "name the topic as Debezium does; it puts _ for characters that no topic may hold,"
            " and such tables can not be compared",
        )
    _refuse_other_key(setting, config, table, connector)
    needed = dict.fromkeys((*config.key, *config.text_columns))
    absent = [column for column in needed if column not in table.columns]
    if absent:
        raise ConfigurationError(
            setting,
            f"source {config.name}: {name} has no column {', '.join(map(repr, absent))}",
            f"choose from: {', '.join(table.columns)}",
        )
    metadata = tuple(column for column in config.metadata if column in table.columns)
    return SourceTable(
        source=source_of(config),
        topic=config.topic,
        table=table,
        columns=tuple(dict.fromkeys((*needed, *metadata))),
        metadata=metadata,
    )


def _refuse_other_key(
    setting: str, config: SourceConfig, table: Table, connector: Mapping[str, str]
) -> None:
    if not table.primary_key or connector.get(_KEY_COLUMNS):
        return  # what the key of a change event is then, the connector alone decides
    if set(table.primary_key) != set(config.key):
        raise ConfigurationError(
            f"{setting}.key",
            f"source {config.name}: {', '.join(config.key)} is not the primary key of"
            f" {table.name}, {', '.join(table.primary_key)}, and no change event has it for a key",
            f'name the primary key, or set "{_KEY_COLUMNS}" in [connect.config]',
        )
