"""What only Postgres does: types, rights, sessions and failures."""

import asyncio

import psycopg
import pytest
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict
from pydantic import SecretStr

from streams.adapters.postgres_connection import connect, connection_parameters
from streams.adapters.postgres_database import PostgresDatabase
from streams.errors import ConfigurationError, TransientError
from tests.contract.database.spellings import PREPARE, REFUSED, SPELLINGS, UNSPELLABLE

pytestmark = pytest.mark.stack


@pytest.fixture
async def typed(postgres):
    """A rig whose server has all types of the list."""
    await postgres.admin.execute(PREPARE.format(schema=postgres.schema))
    return postgres


async def read(database, table, *columns):
    return [row async for rows in database.rows(table, columns) for row in rows]


async def test_values_are_spelt_as_in_change_events(typed):
    columns = {f"c{place}": type_ for place, (type_, _, _) in enumerate(SPELLINGS)}
    table = await typed.make("typed", {"id": "integer", **columns}, ("id",))
    await typed.insert(table, (1, *(value for _, value, _ in SPELLINGS)))
    await typed.insert(table, (2, *(None for _ in SPELLINGS)))
    full, empty = sorted(await read(typed.database, table, "id", *columns), key=lambda r: r["id"])
    wrong = {
        (type_, value): full[column]
        for column, (type_, value, spelt) in zip(columns, SPELLINGS, strict=True)
        if (full[column], type(full[column])) != (spelt, type(spelt))
    }
    assert wrong == {}
    assert empty == {"id": 2, **dict.fromkeys(columns)}
    assert await typed.database.lookup(table, ["id", *columns], ["id"], [[1]]) == [full]


@pytest.mark.parametrize("type_", REFUSED)
async def test_a_column_that_change_events_do_not_spell_one_way_is_refused(typed, type_):
    table = await typed.make("refused", {"id": "integer", "odd": type_}, ("id",))
    with pytest.raises(ConfigurationError, match=r"'odd'.* of type"):
        await read(typed.database, table, "odd")
    assert await read(typed.database, table, "id") == []


@pytest.mark.parametrize(("type_", "value"), UNSPELLABLE)
async def test_a_value_that_change_events_do_not_spell_one_way_is_refused(typed, type_, value):
    table = await typed.make("refused", {"id": "integer", "odd": type_}, ("id",), (1, value))
    with pytest.raises(ConfigurationError, match=r"'odd'.*more than one way"):
        await read(typed.database, table, "odd")


async def test_a_computed_column_is_in_no_event_and_refused(postgres):
    columns = {"id": "integer", "twice": "integer GENERATED ALWAYS AS (id * 2) STORED"}
    table = await postgres.make("computed", columns, ("id",))
    with pytest.raises(ConfigurationError, match="computed by the database"):
        await read(postgres.database, table, "twice")


KEYS = (
    *("smallint", "bigint", "text", "varchar(20)", "char(5)", "uuid", "boolean", "numeric"),
    *("bytea", "date", "timestamp", "timestamp(3)", "timestamptz", "timestamptz(0)", "citext"),
    *("mood", "whole", "short"),
)


@pytest.mark.parametrize("type_", KEYS)
async def test_a_row_is_found_by_its_key_as_it_is_spelt(typed, type_):
    values = [value for one, value, _ in SPELLINGS if one == type_]
    table = await typed.make(
        "keyed", {"key": type_, "n": "integer"}, ("key",), *((v, n) for n, v in enumerate(values))
    )
    rows = await read(typed.database, table, "key", "n")
    assert len(rows) == len(values)
    for row in rows:
        assert await typed.database.lookup(table, ["key", "n"], ["key"], [[row["key"]]]) == [row]


async def test_a_key_of_a_type_without_a_way_back_is_refused(typed):
    table = await typed.make("keyed", {"key": "inet"}, ("key",), ("::1",))
    with pytest.raises(ConfigurationError, match="is no key"):
        await typed.database.lookup(table, ["key"], ["key"], [["::1"]])


async def test_rows_of_a_table_that_inherits_are_not_the_parents(postgres):
    table = await postgres.make("parent", {"id": "integer"}, ("id",), (1,))
    child = sql.Identifier(postgres.schema, "child")
    parent = sql.Identifier(postgres.schema, "parent")
    await postgres.admin.execute(sql.SQL("CREATE TABLE {} () INHERITS ({})").format(child, parent))
    await postgres.admin.execute(sql.SQL("INSERT INTO {} VALUES (2)").format(child))
    assert await read(postgres.database, table, "id") == [{"id": 1}]


