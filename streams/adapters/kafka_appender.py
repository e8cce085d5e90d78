"""Appending to Kafka: acknowledged by all replicas, without duplicates, within a deadline.

Decides what becomes of a producer after a failure. aiokafka's idempotent producer numbers
records and never goes back: one batch that was not taken makes the broker refuse every
later one of that partition. It also retries for ever. So after any failure, and after the
deadline, the producer is given up, and the next append starts a new one.

Records are put into batches here, one future per batch: aiokafka's own `send` makes one per
record, which costs more than a normaliser spends on the record.
"""

import asyncio
import itertools
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from aiokafka import AIOKafkaProducer
from aiokafka.producer.message_accumulator import BatchBuilder

from streams.adapters.kafka_client import explain_unreachable, start_client
from streams.adapters.kafka_errors import kafka_errors, translate
from streams.adapters.partitioning import partition_of
from streams.errors import InputRefused, TransientError
from streams.ports import NewRecord

__all__ = ["Appender"]

_PRODUCER_OPTIONS: dict[str, Any] = {
    "acks": "all",
    "enable_idempotence": True,
    # The topic's own max.message.bytes is the limit; this one only must not be below it.
    "max_request_size": 64 * 1024 * 1024,
    # Well below every topic's limit, so that only a single record can make a batch too large.
    "max_batch_size": 256 * 1024,
}


@dataclass(eq=False, slots=True)
class _Generation:
    """A producer, and a future that is done once it has been given up."""

    producer: AIOKafkaProducer
    lost: asyncio.Future[None] = field(default_factory=asyncio.Future)


@dataclass(slots=True)
class _Batch:
    """Records for one partition, and where each stands in the call's order."""

    topic: str
    partition: int
    builder: BatchBuilder
    indices: list[int] = field(default_factory=list)

    def take(self, index: int, record: NewRecord, now_ms: int) -> bool:
        """Add a record; False if the batch is full. An empty batch takes any record."""
        added = self.builder.append(
            timestamp=now_ms, key=record.key, value=record.value, headers=list(record.headers)
        )
        if added is None:
            return False
        self.indices.append(index)
        return True


