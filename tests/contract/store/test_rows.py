"""Rows: what is written is what is read, at once, and what can not be is refused by name."""

import math
from types import MappingProxyType

import numpy as np
import pytest

from streams.errors import InputRefused
from streams.ports import StoredVersion

JSON = {
    "text": 'é 😀 \u202e "quotes" \\ \n\t\x00',
    "": "empty name",
    " spaced.name ": None,
    "integers": [0, -1, 2**53 + 1, 2**63 - 1, -(2**63), 2**64 - 1],
    "floats": [0.1, 1e300, -1.5],
    "nested": [[1, [2, {"deep": [[], {}]}]], []],
    "booleans": [True, False],
}


def vector(*numbers):
    return np.array(numbers, dtype=np.float32)


async def test_a_written_row_is_there_at_once(store, collection, row):
    await store.upsert(collection, [row("a/1", version=7, content_hash="f" * 32), row("a/2")])
    found = await store.versions(collection, ["a/1", "a/3", "a/1"])
    assert found == {"a/1": StoredVersion(7, "f" * 32)}


async def test_a_later_write_replaces_the_whole_row(store, collection, row):
    await store.upsert(collection, [row("a/1", metadata={"old": 1}, version=1)])
    await store.upsert(
        collection, [row("a/1", metadata={"new": 2}, version=2, embedding=vector(0, 1, 0, 0))]
    )
    assert await store.count(collection) == 1
    (hit,) = await store.search(collection, vector(0, 1, 0, 0), 5)
    assert hit.metadata == {"new": 2}
    assert hit.score == pytest.approx(1.0, abs=1e-5)


async def test_of_an_id_that_comes_twice_the_last_row_stays(store, collection, row):
    await store.upsert(collection, [row("a/1", version=1), row("a/2"), row("a/1", version=2)])
    assert await store.count(collection) == 2
    assert (await store.versions(collection, ["a/1"]))["a/1"].version == 2


async def test_vectors_come_back_bit_for_bit(store, collection, row):
    random = np.random.default_rng(1)
    written = {f"a/{n}": random.standard_normal(4).astype(np.float32) for n in range(50)}
    written["a/tiny"] = vector(1e-40, 3.4e38, -0.0, 1e-8)
    await store.upsert(collection, [row(each, embedding=v) for each, v in written.items()])
    found = await store.vectors(collection, [*written, "a/absent"])
    assert found.keys() == written.keys()
    assert all(found[each].dtype == np.float32 for each in found)
    assert all(np.array_equal(found[each], written[each]) for each in found)


async def test_key_and_metadata_come_back_as_they_were(store, collection, row):
    await store.upsert(collection, [row("a/1", key=JSON, metadata=JSON)])
    (hit,) = await store.search(collection, row().embedding, 1)
    assert hit.metadata == JSON
    assert hit.key == JSON


async def test_any_mapping_may_be_a_key_or_metadata(store, collection, row):
    await store.upsert(collection, [row(key=MappingProxyType({"id": 5}), metadata={})])
    (hit,) = await store.search(collection, row().embedding, 1)
    assert (hit.key, hit.metadata) == ({"id": 5}, {})


async def test_nothing_is_written_read_or_deleted_for_nothing(store, collection):
    await store.upsert(collection, [])
    await store.delete(collection, [])
    assert await store.versions(collection, []) == {}
    assert await store.vectors(collection, []) == {}
    assert await store.count(collection) == 0


async def test_only_named_rows_are_deleted_and_absent_ones_are_no_error(store, collection, row):
    await store.upsert(collection, [row("a/1"), row("a/2"), row("a/22")])
    await store.delete(collection, ["a/2", "a/never"])
    assert set(await store.versions(collection, ["a/1", "a/2", "a/22"])) == {"a/1", "a/22"}
    assert await store.count(collection) == 2


async def test_a_deleted_row_can_come_back(store, collection, row):
    await store.upsert(collection, [row("a/1", version=1)])
    await store.delete(collection, ["a/1"])
    await store.upsert(collection, [row("a/1", version=3)])
    assert await store.count(collection) == 1
    assert (await store.versions(collection, ["a/1"]))["a/1"].version == 3


