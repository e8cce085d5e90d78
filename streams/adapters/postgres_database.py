"""A source database in Postgres, over psycopg 3.

Reads only: every session is read-only by itself. Catalog questions and look-ups share one
connection; each pass over a table has one of its own, with a cursor on the server in one
snapshot.
"""

import asyncio
from collections.abc import AsyncGenerator, Mapping, Sequence
from typing import Any, Final, LiteralString

import psycopg
from psycopg import sql
from psycopg.types.array import ArrayLoader
from psycopg.types.string import TextLoader
from pydantic import SecretStr

from streams.adapters import postgres_catalog as catalog
from streams.adapters.postgres_catalog import Column, Relation
from streams.adapters.postgres_connection import connect
from streams.adapters.postgres_errors import postgres_errors
from streams.adapters.postgres_queries import select_by_key, select_rows
from streams.adapters.postgres_values import Unspellable
from streams.errors import ConfigurationError
from streams.ports import Publication, ReplicationSlot, Table

__all__ = ["PostgresDatabase"]

_STATEMENT_SECONDS: Final = 30
_FETCH_SECONDS: Final = 300
"""For one page of a table, which may lie behind millions of dead rows."""

_Row = dict[str, Any]


class _TextArrayLoader(ArrayLoader):
    """Elements as the server prints them."""

    base_oid = psycopg.postgres.types["text"].oid


