"""What every adapter of the port Database does."""

from contextlib import aclosing

import pytest

from streams.errors import ConfigurationError
from streams.ports import Publication, ReplicaIdentity, ReplicationSlot

ARTICLES = {"id": "integer", "body": "text"}
PARTS = {"book": "text", "number": "integer", "body": "text"}


async def all_rows(rig, table, *columns, page=1_000):
    return [row async for rows in rig.database.rows(table, columns, page=page) for row in rows]


async def test_a_database_says_what_it_is_in_one_line(rig):
    version = await rig.database.version()
    assert version
    assert "\n" not in version


async def test_settings_are_given_as_text_and_unknown_ones_left_out(rig):
    assert await rig.database.settings(["wal_level", "no_such_setting"]) == {"wal_level": "logical"}


async def test_a_table_that_is_not_there_is_none(rig):
    assert await rig.database.table(f"{rig.schema}.nothing") is None
    assert await rig.database.table("nowhere.nothing") is None


async def test_a_table_is_described_with_its_columns_and_its_key_in_their_orders(rig):
    name = await rig.make("parts", PARTS, ("number", "book"))
    table = await rig.database.table(name)
    assert (table.name, list(table.columns.items())) == (name, list(PARTS.items()))
    assert table.primary_key == ("number", "book")
    assert table.replica_identity is ReplicaIdentity.DEFAULT
    assert table.toastable == {"book", "body"}


async def test_a_table_may_have_no_key_and_another_identity(rig):
    name = await rig.make("loose", ARTICLES, (), identity=ReplicaIdentity.FULL)
    table = await rig.database.table(name)
    assert (table.primary_key, table.replica_identity) == ((), ReplicaIdentity.FULL)


async def test_a_publication_names_its_tables_and_operations(rig):
    table = await rig.make("articles", ARTICLES, ("id",))
    name = f"{rig.schema}_publication"
    assert await rig.database.publication(name) is None
    await rig.publish(name, table, "insert", "delete")
    assert await rig.database.publication(name) == Publication(
        name, frozenset({table}), frozenset({"insert", "delete"})
    )


async def test_a_slot_tells_who_reads_it_and_how_far_behind_it_is(rig):
    name = f"{rig.schema}_slot"
    assert await rig.database.slot(name) is None
    await rig.reserve(name)
    slot = await rig.database.slot(name)
    assert slot == ReplicationSlot(name, False, "pgoutput", slot.behind_bytes)
    assert slot.behind_bytes >= 0


async def test_all_rows_come_with_the_columns_that_were_asked_for(rig):
    name = await rig.make("articles", ARTICLES, ("id",), (1, "one"), (2, None), (3, "é 😀"))
    rows = await all_rows(rig, name, "body", "id")
    assert sorted(rows, key=lambda row: row["id"]) == [
        {"body": "one", "id": 1},
        {"body": None, "id": 2},
        {"body": "é 😀", "id": 3},
    ]


async def test_no_page_is_longer_than_was_asked_for_and_none_is_empty(rig):
    name = await rig.make("articles", ARTICLES, ("id",), *((n, "t") for n in range(7)))
    pages = [page async for page in rig.database.rows(name, ["id"], page=3)]
    assert [len(page) for page in pages] == [3, 3, 1]


async def test_an_empty_table_has_no_pages(rig):
    name = await rig.make("articles", ARTICLES, ("id",))
    assert await all_rows(rig, name, "id") == []


async def test_rows_are_those_of_one_moment(rig):
    name = await rig.make("articles", ARTICLES, ("id",), (1, "a"), (2, "b"))
    seen: list[int] = []
    async with aclosing(rig.database.rows(name, ["id"], page=1)) as pages:
        async for page in pages:
            if not seen:
                await rig.insert(name, (3, "c"))
            seen += [row["id"] for row in page]
    assert sorted(seen) == [1, 2]


async def test_who_stops_early_can_go_on_asking(rig):
    name = await rig.make("articles", ARTICLES, ("id",), *((n, "t") for n in range(5)))
    async with aclosing(rig.database.rows(name, ["id"], page=1)) as pages:
        await anext(pages)
    assert len(await all_rows(rig, name, "id")) == 5


async def test_rows_are_looked_up_by_key_and_absent_ones_left_out(rig):
    name = await rig.make("articles", ARTICLES, ("id",), (1, "one"), (2, "two"), (3, "three"))
    found = await rig.database.lookup(name, ["id", "body"], ["id"], [[3], [1], [9], [1]])
    assert sorted(found, key=lambda row: row["id"]) == [
        {"id": 1, "body": "one"},
        {"id": 3, "body": "three"},
    ]


async def test_a_look_up_by_several_columns_takes_them_together(rig):
    name = await rig.make(
        "parts", PARTS, ("book", "number"), ("a", 1, "a1"), ("a", 2, "a2"), ("b", 1, "b1")
    )
    found = await rig.database.lookup(name, ["body"], ["number", "book"], [[1, "a"], [2, "b"]])
    assert found == [{"body": "a1"}]


async def test_a_key_may_be_given_as_the_text_it_has_in_a_document_id(rig):
    columns = {"id": "integer", "open": "boolean"}
    name = await rig.make("states", columns, ("id", "open"), (1, True), (2, False))
    keys = [["1", "true"], ["2", "true"]]
    assert await rig.database.lookup(name, ["id"], ["id", "open"], keys) == [{"id": 1}]


async def test_what_is_no_key_of_that_type_is_not_there(rig):
    name = await rig.make("articles", ARTICLES, ("id",), (1, "one"))
    keys = [["one"], ["99999999999999999999"], [1], ['"; DROP TABLE articles']]
    assert await rig.database.lookup(name, ["id"], ["id"], keys) == [{"id": 1}]


async def test_nothing_is_looked_up_for_no_keys(rig):
    name = await rig.make("articles", ARTICLES, ("id",), (1, "one"))
    assert await rig.database.lookup(name, ["id"], ["id"], []) == []


async def test_names_are_taken_as_they_are(rig):
    name = await rig.make('odd "name%s', {'a "b%s': "integer", "Ü": "text"}, ('a "b%s',), (1, "x"))
    assert await all_rows(rig, name, 'a "b%s', "Ü") == [{'a "b%s': 1, "Ü": "x"}]
    assert await rig.database.lookup(name, ["Ü"], ['a "b%s'], [[1]]) == [{"Ü": "x"}]


@pytest.mark.parametrize(("table", "column"), [("nothing", "id"), ("articles", "no_such")])
async def test_what_is_not_there_can_not_be_read_and_the_error_names_it(rig, table, column):
    await rig.make("articles", ARTICLES, ("id",))
    absent = column if table == "articles" else table
    with pytest.raises(ConfigurationError, match=absent):
        await all_rows(rig, f"{rig.schema}.{table}", column)
    with pytest.raises(ConfigurationError, match=absent):
        await rig.database.lookup(f"{rig.schema}.{table}", [column], ["id"], [[1]])


async def test_closing_twice_is_no_error(rig):
    await rig.database.version()
    await rig.database.close()
    await rig.database.close()
