"""The database port: what Hotswap reads of a source database itself, past its change stream."""

from collections.abc import AsyncGenerator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Protocol

__all__ = ["Database", "Publication", "ReplicaIdentity", "ReplicationSlot", "Table"]


class ReplicaIdentity(StrEnum):
    """Which columns of the old row a change event carries."""

    DEFAULT = "default"
    """Those of the primary key."""
    FULL = "full"
    INDEX = "index"
    NOTHING = "nothing"


@dataclass(frozen=True, slots=True)
class Table:
    """A table as the database describes it.

    Attributes:
        name: `schema.table`.
        columns: name → type, as the database spells it, in the table's order.
        primary_key: its columns, in the key's order; empty if it has none.
        replica_identity: what change events carry of the old row.
        toastable: columns whose values may be stored out of line, and so be missing from a
            change event that did not change them.
        estimated_rows: from the database's statistics; None if there are none yet.
    """

    name: str
    columns: Mapping[str, str]
    primary_key: tuple[str, ...]
    replica_identity: ReplicaIdentity
    toastable: frozenset[str] = frozenset()
    estimated_rows: int | None = None


@dataclass(frozen=True, slots=True)
class Publication:
    """What the change stream is made of.

    Attributes:
        tables: `schema.table` of each.
        operations: of `insert`, `update`, `delete`, `truncate`.
    """

    name: str
    tables: frozenset[str]
    operations: frozenset[str]


@dataclass(frozen=True, slots=True)
class ReplicationSlot:
    """The place of the change stream's reader in the database's log.

    Attributes:
        active: whether somebody reads from it.
        plugin: the output plugin.
        behind_bytes: what was written since the place that the reader has confirmed.
        lost: the database no longer holds what the reader would have to read next.
    """

    name: str
    active: bool
    plugin: str
    behind_bytes: int
    lost: bool = False


class Database(Protocol):
    """One source database, read only. Tables are called `schema.table`."""

    async def version(self) -> str:
        """The server's own name and version, in one line."""
        ...

    async def settings(self, names: Sequence[str]) -> dict[str, str]:
        """Server settings, such as `wal_level`; unknown ones are left out."""
        ...

    async def table(self, name: str) -> Table | None:
        """A table; None if there is none, or this user may not see it."""
        ...

    async def publication(self, name: str) -> Publication | None:
        """A publication; None if there is none."""
        ...

    async def slot(self, name: str) -> ReplicationSlot | None:
        """A replication slot; None if there is none."""
        ...

    def rows(
        self, table: str, columns: Sequence[str], *, page: int = 1_000
    ) -> AsyncGenerator[Sequence[Mapping[str, Any]], None]:
        """All rows as they are at one moment, in pages, in no particular order.

        Values are spelt as Debezium spells them in change events with
        `decimal.handling.mode=string`, so that the text of a document comes out the same.
        Bounded memory: a cursor on the server. Who stops early closes it.

        Raises: ConfigurationError if the table or a column is missing, or may not be read.
        """
        ...

    async def lookup(
        self, table: str, columns: Sequence[str], key: Sequence[str], keys: Sequence[Sequence[Any]]
    ) -> list[Mapping[str, Any]]:
        """The rows with one of these keys, as they are now; absent ones are left out.

        Args:
            table: `schema.table`.
            columns: what to read.
            key: columns of the key.
            keys: values of those columns, or their text as in a document id; one sequence for
                each row asked for.
        """
        ...

    async def close(self) -> None:
        """Let go of connections."""
        ...
