"""Rows that stand in a shard where their id has no document.

Decides what they are: misplaced if the document is in the shard that the id belongs to,
extra if it is nowhere.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from schemas.verify import Finding, VerifySample
from streams.adapters.partitioning import partition_of
from streams.ports import Log, VectorStore

__all__ = ["OutOfPlace", "judge_out_of_place", "strays"]


@dataclass(frozen=True, slots=True)
class OutOfPlace:
    """A row that its shard has no document for. `found`: the row, in words."""

    id: str
    shard: int
    found: str


async def strays(
    store: VectorStore, collection: str, snapshot: Mapping[int, int]
) -> list[OutOfPlace]:
    """Rows of shards that do not exist, which no pass by shard meets.

    Raises: TransientError.
    """
    return [
        OutOfPlace(row.id, row.shard, f"version {row.version}, hash {row.content_hash}")
        async for page in store.scan(collection)
        for row in page
        if row.shard not in snapshot
    ]


async def judge_out_of_place(
    log: Log, topic: str, snapshot: Mapping[int, int], rows: Sequence[OutOfPlace]
) -> list[tuple[Finding, VerifySample]]:
    """What each row is. Reads those partitions of `documents` again that the ids belong to.

    Raises: TransientError.
    """
    homes: dict[int, set[bytes]] = defaultdict(set)
    for row in rows:
        homes[partition_of(row.id.encode(), len(snapshot))].add(row.id.encode())
    alive: set[bytes] = set()
    async for page in log.read(topic, until=snapshot, partitions=sorted(homes)):
        for record in page:
            if record.key in homes[record.partition]:
                (alive.discard if record.value is None else alive.add)(record.key)
    return [_judged(row, alive, len(snapshot)) for row in rows]


def _judged(row: OutOfPlace, alive: set[bytes], partitions: int) -> tuple[Finding, VerifySample]:
    finding, expected = Finding.EXTRA, "no row"
    if row.id.encode() in alive:
        finding = Finding.MISPLACED
        expected = f"shard {partition_of(row.id.encode(), partitions)}"
    sample = VerifySample(id=row.id, shard=row.shard, expected=expected, found=row.found)
    return finding, sample
