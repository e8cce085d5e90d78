"""The log in memory: Kafka's semantics for one process, for tests and trials.

Keeps what makes Kafka what it is to its readers: partitions by key hash, offsets that are
never given twice, gaps after compaction, and consumer groups' committed offsets.
"""

import asyncio
import time
from bisect import bisect_left
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import count, islice
from operator import attrgetter

from streams.adapters.partitioning import partition_of
from streams.adapters.read_range import plan_range
from streams.adapters.record_limits import check_record
from streams.errors import ConfigurationError
from streams.ports import LogRecord, NewRecord, TopicSpec

__all__ = ["MemoryLog"]

_offset = attrgetter("offset")


def _now_ms() -> int:
    return time.time_ns() // 1_000_000


@dataclass(slots=True)
class _Partition:
    """`records` in order of their offsets, which may have gaps; `end` only ever grows."""

    records: list[LogRecord] = field(default_factory=list)
    end: int = 0


class MemoryLog:
    """Implements `streams.ports.Log`.

    Args:
        clock: milliseconds since the epoch, for records' timestamps.
        page_records: most records in a page of `read`.
    """

    def __init__(self, *, clock: Callable[[], int] = _now_ms, page_records: int = 1_000) -> None:
        self._clock = clock
        self._page_records = page_records
        self._topics: dict[str, TopicSpec] = {}
        self._partitions: dict[str, list[_Partition]] = {}
        self._committed: dict[tuple[str, str], dict[int, int]] = {}
        self._keyless = count()
        self._appended = asyncio.Event()

    async def create(self, spec: TopicSpec) -> bool:
        """See `streams.ports.Log.create`."""
        if spec.name in self._topics:
            return False
        if spec.partitions < 1:
            raise ConfigurationError(f"topic {spec.name}", f"{spec.partitions} partitions")
        self._topics[spec.name] = replace(spec, config=dict(spec.config))
        self._partitions[spec.name] = [_Partition() for _ in range(spec.partitions)]
        return True

    async def describe(self, topic: str) -> TopicSpec | None:
        """See `streams.ports.Log.describe`."""
        return self._topics.get(topic)

    async def ends(self, topic: str) -> dict[int, int]:
        """See `streams.ports.Log.ends`."""
        return {index: partition.end for index, partition in enumerate(self._of(topic))}

    async def committed(self, group: str, topic: str) -> dict[int, int]:
        """See `streams.ports.Log.committed`."""
        offsets = self._committed.get((group, topic), {})
        return {index: offsets.get(index, 0) for index in range(len(self._of(topic)))}

    async def append(self, records: Sequence[NewRecord]) -> list[tuple[int, int]]:
        """See `streams.ports.Log.append`."""
        for record in records:
            self._of(record.topic)
            check_record(record, self._topics[record.topic])
        places = [self._append_one(record) for record in records]
        self._appended.set()
        self._appended = asyncio.Event()
        return places

    def _append_one(self, record: NewRecord) -> tuple[int, int]:
        partitions = self._of(record.topic)
        if record.partition is not None:
            index = record.partition
        elif record.key is not None:
            index = partition_of(record.key, len(partitions))
        else:
            index = next(self._keyless) % len(partitions)
        partition = partitions[index]
        offset = partition.end
        partition.records.append(
            LogRecord(
                topic=record.topic,
                partition=index,
                offset=offset,
                key=record.key,
                value=record.value,
                timestamp=self._clock(),
                headers=record.headers,
            )
        )
        partition.end += 1
        return index, offset

    async def read(
        self,
        topic: str,
        *,
        since: Mapping[int, int] | None = None,
        until: Mapping[int, int] | None = None,
        partitions: Sequence[int] | None = None,
    ) -> AsyncGenerator[Sequence[LogRecord], None]:
        """See `streams.ports.Log.read`."""
        held = self._of(topic)
        plan = plan_range(
            topic,
            begins=dict.fromkeys(range(len(held)), 0),
            ends=await self.ends(topic),
            since=since,
            until=until,
            partitions=partitions,
        )
        for index, (first, stop) in plan.items():
            records = held[index].records
            low = bisect_left(records, first, key=_offset)
            high = bisect_left(records, stop, key=_offset)
            # A copy: what is appended or compacted while a page is out must not move the rest.
            rest = iter(records[low:high])
            while page := list(islice(rest, self._page_records)):
                yield page

    async def follow(
        self, topic: str, since: Mapping[int, int]
    ) -> AsyncGenerator[tuple[Sequence[LogRecord], Mapping[int, int]], None]:
        """See `streams.ports.Log.follow`."""
        positions = {index: since.get(index, 0) for index in range(len(self._of(topic)))}
        while True:
            # Taken before the look, so that no record can come in between.
            changed = self._appended
            page = [
                record
                for index, partition in enumerate(self._of(topic))
                for record in partition.records[
                    bisect_left(partition.records, positions[index], key=_offset) :
                ]
            ]
            if not page:
                await changed.wait()
                continue
            positions |= {record.partition: record.offset + 1 for record in page}
            yield page, dict(positions)

    async def close(self) -> None:
        """See `streams.ports.Log.close`; what was appended stays."""

    def commit(self, group: str, topic: str, offsets: Mapping[int, int]) -> None:
        """Set a consumer group's committed offsets, as its members would."""
        self._committed.setdefault((group, topic), {}).update(offsets)

    def compact(self, topic: str, *, drop_tombstones: bool = False) -> int:
        """Compact as Kafka's cleaner would, and return how many records are gone.

        Of each key only the newest record stays, at its offset. `drop_tombstones` also
        drops those, as after `delete.retention.ms`. The newest record of each partition
        always stays: Kafka never cleans the active segment.
        """
        gone = 0
        for partition in self._of(topic):
            newest = {record.key: record.offset for record in partition.records}
            kept = [
                record
                for record in partition.records
                if record.offset == partition.end - 1
                or (
                    newest[record.key] == record.offset
                    and not (drop_tombstones and record.value is None)
                )
            ]
            gone += len(partition.records) - len(kept)
            partition.records = kept
        return gone

    def expire(self, topic: str, before: Mapping[int, int]) -> None:
        """Drop all records below the given offsets, as retention does."""
        for index, first in before.items():
            partition = self._of(topic)[index]
            partition.records = [r for r in partition.records if r.offset >= first]

    def _of(self, topic: str) -> list[_Partition]:
        try:
            return self._partitions[topic]
        except KeyError as error:
            raise ConfigurationError(
                f"topic {topic}", "does not exist", "run `hotswap init`"
            ) from error
