"""A source database in memory, for tests and trials.

Rows are plain dictionaries whose values are spelt as in change events. All of it may be
changed at any time: `rows` shows a table as it is when the first page is asked for.
"""

from collections.abc import AsyncGenerator, Mapping, Sequence
from typing import Any

from streams.errors import ConfigurationError
from streams.ports import Publication, ReplicationSlot, Table

__all__ = ["MemoryDatabase"]

_Rows = list[dict[str, Any]]


class MemoryDatabase:
    """Implements `streams.ports.Database`.

    Attributes:
        tables: `schema.table` → the table, and its rows.
        publications: by name.
        slots: by name.
        server_settings: such as `wal_level`.
    """

    def __init__(
        self,
        tables: Mapping[str, tuple[Table, _Rows]] | None = None,
        *,
        publications: Mapping[str, Publication] | None = None,
        slots: Mapping[str, ReplicationSlot] | None = None,
        settings: Mapping[str, str] | None = None,
    ) -> None:
        self.tables: dict[str, tuple[Table, _Rows]] = dict(tables or {})
        self.publications: dict[str, Publication] = dict(publications or {})
        self.slots: dict[str, ReplicationSlot] = dict(slots or {})
        self.server_settings: dict[str, str] = dict(settings or {})

    async def version(self) -> str:
        """See `streams.ports.Database.version`."""
        return "a database in memory"

    async def settings(self, names: Sequence[str]) -> dict[str, str]:
        """See `streams.ports.Database.settings`."""
        return {name: self.server_settings[name] for name in names if name in self.server_settings}

    async def table(self, name: str) -> Table | None:
        """See `streams.ports.Database.table`."""
        return self.tables[name][0] if name in self.tables else None

    async def publication(self, name: str) -> Publication | None:
        """See `streams.ports.Database.publication`."""
        return self.publications.get(name)

    async def slot(self, name: str) -> ReplicationSlot | None:
        """See `streams.ports.Database.slot`."""
        return self.slots.get(name)

    async def rows(
        self, table: str, columns: Sequence[str], *, page: int = 1_000
    ) -> AsyncGenerator[Sequence[Mapping[str, Any]], None]:
        """See `streams.ports.Database.rows`."""
        rows = [_part(row, columns) for row in self._rows_of(table, columns)]
        for start in range(0, len(rows), page):
            yield rows[start : start + page]

    async def lookup(
        self, table: str, columns: Sequence[str], key: Sequence[str], keys: Sequence[Sequence[Any]]
    ) -> list[Mapping[str, Any]]:
        """See `streams.ports.Database.lookup`."""
        wanted = {tuple(map(_text, values)) for values in keys}
        return [
            _part(row, columns)
            for row in self._rows_of(table, (*columns, *key))
            if tuple(_text(row[name]) for name in key) in wanted
        ]

    async def close(self) -> None:
        """Nothing to let go of."""

    def _rows_of(self, table: str, columns: Sequence[str]) -> _Rows:
        if table not in self.tables:
            raise ConfigurationError(
                f"table {table}", "is not there", "name its topic as the table's source"
            )
        described, rows = self.tables[table]
        absent = [name for name in columns if name not in described.columns]
        if absent:
            raise ConfigurationError(
                f"table {table}",
                f"has no column {', '.join(map(repr, absent))}",
                f"choose from: {', '.join(described.columns)}",
            )
        return rows


def _part(row: Mapping[str, Any], columns: Sequence[str]) -> dict[str, Any]:
    return {name: row[name] for name in columns}


def _text(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
