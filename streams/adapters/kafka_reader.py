"""Reading a topic from Kafka: a known range to its end and no further, or whatever comes.

Decides when a range has been read. That is judged by the consumer's position alone, never
by the last record seen: compaction, aborted transactions, transaction markers and retention
all leave offsets without a record, also right before the end.
"""

import asyncio
from collections.abc import AsyncGenerator, Mapping, Sequence
from typing import Any

from aiokafka import AIOKafkaConsumer, TopicPartition

from streams.adapters.kafka_errors import kafka_errors
from streams.errors import DriftError, TransientError
from streams.ports import LogRecord

__all__ = ["READER_OPTIONS", "follow", "read_range"]

READER_OPTIONS: dict[str, Any] = {
    "group_id": None,
    "enable_auto_commit": False,
    # Retention may remove the start of the range while it is being read.
    "auto_offset_reset": "earliest",
    # The end of an open transaction is not readable yet; with this, `end_offsets` agrees.
    "isolation_level": "read_committed",
    # A new reader first meets a partition whose leader it does not know, and waits so long.
    "retry_backoff_ms": 20,
    # Bound the memory of one reader, which holds a fetch of each partition. One record may
    # always be larger.
    "fetch_max_bytes": 4 * 1024 * 1024,
    "max_partition_fetch_bytes": 1024 * 1024,
}
"""How a consumer for `read_range` is made, besides the connection."""

_POLL_MS = 100
_WAIT_MS = 1_000


async def read_range(
    consumer: AIOKafkaConsumer,
    topic: str,
    plan: Mapping[int, tuple[int, int]],
    *,
    page_records: int,
    stall_seconds: float,
) -> AsyncGenerator[Sequence[LogRecord], None]:
    """All records of a plan, all partitions at once.

    Args:
        consumer: started, without a group and without an assignment; used up afterwards.
        topic: what is read.
        plan: partition → first offset, offset to stop before.
        page_records: most records in a page.
        stall_seconds: how long no position may move before this gives up.

    Raises:
        TransientError: Kafka has not answered for `stall_seconds`.
        DriftError: the topic was deleted and made again meanwhile.
    """
    subject = f"reading topic {topic}"
    positions = {TopicPartition(topic, index): first for index, (first, _) in plan.items()}
    stops = {TopicPartition(topic, index): stop for index, (_, stop) in plan.items()}
    with kafka_errors(subject):
        consumer.assign(list(positions))
        for partition, first in positions.items():
            consumer.seek(partition, first)
    clock = asyncio.get_running_loop().time
    moved_at = clock()
    while positions:
        with kafka_errors(subject):
            fetched = await consumer.getmany(timeout_ms=_POLL_MS, max_records=page_records)
        page = [
            _log_record(record)
            for partition, records in fetched.items()
            for record in _checked(records, partition, positions[partition], stops[partition])
        ]
        if page:
            yield page
        before = dict(positions)
        await _advance(consumer, positions, stops, stall_seconds)
        if positions != before:
            moved_at = clock()
        elif clock() - moved_at > stall_seconds:
            await _explain_stall(consumer, positions, stops, stall_seconds)


async def follow(
    consumer: AIOKafkaConsumer, topic: str, starts: Mapping[int, int], *, page_records: int
) -> AsyncGenerator[tuple[Sequence[LogRecord], Mapping[int, int]], None]:
    """All records from an offset in each partition on, and every later one as it comes.

    Args:
        consumer: started, without a group and without an assignment; used up afterwards.
        topic: what is read.
        starts: partition → first offset.
        page_records: most records in a page.

    Yields: a page, and partition → the offset after it; the page is empty if only offsets
        without a record were passed.

    Raises: DriftError: the topic was deleted and made again. A silent Kafka is waited for.
    """
    subject = f"following topic {topic}"
    positions = {TopicPartition(topic, index): first for index, first in starts.items()}
    with kafka_errors(subject):
        consumer.assign(list(positions))
        for partition, first in positions.items():
            consumer.seek(partition, first)
    while True:
        with kafka_errors(subject):
            # The broker answers a waiting fetch at once when a record comes.
            fetched = await consumer.getmany(timeout_ms=_WAIT_MS, max_records=page_records)
            now = {partition: await consumer.position(partition) for partition in positions}
        for partition, records in fetched.items():
            if records[0].offset < positions[partition]:
                raise _made_again(
                    partition,
                    f"offset {positions[partition]} or later",
                    f"offset {records[0].offset}",
                )
        page = [_log_record(record) for records in fetched.values() for record in records]
        if page or now != positions:
            positions = now
            yield page, {partition.partition: offset for partition, offset in now.items()}


def _log_record(record: Any) -> LogRecord:  # noqa: ANN401 - aiokafka's
    return LogRecord(
        record.topic,
        record.partition,
        record.offset,
        record.key,
        record.value,
        record.timestamp,
        record.headers and tuple((name, value or b"") for name, value in record.headers),
    )


def _checked(
    records: Sequence[Any], partition: TopicPartition, position: int, stop: int
) -> Sequence[Any]:
    """Those before `stop`; offsets below `position` can only be another topic's."""
    if records[0].offset < position:
        raise _made_again(partition, f"offset {position} or later", f"offset {records[0].offset}")
    if records[-1].offset < stop:
        return records
    return [record for record in records if record.offset < stop]


async def _advance(
    consumer: AIOKafkaConsumer,
    positions: dict[TopicPartition, int],
    stops: Mapping[TopicPartition, int],
    stall_seconds: float,
) -> None:
    """Bring `positions` up to date, and take the partitions that are done out of it."""
    for partition in list(positions):
        subject = f"position in topic {partition.topic}, partition {partition.partition}"
        with kafka_errors(subject):
            try:
                async with asyncio.timeout(stall_seconds):
                    position = await consumer.position(partition)
            except TimeoutError as error:
                raise TransientError(f"{subject}: not known for {stall_seconds:g} s") from error
        if position >= stops[partition]:
            consumer.pause(partition)
            del positions[partition]
        else:
            positions[partition] = position


async def _explain_stall(
    consumer: AIOKafkaConsumer,
    positions: Mapping[TopicPartition, int],
    stops: Mapping[TopicPartition, int],
    stall_seconds: float,
) -> None:
    """Raise the reason why no position moves."""
    with kafka_errors("reading the end of the log"):
        ends = await consumer.end_offsets(list(positions))
    for partition, end in ends.items():
        if end < stops[partition]:
            raise _made_again(partition, f"an end of at least {stops[partition]}", f"end {end}")
    partition = min(positions)
    raise TransientError(
        f"reading topic {partition.topic}: no progress for {stall_seconds:g} s at offset"
        f" {positions[partition]} of partition {partition.partition}"
    )


def _made_again(partition: TopicPartition, expected: str, found: str) -> DriftError:
    return DriftError(
        f"topic {partition.topic}",
        {f"partition {partition.partition}": (expected, found)},
        "it was deleted and made again: start a new build",
    )