class PostgresDatabase:
    """Implements `streams.ports.Database`.

    Args:
        parameters: of the connection, as libpq calls them.
        password: the user's; None: as libpq finds it.
    """

    def __init__(self, parameters: Mapping[str, str], password: SecretStr | None) -> None:
        self._parameters = dict(parameters)
        self._password = password
        self._connection: psycopg.AsyncConnection[tuple[Any, ...]] | None = None
        self._connecting = asyncio.Lock()

    async def version(self) -> str:
        """See `streams.ports.Database.version`."""
        return str((await self._ask(catalog.VERSION))[0][0])

    async def settings(self, names: Sequence[str]) -> dict[str, str]:
        """See `streams.ports.Database.settings`."""
        return dict(await self._ask(catalog.SETTINGS, list(names)))

    async def table(self, name: str) -> Table | None:
        """See `streams.ports.Database.table`."""
        relation = await self._relation(name)
        return None if relation is None else relation.table

    async def publication(self, name: str) -> Publication | None:
        """See `streams.ports.Database.publication`."""
        answers = await self._ask(catalog.PUBLICATION, name)
        return catalog.publication_of(name, answers[0]) if answers else None

    async def slot(self, name: str) -> ReplicationSlot | None:
        """See `streams.ports.Database.slot`."""
        answers = await self._ask(catalog.SLOT, name)
        return catalog.slot_of(name, answers[0]) if answers else None

    async def rows(
        self, table: str, columns: Sequence[str], *, page: int = 1_000
    ) -> AsyncGenerator[Sequence[Mapping[str, Any]], None]:
        """See `streams.ports.Database.rows`."""
        relation = await self._readable(table, columns)
        chosen = {name: relation.columns[name] for name in columns}
        connection = await connect(
            self._parameters, self._password, statement_seconds=_FETCH_SECONDS
        )
        try:
            with postgres_errors(f"table {table}"):
                await connection.set_isolation_level(psycopg.IsolationLevel.REPEATABLE_READ)
                async with connection.transaction():
                    cursor = connection.cursor("hotswap_rows")
                    async with cursor:
                        _as_printed(cursor, chosen)
                        await cursor.execute(select_rows(relation, chosen))
                        while found := await cursor.fetchmany(page):
                            yield [_spelt(table, chosen, row) for row in found]
        finally:
            await connection.close()

    async def lookup(
        self, table: str, columns: Sequence[str], key: Sequence[str], keys: Sequence[Sequence[Any]]
    ) -> list[Mapping[str, Any]]:
        """See `streams.ports.Database.lookup`."""
        relation = await self._readable(table, (*columns, *key))
        chosen = {name: relation.columns[name] for name in columns}
        printers = []
        for name in key:
            spelling = relation.columns[name].spelling
            if spelling is None or spelling.printed is None:
                raise _refused(table, name, f"of type {relation.columns[name].type} is no key")
            printers.append(spelling.printed)
        wanted: set[tuple[str, ...]] = set()
        for values in keys:
            try:
                printed = [printer(_text(v)) for printer, v in zip(printers, values, strict=True)]
            except ValueError:  # no value of that type is spelt so, and no row has it
                continue
            wanted.add(tuple(printed))
        query = select_by_key(relation, chosen, key)
        return [
            _spelt(table, chosen, row)
            for row in await self._those(table, query, chosen, sorted(wanted))
        ]

    async def close(self) -> None:
        """See `streams.ports.Database.close`."""
        connection, self._connection = self._connection, None
        if connection is not None:
            await connection.close()

    async def _those(
        self,
        table: str,
        query: sql.Composed,
        chosen: Mapping[str, Column],
        keys: Sequence[tuple[str, ...]],
    ) -> list[tuple[Any, ...]]:
        """The rows of `keys`. A key that the server can not read is no row's."""
        if not keys:
            return []
        parameters = [list(values) for values in zip(*keys, strict=True)]
        connection = await self._open()
        try:
            with postgres_errors(f"table {table}"):
                async with psycopg.AsyncRawCursor(connection) as cursor:
                    _as_printed(cursor, chosen)
                    try:
                        await cursor.execute(query, parameters)
                        return await cursor.fetchall()
                    except psycopg.DataError:
                        if len(keys) == 1:
                            return []
        except BaseException:
            await self._drop_if_broken()
            raise
        half = len(keys) // 2
        first = await self._those(table, query, chosen, keys[:half])
        return first + await self._those(table, query, chosen, keys[half:])

    async def _relation(self, name: str) -> Relation | None:
        schema, _, table = name.partition(".")
        about = await self._ask(catalog.TABLE, schema, table)
        if not about:
            return None
        return catalog.relation_of(name, about[0], await self._ask(catalog.COLUMNS, about[0][0]))

    async def _readable(self, table: str, columns: Sequence[str]) -> Relation:
        """The table, if there is one and change events spell all these columns one way.

        Raises: ConfigurationError.
        """
        relation = await self._relation(table)
        if relation is None:
            raise ConfigurationError(
                f"table {table}", "is not there", "name its topic as the table's source"
            )
        for name in columns:
            column = relation.columns.get(name)
            if column is None:
                raise _refused(table, name, "is not there")
            if column.generated:
                raise _refused(table, name, "is computed by the database, so no event carries it")
            if column.spelling is None:
                raise _refused(
                    table, name, f"of type {column.type} can not be compared with change events"
                )
        return relation

    async def _ask(self, question: LiteralString, *values: object) -> list[tuple[Any, ...]]:
        connection = await self._open()
        try:
            with postgres_errors("the source database"):
                return await (await connection.execute(question, values)).fetchall()
        except BaseException:
            await self._drop_if_broken()
            raise

    async def _open(self) -> psycopg.AsyncConnection[tuple[Any, ...]]:
        async with self._connecting:
            if self._connection is None:
                self._connection = await connect(
                    self._parameters, self._password, statement_seconds=_STATEMENT_SECONDS
                )
            return self._connection

    async def _drop_if_broken(self) -> None:
        """So that the next question opens a new connection."""
        if self._connection is not None and self._connection.closed:
            await self.close()


def _as_printed(cursor: psycopg.AsyncCursor[Any], chosen: Mapping[str, Column]) -> None:
    """Let values come as the server prints them, and arrays as lists of such."""
    for column in chosen.values():
        array = column.spelling is not None and column.spelling.array
        cursor.adapters.register_loader(column.oid, _TextArrayLoader if array else TextLoader)


def _spelt(table: str, chosen: Mapping[str, Column], row: Sequence[Any]) -> _Row:
    spelt: _Row = {}
    for (name, column), value in zip(chosen.items(), row, strict=True):
        try:
            spelt[name] = (
                None if value is None or column.spelling is None else column.spelling.spell(value)
            )
        except Unspellable as error:
            raise _refused(
                table, name, f"holds {error}, which change events spell in more than one way"
            ) from error
    return spelt


def _text(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _refused(table: str, column: str, problem: str) -> ConfigurationError:
    return ConfigurationError(
        f"table {table}, column {column!r}",
        problem,
        "leave the column out of the source, or the source out of this comparison",
    )
