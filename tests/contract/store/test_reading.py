"""Scans, counts and searches see every row once."""

import numpy as np
import pytest

from streams.errors import InputRefused
from streams.ports import ScannedRow


def vector(*numbers):
    return np.array(numbers, dtype=np.float32)


async def scanned(store, collection, **options):
    return [row async for page in store.scan(collection, **options) for row in page]


async def test_a_scan_of_nothing_has_no_rows(store, collection):
    assert await scanned(store, collection) == []


async def test_a_scan_gives_each_row_once_in_pages_sorted_by_id(store, collection, row):
    rows = [row(f"a/{n}", shard=n % 3, version=n) for n in range(9_500)]
    for start in range(0, len(rows), 2_500):
        await store.upsert(collection, rows[start : start + 2_500])
    await store.upsert(collection, [row(f"a/{n}", shard=n % 3, version=n) for n in range(500)])
    await store.delete(collection, [f"a/{n}" for n in range(100)])
    pages = [page async for page in store.scan(collection)]
    found = [each for page in pages for each in page]
    assert len(pages) > 1
    assert [each.id for each in found] == sorted(f"a/{n}" for n in range(100, 9_500))
    assert found[0] == ScannedRow("a/100", 100 % 3, 100, "0" * 32, None)
    assert await store.count(collection) == 9_400


async def test_a_scan_of_one_shard_gives_its_rows_only(store, collection, row):
    await store.upsert(collection, [row(f"a/{n}", shard=n % 3) for n in range(30)])
    found = await scanned(store, collection, shard=2)
    assert sorted(each.id for each in found) == sorted(f"a/{n}" for n in range(2, 30, 3))
    assert {each.shard for each in found} == {2}
    assert await scanned(store, collection, shard=9) == []


async def test_a_scan_gives_vectors_when_asked(store, collection, row):
    written = {f"a/{n}": vector(n + 1, 1, 0, 0) for n in range(1_100)}
    await store.upsert(collection, [row(each, embedding=v) for each, v in written.items()])
    found = await scanned(store, collection, vectors=True)
    assert len(found) == 1_100
    assert all(np.array_equal(each.embedding, written[each.id]) for each in found)
    assert all(each.embedding.dtype == np.float32 for each in found)


async def test_a_scan_may_be_left_early(store, collection, row):
    await store.upsert(collection, [row(f"a/{n}") for n in range(3_000)])
    pages = store.scan(collection)
    first = await anext(pages)
    await pages.aclose()
    assert first[0].id == "a/0"
    assert await store.count(collection) == 3_000


async def test_hits_come_nearest_first_with_their_cosine(store, collection, row):
    rows = {
        "a/same": vector(2, 0, 0, 0),
        "a/near": vector(1, 1, 0, 0),
        "a/across": vector(0, 0, 1, 0),
        "a/opposite": vector(-1, 0, 0, 0),
    }
    await store.upsert(
        collection,
        [
            row(each, embedding=v, key={"id": each}, metadata={"n": each})
            for each, v in rows.items()
        ],
    )
    hits = await store.search(collection, vector(1, 0, 0, 0), 10)
    assert [hit.id for hit in hits] == list(rows)
    assert [hit.score for hit in hits] == pytest.approx([1.0, 0.5**0.5, 0.0, -1.0], abs=1e-5)
    assert [hit.key for hit in hits] == [{"id": each} for each in rows]
    assert [hit.metadata for hit in hits] == [{"n": each} for each in rows]
    assert [hit.id for hit in await store.search(collection, vector(1, 0, 0, 0), 2)] == [
        "a/same",
        "a/near",
    ]


async def test_a_search_sees_writes_and_deletes_at_once(store, collection, row):
    await store.upsert(collection, [row("a/1")])
    assert len(await store.search(collection, row().embedding, 3)) == 1
    await store.delete(collection, ["a/1"])
    assert await store.search(collection, row().embedding, 3) == []


@pytest.mark.parametrize("k", [0, -1, 16_385])
async def test_a_search_for_too_few_or_too_many_is_refused(store, collection, k):
    with pytest.raises(InputRefused, match=f"k is {k}"):
        await store.search(collection, vector(1, 0, 0, 0), k)


async def test_a_search_with_a_vector_of_another_model_is_refused(store, collection, row):
    await store.upsert(collection, [row()])
    with pytest.raises(InputRefused, match=r"shape \(3,\), not \(4,\)"):
        await store.search(collection, vector(1, 0, 0), 1)
