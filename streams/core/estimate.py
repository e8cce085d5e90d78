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
    """What a collection takes in Milvus, before indexes and replicas.

    Attributes:
        vector_bytes: rows * dimensions * 4.
        row_bytes: rows * measured bytes of all other fields.
    """

    vector_bytes: int
    row_bytes: int

    @property
    def total_bytes(self) -> int:
        """All fields."""
        return self.vector_bytes + self.row_bytes


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


def milvus_room(rows: int, dimensions: int, row_bytes: float) -> Room:
    """Bytes of a collection: rows * (dimensions * 4 + measured bytes of the other fields)."""
    return Room(
        vector_bytes=rows * dimensions * _FLOAT32_BYTES, row_bytes=math.ceil(rows * row_bytes)
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
