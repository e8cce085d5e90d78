"""A random sample of stored vectors that both lanes hold, and what it shows.

Reads the ids of the source's collection once, page by page, and the vectors of the sample only.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from streams.core.sampling import Sampled, smallest
from streams.core.similarity import (
    LaneVectors,
    Neighbours,
    Vectors,
    describe,
    neighbours,
    usable,
)
from streams.ports import VectorStore

__all__ = ["VectorSample", "sample_vectors"]

_IN_A_CALL = 200
_SPARE = 1.25
"""Ids drawn for each row that is wanted, since the target may lack some."""
_FEWEST = 3
"""Rows below which there is nothing to say of neighbours."""


@dataclass(frozen=True, slots=True)
class VectorSample:
    """What a sample of stored vectors shows.

    Attributes:
        rows: of both lanes.
        source_rows: in the source's collection as it was read.
        shards: to which the sample's rows belong.
        absent: ids drawn that the target did not hold.
        unusable: rows left out since a lane's vector has no direction; `hotswap verify` names
            such rows.
    """

    rows: int
    source_rows: int
    shards: int
    absent: int
    unusable: int
    source: LaneVectors
    target: LaneVectors
    neighbours: Neighbours


async def sample_vectors(
    store: VectorStore,
    source: str,
    target: str,
    *,
    size: int,
    k: int,
    seed: int,
    on_done: Callable[[int], None],
) -> VectorSample | None:
    """Draw rows that both collections hold, and describe their vectors.

    Args:
        store: where the collections are.
        source: the source lane's collection.
        target: the target lane's collection.
        size: rows to draw.
        k: neighbours to compare.
        seed: the same one draws the same ids.
        on_done: told how many more rows were looked through; must return at once.

    Returns: None if fewer than three rows are to be had.

    Raises: TransientError, LaneHalted.
    """
    drawn: Sampled = {}
    shard_of: dict[str, int] = {}
    rows = 0
    async for page in store.scan(source):
        shards = {row.id: row.shard for row in page}
        drawn = smallest(drawn, shards, int(size * _SPARE) + 1, seed)
        shard_of = {each: shards.get(each, shard_of.get(each, -1)) for each in drawn}
        rows += len(page)
        on_done(len(page))
    ids = list(drawn)
    first, second = await _vectors(store, source, ids), await _vectors(store, target, ids)
    common = [each for each in ids if each in first and each in second][:size]
    looked_at = ids.index(common[-1]) + 1 if len(common) == size else len(ids)
    absent = sum(each not in second for each in ids[:looked_at])
    if len(common) < _FEWEST:
        return None
    one, other = (np.stack([vectors[each] for each in common]) for vectors in (first, second))
    good = usable(one) & usable(other)
    if good.sum() < _FEWEST:
        return None
    kept = [each for each, is_good in zip(common, good, strict=True) if is_good]
    described = await asyncio.to_thread(_described, one[good], other[good], k)
    return VectorSample(
        rows=len(kept),
        source_rows=rows,
        shards=len({shard_of[each] for each in kept}),
        absent=absent,
        unusable=len(common) - len(kept),
        source=described[0],
        target=described[1],
        neighbours=described[2],
    )


def _described(
    source: Vectors, target: Vectors, k: int
) -> tuple[LaneVectors, LaneVectors, Neighbours]:
    return describe(source), describe(target), neighbours(source, target, k)


async def _vectors(store: VectorStore, collection: str, ids: list[str]) -> dict[str, Vectors]:
    found: dict[str, Vectors] = {}
    for start in range(0, len(ids), _IN_A_CALL):
        found |= await store.vectors(collection, ids[start : start + _IN_A_CALL])
    return found
