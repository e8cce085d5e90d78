"""A collection that others made is read whole, and as it is."""

import pytest

from streams.errors import ConfigurationError, TransientError
from streams.ports import ForeignShape
from tests.contract.foreign.conftest import fill

ONE = ([3.0, 0.0, 4.0, 0.0], "one")
EXTREME = [0, 1, -1, 2**53 + 1, 2**63 - 1, 1 - 2**63]
STRANGE = ["plain", 'a"b', "c\\d", "é", "p|q", "%20", '" or 1==1 or "', "", " ", "日本"]


async def test_it_says_what_it_is(make):
    assert await make({1: ONE}).shape() == ForeignShape(True, 4, "IP")
    assert await make({"a": ONE}).shape() == ForeignShape(False, 4, "IP")


async def test_all_ids_are_read_across_pages(make):
    rows = dict.fromkeys(range(-1000, 3500), ONE)
    collection = make(rows)
    found = [id_ async for page in collection.ids() for id_ in page]
    assert sorted(found) == sorted(rows)
    assert await collection.count() == len(rows)


async def test_an_empty_collection_has_no_ids(make):
    collection = make({})
    assert [page async for page in collection.ids()] == []
    assert await collection.count() == 0


@pytest.mark.parametrize("ids", [EXTREME, STRANGE], ids=["numbers", "strings"])
async def test_each_row_is_found_by_its_id_and_no_other_with_it(make, ids):
    rows = {id_: ([float(place), 1.0, 0.0, 0.0], f"text {place}") for place, id_ in enumerate(ids)}
    collection = make(rows)
    for id_, (vector, text) in rows.items():
        (found,) = await collection.rows([id_])
        assert (found.id, found.vector.tolist(), found.text) == (id_, vector, text)
    assert {row.id for row in await collection.rows(ids)} == set(ids)


async def test_absent_ids_are_left_out(make):
    collection = make({1: ONE})
    assert [row.id for row in await collection.rows([2, 1, 3])] == [1]
    assert await collection.rows([]) == []


async def test_an_id_with_a_line_break_counts_as_absent(make):
    collection = make({"a\nb": ONE, "c": ONE})
    assert [row.id for row in await collection.rows(["a\nb", "c"])] == ["c"]
    assert {id_ async for page in collection.ids() for id_ in page} == {"a\nb", "c"}


async def test_more_ids_than_one_call_takes(make):
    rows = dict.fromkeys(range(1300), ONE)
    assert len(await make(rows).rows(list(rows))) == 1_300


async def test_vectors_are_as_they_were_stored(make):
    (row,) = await make({1: ([1e-20, 3e20, -0.1, 0.0], "x")}).rows([1])
    assert row.vector.dtype == "float32"
    assert row.vector.tolist() == pytest.approx([1e-20, 3e20, -0.1, 0.0], rel=1e-6)


async def test_ids_need_not_be_the_primary_key(client, opened):
    collection = opened(fill(client, {"a": ONE, "b": ONE}, key=False, metric="L2"), text="body")
    assert (await collection.shape()).metric == "L2"
    assert {id_ async for page in collection.ids() for id_ in page} == {"a", "b"}
    (row,) = await collection.rows(["b"])
    assert (row.id, row.text) == ("b", "one")


async def test_without_a_text_field_no_text_is_read(client, opened):
    (row,) = await opened(fill(client, {1: ONE})).rows([1])
    assert row.text is None


async def test_a_collection_that_is_not_there_is_named_with_those_that_are(client, opened):
    name = fill(client, {1: ONE})
    with pytest.raises(ConfigurationError, match=f"is not there\n  remedy: there are: .*{name}"):
        await opened(f"{name}x").shape()


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"id": "nope"}, "--id-field nope: .* choose from: doc, vec, body"),
        ({"vector": "nope"}, "--vector-field nope"),
        ({"text": "nope"}, "--text-field nope"),
        ({"id": "vec"}, "--id-field vec: is of type FLOAT_VECTOR"),
        ({"vector": "body"}, "--vector-field body: is of type VARCHAR"),
        ({"text": "doc"}, "--text-field doc: is of type INT64"),
        ({"id": 'doc"] or 1==1'}, "has no such field"),
    ],
)
async def test_fields_that_do_not_fit_are_named(client, opened, fields, said):
    collection = opened(fill(client, {1: ONE}), **fields)
    with pytest.raises(ConfigurationError, match=f"(?s){said}"):
        await collection.shape()


async def test_reading_changes_nothing(client, opened):
    name = fill(client, dict.fromkeys(range(50), ONE))
    before = (client.describe_collection(name), client.query(name, filter="", limit=100))
    collection = opened(name, text="body")
    await collection.shape()
    await collection.rows(list(range(50)))
    assert [id_ async for page in collection.ids() for id_ in page]
    assert (client.describe_collection(name), client.query(name, filter="", limit=100)) == before


async def test_a_server_that_does_not_answer_may_later(lite, client, opened):
    collection = opened(fill(client, {1: ONE}))
    await collection.shape()
    lite.stop()
    try:
        with pytest.raises(TransientError):
            await collection.rows([1])
    finally:
        lite.start()
    assert len(await collection.rows([1])) == 1