class Appender:
    """One producer at a time over one cluster.

    Args:
        options: connection settings (`client_options`).
        deadline_seconds: for a whole call of `append`.
    """

    def __init__(self, options: Mapping[str, Any], *, deadline_seconds: float) -> None:
        self._options = dict(options)
        self._deadline_seconds = deadline_seconds
        self._current: _Generation | None = None
        self._starting = asyncio.Lock()
        self._sending = asyncio.Lock()
        self._stopping: set[asyncio.Task[None]] = set()
        self._keyless = itertools.count()

    async def append(
        self, records: Sequence[NewRecord], partitions: Mapping[str, int]
    ) -> list[tuple[int, int]]:
        """Append all and wait for all: (partition, offset) of each.

        Args:
            records: have passed `streams.adapters.record_limits.check_record`.
            partitions: topic → how many it has.

        Raises: TransientError, InputRefused, ConfigurationError; some may have been appended.
        """
        try:
            async with asyncio.timeout(self._deadline_seconds):
                generation = await self._started()
                batches = _batches(generation.producer, records, partitions, self._keyless)
                outcomes = await self._deliver(generation, batches)
        except TimeoutError as error:
            raise TransientError(
                f"appending to {_topics(records)}: no confirmation within"
                f" {self._deadline_seconds:g} s; some may have been appended"
            ) from error
        failures = [
            (translate(outcome, f"appending to topic {batch.topic}"), outcome)
            for batch, outcome in zip(batches, outcomes, strict=True)
            if isinstance(outcome, Exception)
        ]
        if failures:
            self._give_up(generation)
            # One refused record makes its neighbours fail: it is the one worth naming.
            failures.sort(key=lambda failure: not isinstance(failure[0], InputRefused))
            raise failures[0][0] from failures[0][1]
        places = [(0, 0)] * len(records)
        for batch, outcome in zip(batches, outcomes, strict=True):
            for offset, index in enumerate(batch.indices, start=outcome.offset):
                places[index] = (batch.partition, offset)
        return places

    async def close(self) -> None:
        """Let go of the producer; everything appended has been confirmed already."""
        current, self._current = self._current, None
        if current is not None:
            await current.producer.stop()
        if self._stopping:
            await asyncio.wait(self._stopping)

    async def _started(self) -> _Generation:
        async with self._starting:
            if self._current is None:
                producer = AIOKafkaProducer(**self._options, **_PRODUCER_OPTIONS)
                try:
                    with kafka_errors("connecting to Kafka"):
                        await start_client(producer.start())
                except BaseException as error:
                    await _abandon(producer)
                    if isinstance(error, TransientError):
                        await explain_unreachable(self._options)
                    raise
                self._current = _Generation(producer)
            return self._current

    async def _deliver(self, generation: _Generation, batches: Sequence[_Batch]) -> list[Any]:
        """The outcome of each batch: aiokafka's metadata, or the exception it met."""
        try:
            with kafka_errors(f"appending to {_topics(batches)}"):
                # One call at a time: aiokafka lets all who wait for a partition run for it at
                # once, and counts the time that each has lost anew at every turn.
                async with self._sending:
                    sent = [await _send(generation.producer, batch) for batch in batches]
            outcomes = asyncio.gather(*sent, return_exceptions=True)
            await asyncio.wait((outcomes, generation.lost), return_when=asyncio.FIRST_COMPLETED)
        except BaseException:
            self._give_up(generation)
            raise
        if not outcomes.done():
            raise TransientError(
                f"appending to {_topics(batches)}: the connection was given up;"
                " some may have been appended"
            )
        return outcomes.result()

    def _give_up(self, generation: _Generation) -> None:
        if self._current is generation:
            self._current = None
        if not generation.lost.done():
            generation.lost.set_result(None)
            # Requests under way may take until their own time-out; nobody needs to wait.
            task = asyncio.create_task(_abandon(generation.producer))
            self._stopping.add(task)
            task.add_done_callback(self._stopping.discard)


def _batches(
    producer: AIOKafkaProducer,
    records: Sequence[NewRecord],
    partitions: Mapping[str, int],
    keyless: Iterator[int],
) -> list[_Batch]:
    """The records in full batches, in order within each partition."""
    batches: list[_Batch] = []
    filling: dict[tuple[str, int], _Batch] = {}
    now_ms = time.time_ns() // 1_000_000
    for index, record in enumerate(records):
        place = (record.topic, _partition(record, partitions[record.topic], keyless))
        batch = filling.get(place)
        if batch is None or not batch.take(index, record, now_ms):
            batch = filling[place] = _Batch(*place, producer.create_batch())
            batches.append(batch)
            if not batch.take(index, record, now_ms):
                raise InputRefused(f"a batch for topic {record.topic} does not take this record")
    return batches


def _partition(record: NewRecord, partitions: int, keyless: Iterator[int]) -> int:
    if record.partition is not None:
        return record.partition
    if record.key is None:
        return next(keyless) % partitions
    return partition_of(record.key, partitions)


async def _send(producer: AIOKafkaProducer, batch: _Batch) -> asyncio.Future[Any]:
    batch.builder.close()
    delivery: asyncio.Future[Any] = await producer.send_batch(
        batch.builder, batch.topic, partition=batch.partition
    )
    return delivery


async def _abandon(producer: AIOKafkaProducer) -> None:
    """Stop a producer without delivering what it still holds."""
    # aiokafka's own `stop` waits until everything is delivered, however long that takes.
    await producer._sender.close()  # noqa: SLF001
    producer._closed = True  # noqa: SLF001
    await producer.client.close()


def _topics(places: Iterable[NewRecord | _Batch]) -> str:
    return ", ".join(sorted({f"topic {place.topic}" for place in places}))
