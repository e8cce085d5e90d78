"""Collections: made once, recognised by their fingerprint, never mixed up."""

import asyncio

import pytest

from streams.errors import DriftError, LaneHalted


async def test_the_fingerprint_is_found_again_whole(store, collection, fingerprint):
    assert await store.fingerprint(collection) == fingerprint


async def test_a_collection_that_is_not_there_has_no_fingerprint(store, name):
    assert await store.fingerprint(name) is None


async def test_making_a_collection_again_keeps_its_rows(store, collection, fingerprint, row):
    await store.upsert(collection, [row()])
    await store.create(collection, fingerprint)
    assert await store.count(collection) == 1


async def test_any_number_of_creators_at_once_make_one_collection(store, name, fingerprint, row):
    await asyncio.gather(*(store.create(name, fingerprint) for _ in range(6)))
    await store.upsert(name, [row()])
    assert await store.count(name) == 1


@pytest.mark.parametrize(
    "change", [{"model": "other"}, {"digest": None}, {"dimensions": 5}, {"context_tokens": 64}]
)
async def test_another_fingerprint_is_drift_and_each_difference_is_named(
    store, collection, fingerprint, change
):
    with pytest.raises(DriftError, match=collection) as caught:
        await store.create(collection, fingerprint.model_copy(update=change))
    assert set(change) <= set(caught.value.differences)
    assert await store.fingerprint(collection) == fingerprint


async def test_collections_are_listed_in_order_until_they_are_dropped(store, name, fingerprint):
    for suffix in ("_b", "_c", "_a"):
        await store.create(name + suffix, fingerprint)
    await store.drop(f"{name}_c")
    listed = [each for each in await store.collections() if each.startswith(name)]
    assert listed == [f"{name}_a", f"{name}_b"]


async def test_dropping_what_is_not_there_is_no_error(store, name):
    await store.drop(name)


async def test_a_collection_can_be_made_anew_with_another_model(
    store, collection, fingerprint, row
):
    await store.upsert(collection, [row()])
    await store.drop(collection)
    await store.create(collection, fingerprint.model_copy(update={"dimensions": 2}))
    await store.upsert(collection, [row(embedding=row().embedding[:2])])
    assert await store.count(collection) == 1


async def test_without_its_collection_everything_halts_and_names_it(store, name, row):
    ids = ["articles/1"]

    async def scan():
        return [page async for page in store.scan(name)]

    for call in (
        store.upsert(name, [row()]),
        store.versions(name, ids),
        store.vectors(name, ids),
        store.delete(name, ids),
        store.search(name, row().embedding, 1),
        store.count(name),
        scan(),
    ):
        with pytest.raises(LaneHalted, match=name):
            await call


async def test_a_store_that_compares_with_every_row_makes_no_graph(request, store):
    if "milvus]" in request.node.name:
        assert await store.hnsw_m() == 18
    else:
        assert await store.hnsw_m() is None
