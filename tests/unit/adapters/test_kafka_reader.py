"""What a reader does when a topic changes under it, which a real Kafka does not do on demand."""

from dataclasses import dataclass, field

import pytest

from streams.adapters.kafka_reader import read_range
from streams.errors import DriftError, TransientError


@dataclass
class _Fetched:
    offset: int
    key: bytes | None = b"k"
    value: bytes | None = b"v"
    timestamp: int = 0
    headers: tuple = ()
    topic: str = "t"
    partition: int = 0


@dataclass
class _Consumer:
    """Answers `getmany` from a list of pages (offsets, position after the page)."""

    pages: list
    end: int = 0
    at: int = 0
    paused: list = field(default_factory=list)

    def assign(self, partitions):
        (self.partition,) = partitions

    def seek(self, _partition, offset):
        self.at = offset

    def pause(self, partition):
        self.paused.append(partition)

    async def getmany(self, **_options):
        if not self.pages:
            return {}
        offsets, self.at = self.pages.pop(0)
        return {self.partition: [_Fetched(offset) for offset in offsets]} if offsets else {}

    async def position(self, _partition):
        return self.at

    async def end_offsets(self, partitions):
        return dict.fromkeys(partitions, self.end)


async def _offsets(consumer, first, stop):
    pages = read_range(consumer, "t", {0: (first, stop)}, page_records=10, stall_seconds=0.0)
    return [record.offset async for page in pages for record in page]


async def test_the_end_is_where_the_position_is_and_not_the_last_record():
    assert await _offsets(_Consumer([([3, 4], 5), ([], 9)]), 3, 9) == [3, 4]


async def test_a_page_that_runs_over_the_end_is_cut():
    assert await _offsets(_Consumer([([3, 4, 7, 8], 9)]), 3, 7) == [3, 4]


async def test_offsets_that_run_backwards_are_another_topic():
    with pytest.raises(DriftError, match=r"partition 0.*offset 5 or later.*offset 0"):
        await _offsets(_Consumer([([3, 4], 5), ([0, 1], 2)]), 3, 9)


async def test_a_log_that_became_shorter_is_another_topic():
    with pytest.raises(DriftError, match=r"at least 9.*end 2"):
        await _offsets(_Consumer([([3, 4], 5)], end=2), 3, 9)


async def test_a_read_without_progress_is_a_transient_error():
    with pytest.raises(TransientError, match=r"no progress.*offset 5 of partition 0"):
        await _offsets(_Consumer([([3, 4], 5)], end=9), 3, 9)