async def test_rows_larger_than_one_request_are_all_written(store, collection, row):
    rows = [row(f"a/{n}", metadata={"long": "é" * 30_000}) for n in range(60)]
    await store.upsert(collection, rows)
    assert await store.count(collection) == 60


async def test_more_ids_than_one_call_takes_are_all_read_and_deleted(store, collection, row):
    ids = [f"a/{n}" for n in range(2_500)]
    await store.upsert(collection, [row(each) for each in ids])
    assert set(await store.versions(collection, ids)) == set(ids)
    await store.delete(collection, ids[1:])
    assert await store.count(collection) == 1


async def test_an_id_of_512_characters_is_kept(store, collection, row):
    identifier = "a/" + "%F0" * 170
    assert len(identifier) == 512
    await store.upsert(collection, [row(identifier)])
    assert set(await store.versions(collection, [identifier])) == {identifier}


CRAFTED = [
    "",
    'a" or 1==1 or id == "',
    'a"] or id != "',
    "a' or id != '",
    "a/1\n",
    "a/1\\",
    "a b",
    "a/😀",
    "\u0430/1",  # a Cyrillic a
    "a/\x00",
    "a" * 513,
]


@pytest.mark.parametrize("crafted", CRAFTED)
async def test_a_crafted_id_reaches_no_filter(store, collection, row, crafted):
    await store.upsert(collection, [row("a/1"), row("a/2")])
    with pytest.raises(InputRefused, match="is not a document id"):
        await store.delete(collection, ["a/1", crafted])
    with pytest.raises(InputRefused, match="is not a document id"):
        await store.versions(collection, [crafted])
    with pytest.raises(InputRefused, match="is not a document id"):
        await store.vectors(collection, [crafted])
    with pytest.raises(InputRefused, match="is not a document id"):
        await store.upsert(collection, [row(crafted)])
    assert await store.count(collection) == 2


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"embedding": vector(1, 0, 0)}, r"shape \(3,\), not \(4,\)"),
        ({"embedding": vector(1, 0, 0, 0, 0, 0, 0, 0)}, r"shape \(8,\), not \(4,\)"),
        ({"embedding": vector(1, 0, math.nan, 0)}, "NaN"),
        ({"embedding": vector(1, 0, math.inf, 0)}, "NaN or an infinity"),
        ({"embedding": vector(0, 0, 0, 0)}, "is zero"),
        ({"metadata": {"long": "x" * 65_536}}, "metadata takes 65547 bytes"),
        ({"key": {"long": "é" * 40_000}}, "key takes 80011 bytes"),
        ({"metadata": {"set": {1}}}, "metadata is no JSON"),
        ({"metadata": {1: "x"}}, "metadata is no JSON"),
        ({"metadata": {"huge": 2**70}}, "metadata is no JSON"),
        ({"metadata": {"half": "\ud800"}}, "metadata is no JSON"),
        ({"source": "s" * 65}, "source is longer than 64"),
        ({"content_hash": "é" * 33}, "content_hash is longer than 64"),
        ({"version": 2**63}, "larger than 64 bits"),
        ({"shard": -(2**63)}, "larger than 64 bits"),
    ],
)
async def test_a_row_that_can_not_be_stored_is_refused_by_name_and_the_next_goes_through(
    store, collection, row, change, complaint
):
    with pytest.raises(InputRefused, match=f"row a/bad: .*{complaint}"):
        await store.upsert(collection, [row("a/bad", **change)])
    await store.upsert(collection, [row("a/good")])
    assert await store.count(collection) == 1


async def test_metadata_nested_too_deep_is_refused(store, collection, row):
    deep: list = []
    for _ in range(2_000):
        deep = [deep]
    with pytest.raises(InputRefused, match="metadata is no JSON"):
        await store.upsert(collection, [row(metadata={"deep": deep})])
