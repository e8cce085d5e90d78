"""A source database with tables of its own: each test runs over every adapter."""

import uuid
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import psycopg
import pytest
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict

from streams.adapters.memory_database import MemoryDatabase
from streams.adapters.postgres_connection import connection_parameters
from streams.adapters.postgres_database import PostgresDatabase
from streams.ports import Database, Publication, ReplicaIdentity, ReplicationSlot, Table


class Rig(Protocol):
    """What a test asks of the world around a database."""

    schema: str

    @property
    def database(self) -> Database: ...

    async def make(
        self,
        name: str,
        columns: Mapping[str, str],
        key: Sequence[str],
        *rows: Sequence[Any],
        identity: ReplicaIdentity = ReplicaIdentity.DEFAULT,
    ) -> str: ...

    async def insert(self, table: str, *rows: Sequence[Any]) -> None: ...

    async def publish(self, name: str, table: str, *operations: str) -> None: ...

    async def reserve(self, slot: str) -> None: ...


@dataclass
class MemoryRig:
    database: MemoryDatabase
    schema: str = "public"

    async def make(self, name, columns, key, *rows, identity=ReplicaIdentity.DEFAULT) -> str:
        table = f"{self.schema}.{name}"
        toastable = frozenset(column for column, type_ in columns.items() if type_ == "text")
        described = Table(table, columns, tuple(key), identity, toastable)
        self.database.tables[table] = (described, [])
        await self.insert(table, *rows)
        return table

    async def insert(self, table, *rows) -> None:
        described, held = self.database.tables[table]
        held.extend(dict(zip(described.columns, row, strict=True)) for row in rows)

    async def publish(self, name, table, *operations) -> None:
        self.database.publications[name] = Publication(
            name, frozenset({table}), frozenset(operations)
        )

    async def reserve(self, slot) -> None:
        self.database.slots[slot] = ReplicationSlot(
            slot, active=False, plugin="pgoutput", behind_bytes=0
        )


@dataclass
class PostgresRig:
    database: PostgresDatabase
    schema: str
    admin: psycopg.AsyncConnection[Any]

    async def make(self, name, columns, key, *rows, identity=ReplicaIdentity.DEFAULT) -> str:
        table = sql.Identifier(self.schema, name)
        parts = [
            sql.SQL("{} {}").format(sql.Identifier(column), sql.SQL(type_))
            for column, type_ in columns.items()
        ]
        if key:
            names = sql.SQL(", ").join(map(sql.Identifier, key))
            parts.append(sql.SQL("PRIMARY KEY ({})").format(names))
        await self.admin.execute(
            sql.SQL("CREATE TABLE {} ({})").format(table, sql.SQL(", ").join(parts))
        )
        await self.admin.execute(
            sql.SQL("ALTER TABLE {} REPLICA IDENTITY {}").format(table, sql.SQL(identity))
        )
        await self.insert(f"{self.schema}.{name}", *rows)
        return f"{self.schema}.{name}"

    async def insert(self, table, *rows) -> None:
        target = sql.Identifier(*table.split(".", 1))
        async with psycopg.AsyncRawCursor(self.admin) as cursor:
            for row in rows:
                places = sql.SQL(", ".join([f"${place}" for place, _ in enumerate(row, start=1)]))
                await cursor.execute(
                    sql.SQL("INSERT INTO {} VALUES ({})").format(target, places), row
                )

    async def publish(self, name, table, *operations) -> None:
        statement = "CREATE PUBLICATION {} FOR TABLE {} WITH (publish = {})"
        await self.admin.execute(
            sql.SQL(statement).format(
                sql.Identifier(name),
                sql.Identifier(*table.split(".", 1)),
                sql.Literal(", ".join(operations)),
            )
        )

    async def reserve(self, slot) -> None:
        await self.admin.execute(
            "SELECT pg_create_logical_replication_slot(%s, 'pgoutput')", [slot]
        )

    async def clean(self) -> None:
        await self.admin.execute(
            "SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots"
            " WHERE slot_name LIKE %s",
            [f"{self.schema}%"],
        )
        publications = await self.admin.execute(
            "SELECT pubname FROM pg_publication WHERE pubname LIKE %s", [f"{self.schema}%"]
        )
        for (name,) in await publications.fetchall():
            await self.admin.execute(sql.SQL("DROP PUBLICATION {}").format(sql.Identifier(name)))
        await self.admin.execute(
            sql.SQL("DROP SCHEMA {} CASCADE").format(sql.Identifier(self.schema))
        )
        await self.admin.close()


@pytest.fixture
async def postgres(request) -> AsyncIterator[PostgresRig]:
    dsn = request.getfixturevalue("stack").endpoints().postgres_dsn
    found = conninfo_to_dict(dsn)
    config = {
        f"database.{name}": str(found[ours])
        for name, ours in (
            ("hostname", "host"),
            ("port", "port"),
            ("dbname", "dbname"),
            ("user", "user"),
        )
    }
    admin = await psycopg.AsyncConnection.connect(dsn, autocommit=True)
    rig = PostgresRig(
        PostgresDatabase(*connection_parameters(config, {})),
        f"contract_{uuid.uuid4().hex[:12]}",
        admin,
    )
    await admin.execute(sql.SQL("CREATE SCHEMA {}").format(sql.Identifier(rig.schema)))
    yield rig
    await rig.database.close()
    await rig.clean()


@pytest.fixture(params=["memory", pytest.param("postgres", marks=pytest.mark.stack)])
def rig(request) -> Rig:
    if request.param == "memory":
        settings = {"wal_level": "logical"}
        return MemoryRig(MemoryDatabase(settings=settings))
    rig: Rig = request.getfixturevalue(request.param)
    return rig
