"""What a migration will cost: money, time, room, and how fast it may go.

Plain arithmetic on measured numbers; units stand in the names. Knows no provider and no clock.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

__all__ = [
    "Coverage",
    "Room",
    "Throttle",
    "backfill_hours",
    "cost",
    "evenly",
    "fitting_call_inputs",
    "milvus_room",
    "retention_covers",
    "suggested_throttle",
    "total_tokens",
]

_SECONDS_PER_HOUR = 3_600
_MILLION = 1_000_000
_FLOAT32_BYTES = 4
_LINK_BYTES = 4
_WHILE_COMPACTING = 2
"""Times that a segment is on disk until the one that it was compacted from is collected."""
_ROOMY = 3
"""Times that tombstones should outlive a backfill: it is paused, throttled, begun again."""
_SAFETY = 0.8
"""Of what is computed, the part that is suggested."""
_LEAST_SHARE = 0.05
"""Of the measured rate; slower than that is no backfill."""


@dataclass(frozen=True, slots=True)
class Coverage:
    """Whether tombstones outlive a backfill.

    Attributes:
        backfill_hours: how long the backfill takes.
        enough: they do.
        roomy: they do several times over.
        wanted_hours: a retention with room, in whole hours.
    """

    backfill_hours: float
    enough: bool
    roomy: bool
    wanted_hours: int


@dataclass(frozen=True, slots=True)
class Room:
    """What a collection takes in Milvus; `milvus_room` says how it is computed.

    Attributes:
        vector_bytes: of all vectors.
        row_bytes: of all other fields.
        link_bytes: of the index's graph; 0 without one.
        memory_bytes: of the loaded collection, in each of its replicas.
        disk_bytes: of its segments and index files, with room for compaction.
    """

    vector_bytes: int
    row_bytes: int
    link_bytes: int
    memory_bytes: int
    disk_bytes: int


@dataclass(frozen=True, slots=True)
class Throttle:
    """A rate that leaves queries their latency. None: none is needed.

    Attributes:
        documents_per_second: for `hotswap throttle`.
        why: what it rests on.
    """

    documents_per_second: float | None
    why: str


def total_tokens(sample_tokens: int, sample_documents: int, documents: int) -> int:
    """Tokens of all documents, by the mean of a sample; rounded up."""
    if sample_documents <= 0:
        return 0
    return math.ceil(sample_tokens * documents / sample_documents)


def cost(tokens: int, price_per_million_tokens: float) -> float:
    """Money for so many tokens, in the price's currency."""
    return tokens * price_per_million_tokens / _MILLION


def backfill_hours(documents: int, documents_per_second: float) -> float:
    """Hours to embed all documents; infinite at no rate, unless there is nothing to do."""
    if documents <= 0:
        return 0.0
    if documents_per_second <= 0:
        return math.inf
    return documents / documents_per_second / _SECONDS_PER_HOUR


def retention_covers(
    documents: int, documents_per_second: float, retention_hours: float
) -> Coverage:
    """Compare a backfill with how long `documents` keeps its tombstones.

    A lane that is slower than that misses deletes that were compacted away before it came.
    """
    hours = backfill_hours(documents, documents_per_second)
    wanted = math.ceil(_ROOMY * hours) if math.isfinite(hours) else 0
    return Coverage(
        backfill_hours=hours,
        enough=hours <= retention_hours,
        roomy=_ROOMY * hours <= retention_hours,
        wanted_hours=max(1, wanted),
    )


def milvus_room(rows: int, dimensions: int, row_bytes: float, hnsw_m: int | None) -> Room:
    """What so many rows take, in memory and on disk.

    - vectors: rows * dimensions * 4
    - links of an HNSW graph: rows * 2 * M * 4; its lowest layer has 2 * M for each row, and the
      layers above add some per cent of that
    - memory: vectors + links + other fields
    - disk: 2 * (vectors + other fields + index), where the index is vectors + links, since its
      file holds the vectors again. Twice, since compaction writes each segment and its index
      anew, and what was there before stays until `dataCoord.gc.dropTolerance` has passed.

    The memory is that of https://milvus.io/tools/sizing ((1 + 2 * M / dimensions) * vectors,
    and the scalar fields), without what the server itself needs: 15 per cent and two segments
    of each query node there. That tool plans disk for data + loaded memory. Malkov and
    Yashunin, Efficient and Robust Approximate Nearest Neighbor Search Using HNSW, TPAMI 42
    (2020), section 4.2.3, has the links.

    Args:
        rows: of the collection.
        dimensions: of a vector, in 4 bytes each.
        row_bytes: measured mean of a row's other fields.
        hnsw_m: M of the graph; None: no index, a query is compared with every row.
    """
    vectors, others = rows * dimensions * _FLOAT32_BYTES, math.ceil(rows * row_bytes)
    links = rows * 2 * (hnsw_m or 0) * _LINK_BYTES
    index = vectors + links if hnsw_m else 0
    return Room(
        vector_bytes=vectors,
        row_bytes=others,
        link_bytes=links,
        memory_bytes=vectors + others + links,
        disk_bytes=_WHILE_COMPACTING * (vectors + others + index),
    )


def fitting_call_inputs(
    *, call_inputs: int, idle_seconds: float, busy_seconds: float, deadline_seconds: float
) -> int:
    """How many texts a call may have so that a query behind it keeps its deadline.

    A query waits for the call before it, and a call takes time in proportion to its texts.
    0: even a query alone is too slow.
    """
    waiting, left = busy_seconds - idle_seconds, _SAFETY * deadline_seconds - idle_seconds
    if left <= 0:
        return 0
    if waiting <= 0:
        return call_inputs
    return max(1, min(call_inputs, math.floor(call_inputs * left / waiting)))


def suggested_throttle(
    *, documents_per_second: float, idle_seconds: float, busy_seconds: float
) -> Throttle:
    """A rate at which queries wait, on the mean, no longer than they take alone.

    A share u of the time a call is under way, and a query that comes then waits for
    busy - idle seconds. u * (busy - idle) <= idle gives u, and u of the full rate the throttle.
    """
    waiting = busy_seconds - idle_seconds
    if waiting <= idle_seconds or documents_per_second <= 0:
        why = "queries beside a call take at most twice as long as alone"
        return Throttle(None, why)
    share = max(_LEAST_SHARE, idle_seconds / waiting)
    times = 1 + share * waiting / idle_seconds if idle_seconds > 0 else math.inf
    why = (
        f"calls are under way {share:.0%} of the time, so queries take {times:.1f} times as long on"
        " the mean"
    )
    return Throttle(share * documents_per_second, why)


def evenly(ends: Sequence[int], records: int, windows: int = 4) -> list[list[range]]:
    """Where to read a bounded, even sample of a log: for each partition, ranges of offsets.

    Args:
        ends: of each partition, the offset after its last record.
        records: about how many to read in all; each partition gets its share by length.
        windows: at most so many ranges for each partition, spread over its whole length.

    Returns:
        Ranges that do not overlap, in order; together at least `records` offsets, or all.
    """
    total = sum(ends)
    if total <= records:
        return [[range(end)] if end else [] for end in ends]
    return [_windows(end, math.ceil(records * end / total), windows) for end in ends]


def _windows(end: int, wanted: int, windows: int) -> list[range]:
    if wanted <= 0:
        return []
    count = min(windows, wanted)
    size = math.ceil(wanted / count)
    step = end / count
    found, after = [], 0
    for index in range(count):
        start = max(after, math.floor(index * step))
        after = min(end, start + size)
        if start < after:
            found.append(range(start, after))
    return found
