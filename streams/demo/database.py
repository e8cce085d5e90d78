"""The demo's application: two tables, and the changes that it makes to them."""

from collections.abc import Callable
from dataclasses import dataclass

import psycopg

from streams.core.identity import document_id
from streams.demo.corpus import Article, Note

__all__ = ["Application", "Step"]

_TABLES = """
CREATE TABLE articles (
    id      integer PRIMARY KEY,
    title   text NOT NULL,
    body    text,
    module  text NOT NULL,
    kind    text NOT NULL,
    views   integer NOT NULL DEFAULT 0
);
CREATE TABLE notes (
    module  text,
    number  integer,
    body    text,
    PRIMARY KEY (module, number)
);
-- Changes then carry the whole row before them, so that large unchanged columns are known.
ALTER TABLE articles REPLICA IDENTITY FULL;
ALTER TABLE notes REPLICA IDENTITY FULL;
"""


@dataclass(frozen=True, slots=True)
class Step:
    """One kind of change: what to tell, and how many rows it touched."""

    told: str
    rows: int


class Application:
    """A program that knows nothing of Hotswap and just uses its database."""

    def __init__(self, dsn: str) -> None:
        self._dsn = dsn

    async def load(self, articles: list[Article], notes: list[Note]) -> None:
        """Make the tables and fill them."""
        async with await psycopg.AsyncConnection.connect(self._dsn) as connection:
            await connection.execute(_TABLES)
            async with connection.cursor() as cursor:
                await cursor.executemany(
                    "INSERT INTO articles (id, title, body, module, kind)"
                    " VALUES (%s, %s, %s, %s, %s)",
                    [(n, a.title, a.body, a.module, a.kind) for n, a in enumerate(articles, 1)],
                )
                await cursor.executemany(
                    "INSERT INTO notes VALUES (%s, %s, %s)",
                    [(note.module, note.number, note.body) for note in notes],
                )

    async def change(self, fresh: list[Article], told: Callable[[Step], None]) -> None:
        """Use the tables as applications do, each kind of change in a transaction of its own.

        Args:
            fresh: articles to insert.
            told: called after each kind of change.
        """
        async with await psycopg.AsyncConnection.connect(self._dsn, autocommit=True) as connection:
            first = 1 + await _number(connection, "SELECT max(id) FROM articles")
            async with connection.transaction(), connection.cursor() as cursor:
                await cursor.executemany(
                    "INSERT INTO articles (id, title, body, module, kind)"
                    " VALUES (%s, %s, %s, %s, %s)",
                    [
                        (n, a.title, a.body, a.module, a.kind)
                        for n, a in enumerate(fresh, start=first)
                    ],
                )
            told(Step("rows inserted", len(fresh)))
            for text, statement in _CHANGES:
                cursor = await connection.execute(statement.encode())
                told(Step(text, max(cursor.rowcount, 1)))

    async def revise(self, remainder: int) -> int:
        """Write on in every fiftieth text; how many that are."""
        async with await psycopg.AsyncConnection.connect(self._dsn, autocommit=True) as connection:
            cursor = await connection.execute(
                "UPDATE articles SET body = body || ' (revised again)' WHERE id %% 50 = %s",
                [remainder],
            )
            return cursor.rowcount

    async def bodies(self) -> dict[int, str]:
        """The texts of all articles that have one, by their keys."""
        async with await psycopg.AsyncConnection.connect(self._dsn) as connection:
            rows = await (
                await connection.execute("SELECT id, body FROM articles WHERE body <> ''")
            ).fetchall()
        return dict(rows)

    async def ids(self) -> set[str]:
        """The document ids of all rows that have a text, as they are now."""
        async with await psycopg.AsyncConnection.connect(self._dsn) as connection:
            articles = await (
                await connection.execute("SELECT id FROM articles WHERE title <> ''")
            ).fetchall()
            notes = await (await connection.execute("SELECT module, number FROM notes")).fetchall()
        return {document_id("articles", row) for row in articles} | {
            document_id("notes", row) for row in notes
        }


_AFTER_TRUNCATE = """
INSERT INTO notes
SELECT 'asyncio|demo', n, 'Written after the truncate, number ' || n FROM generate_series(1, 5) AS n
"""

_CHANGES = (
    ("texts rewritten", "UPDATE articles SET body = body || ' (revised)' WHERE id % 25 = 3"),
    ("rows changed in metadata only", "UPDATE articles SET views = views + 1 WHERE id % 10 = 1"),
    ("rows deleted", "DELETE FROM articles WHERE id % 40 = 7"),
    ("primary key changed", "UPDATE articles SET id = id + 1000000 WHERE id = 100"),
    ("text emptied, so its vectors go", "UPDATE articles SET title = '', body = NULL WHERE id = 2"),
    ("table truncated", "TRUNCATE notes"),
    ("rows inserted after the truncate", _AFTER_TRUNCATE),
)


async def _number(connection: psycopg.AsyncConnection, query: str) -> int:
    row = await (await connection.execute(query.encode())).fetchone()
    assert row is not None  # noqa: S101 - an aggregate always has a row
    return int(row[0] or 0)