async def test_rows_of_all_partitions_are_the_tables_own(postgres):
    table = sql.Identifier(postgres.schema, "parted")
    await postgres.admin.execute(
        sql.SQL("CREATE TABLE {} (id integer PRIMARY KEY) PARTITION BY HASH (id)").format(table)
    )
    for rest in (0, 1):
        part = sql.Identifier(postgres.schema, f"part{rest}")
        await postgres.admin.execute(
            sql.SQL(
                "CREATE TABLE {} PARTITION OF {} FOR VALUES WITH (MODULUS 2, REMAINDER {})"
            ).format(part, table, sql.Literal(rest))
        )
    await postgres.insert(f"{postgres.schema}.parted", *((n,) for n in range(10)))
    assert len(await read(postgres.database, f"{postgres.schema}.parted", "id")) == 10


async def test_sessions_can_not_write(postgres):
    connection = await connect(
        postgres.database._parameters, postgres.database._password, statement_seconds=5
    )
    try:
        with pytest.raises(psycopg.errors.ReadOnlySqlTransaction):
            await connection.execute(
                sql.SQL("CREATE TABLE {} ()").format(sql.Identifier(postgres.schema, "mine"))
            )
    finally:
        await connection.close()


@pytest.fixture
async def reader(postgres):
    """A database read by a user without any rights."""
    role = f"{postgres.schema}_reader"
    await postgres.admin.execute(sql.SQL("CREATE ROLE {} LOGIN").format(sql.Identifier(role)))
    grant = sql.SQL("GRANT USAGE ON SCHEMA {} TO {}")
    await postgres.admin.execute(
        grant.format(sql.Identifier(postgres.schema), sql.Identifier(role))
    )
    database = PostgresDatabase({**postgres.database._parameters, "user": role}, None)
    yield database, sql.Identifier(role)
    await database.close()
    await postgres.admin.execute(sql.SQL("DROP OWNED BY {}").format(sql.Identifier(role)))
    await postgres.admin.execute(sql.SQL("DROP ROLE {}").format(sql.Identifier(role)))


async def test_a_table_that_may_not_be_read_names_the_right_that_is_missing(postgres, reader):
    table = await postgres.make("closed", {"id": "integer"}, ("id",), (1,))
    with pytest.raises(ConfigurationError, match="SELECT"):
        await read(reader[0], table, "id")
    with pytest.raises(ConfigurationError, match="SELECT"):
        await reader[0].lookup(table, ["id"], ["id"], [[1]])


async def test_rows_that_are_hidden_from_the_user_are_not_taken_for_absent(postgres, reader):
    table = await postgres.make("guarded", {"id": "integer"}, ("id",), (1,))
    name = sql.Identifier(postgres.schema, "guarded")
    await postgres.admin.execute(sql.SQL("GRANT SELECT ON {} TO {}").format(name, reader[1]))
    await postgres.admin.execute(sql.SQL("ALTER TABLE {} ENABLE ROW LEVEL SECURITY").format(name))
    with pytest.raises(ConfigurationError, match="BYPASSRLS"):
        await read(reader[0], table, "id")


async def test_a_connection_that_the_server_ended_is_opened_anew(postgres):
    await postgres.database.version()
    found = await postgres.admin.execute(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid = %s",
        [postgres.database._connection.info.backend_pid],
    )
    await found.fetchall()
    with pytest.raises(TransientError):
        await postgres.database.version()
    assert await postgres.database.version()


async def test_questions_at_the_same_time_share_one_connection(postgres):
    versions = await asyncio.gather(*(postgres.database.version() for _ in range(5)))
    assert len(set(versions)) == 1


@pytest.mark.parametrize(("entry", "value"), [("dbname", "nowhere"), ("user", "nobody_at_all")])
async def test_a_login_that_is_refused_names_the_settings(stack, entry, value):
    found = conninfo_to_dict(stack.endpoints().postgres_dsn)
    parameters = {name: str(found[name]) for name in ("host", "port", "dbname", "user")}
    database = PostgresDatabase({**parameters, entry: value}, SecretStr("secret-word"))
    with pytest.raises(ConfigurationError, match=f'"database.{entry}"') as raised:
        await database.version()
    assert "secret-word" not in str(raised.value)


async def test_a_server_that_is_not_there_may_come_back(stack):
    found = conninfo_to_dict(stack.endpoints().postgres_dsn)
    config = {
        "database.hostname": "127.0.0.1",
        "database.port": "1",
        "database.dbname": str(found["dbname"]),
        "database.user": str(found["user"]),
    }
    database = PostgresDatabase(*connection_parameters(config, {}))
    with pytest.raises(TransientError, match=r"127\.0\.0\.1:1"):
        await database.version()
