"""The store in memory and the one over Milvus hold the same after any operations."""

import random

import numpy as np
import pytest

from streams.adapters.memory_store import MemoryStore


async def dump(store, collection):
    rows = [row async for page in store.scan(collection, vectors=True) for row in page]
    return [
        (row.id, row.shard, row.version, row.content_hash, row.embedding.tobytes()) for row in rows
    ]


@pytest.mark.parametrize("seed", range(4))
async def test_any_operations_leave_both_stores_alike(seed, milvus, name, fingerprint, row):
    memory = MemoryStore()
    stores = [memory, milvus]
    chance = random.Random(seed)
    numbers = np.random.default_rng(seed)
    ids = [f"s{chance.randrange(3)}/{n}|%20" for n in range(40)]
    for store in stores:
        await store.create(name, fingerprint)
    for version in range(60):
        some = chance.choices(ids, k=chance.randrange(1, 12))
        if chance.random() < 0.3:
            for store in stores:
                await store.delete(name, some)
        else:
            rows = [
                row(
                    each,
                    shard=chance.randrange(4),
                    version=version,
                    content_hash=f"{chance.getrandbits(128):032x}",
                    embedding=numbers.standard_normal(4).astype(np.float32),
                    metadata={"n": version},
                )
                for each in some
            ]
            for store in stores:
                await store.upsert(name, rows)
        if version % 10 == 0:
            query = numbers.standard_normal(4).astype(np.float32)
            left, right = [await store.search(name, query, 5) for store in stores]
            assert [hit.id for hit in left] == [hit.id for hit in right]
            assert [hit.metadata for hit in left] == [hit.metadata for hit in right]
            assert [hit.score for hit in left] == pytest.approx(
                [hit.score for hit in right], abs=1e-5
            )
    assert await dump(memory, name) == await dump(milvus, name)
    assert await memory.count(name) == await milvus.count(name)
    assert await memory.versions(name, ids) == await milvus.versions(name, ids)
