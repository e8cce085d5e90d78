"""A sample of stored vectors that both lanes hold."""

import numpy as np
import pytest

from schemas import Fingerprint
from streams.adapters.memory_store import MemoryStore
from streams.ports import Row
from streams.services.quality.sample import sample_vectors


def row(number: int, vector, shard: int) -> Row:
    return Row(f"s/{number}", vector, "s", {}, shard, 1, "0" * 32, {}, 1, 1)


@pytest.fixture
async def store() -> MemoryStore:
    """Two thousand rows in each lane; ids above 1,799 are not the same."""
    store, random = MemoryStore(), np.random.default_rng(0)
    for lane, dimensions, first in (("one", 8, 0), ("other", 12, 200)):
        fingerprint = Fingerprint(provider="memory", model=lane, dimensions=dimensions)
        await store.create(lane, fingerprint)
        vectors = random.normal(size=(2_200, dimensions)).astype(np.float32)
        vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
        rows = [row(n, vectors[n], n % 5) for n in range(first, first + 2_000)]
        await store.upsert(lane, rows)
    return store


async def sampled(store, size=200, seed=1, on_done=lambda _steps: None):
    return await sample_vectors(store, "one", "other", size=size, k=10, seed=seed, on_done=on_done)


async def test_the_sample_is_of_rows_that_both_lanes_hold_over_all_shards(store):
    steps: list[int] = []
    found = await sampled(store, on_done=steps.append)
    assert (found.rows, found.source_rows, found.shards) == (200, 2_000, 5)
    assert 5 < found.absent < 40
    assert sum(steps) == 2_000
    assert sum(found.source.histogram) == sum(found.target.histogram) == 200 * 199 // 2
    assert found.source.mean_length == pytest.approx(1)
    assert found.neighbours.agreement == pytest.approx(10 / 199, abs=0.02)


async def test_the_same_seed_draws_the_same_rows_and_another_one_others(store):
    first, again, other = [await sampled(store, seed=seed) for seed in (1, 1, 2)]
    assert first == again
    assert first != other


async def test_a_lane_beside_itself_agrees_on_everything(store):
    found = await sample_vectors(
        store, "one", "one", size=100, k=5, seed=1, on_done=lambda _steps: None
    )
    assert found is not None
    assert found.neighbours.agreement == 1
    assert found.source == found.target
    assert found.absent == 0


async def test_a_collection_smaller_than_the_sample_is_taken_whole(store):
    found = await sampled(store, size=20_000)
    assert (found.rows, found.absent) == (1_800, 200)


async def test_vectors_without_a_direction_are_left_out_and_counted(store, monkeypatch):
    vectors = store.vectors

    async def broken(collection, ids):
        found = await vectors(collection, ids)
        return found | {ids[0]: np.zeros(len(found[ids[0]]), dtype=np.float32)}

    monkeypatch.setattr(store, "vectors", broken)
    found = await sample_vectors(
        store, "one", "one", size=150, k=5, seed=1, on_done=lambda _steps: None
    )
    assert found is not None
    assert (found.rows, found.unusable) == (149, 1)


async def test_of_too_few_common_rows_nothing_is_said(store):
    await store.create("empty", Fingerprint(provider="memory", model="m", dimensions=3))
    assert (
        await sample_vectors(
            store, "one", "empty", size=10, k=5, seed=1, on_done=lambda _steps: None
        )
        is None
    )
    assert (
        await sample_vectors(
            store, "empty", "one", size=10, k=5, seed=1, on_done=lambda _steps: None
        )
        is None
    )
