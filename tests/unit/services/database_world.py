"""Source databases in memory, in one line."""

from typing import Any

from streams.adapters.memory_database import MemoryDatabase
from streams.ports import ReplicaIdentity, Table

__all__ = ["database_with", "table"]


def table(name: str, *key: str, **columns: str) -> Table:
    """`table("public.articles", "id", id="integer", body="text")`."""
    return Table(name, columns, key, ReplicaIdentity.DEFAULT)


def database_with(described: Table, *rows: dict[str, Any]) -> MemoryDatabase:
    """A database with one table; `database.tables[name][1]` is the list of its rows."""
    return MemoryDatabase({described.name: (described, list(rows))})
