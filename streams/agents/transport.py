"""Faust's Kafka transport with commit arithmetic that never steps over a record.

Faust 0.15.3 commits past records whose effect is not durable in several cases: a gap at the
head of a fresh group, a single unacknowledged record, the record right after a compaction
gap, and records that a stream skips because a rebalance has begun (it acknowledges those).
It also merges gaps in quadratic time, and spends more on handing a record on than a
normaliser spends on the record.

So records travel through Faust in chunks: one message for all records that a fetch brought
of one partition. And one `Ledger` per partition decides what is committed. A record enters
it when it leaves the fetcher, and leaves it only by `complete`; Faust's own acknowledgements
count for nothing. A record that vanishes on its way to the agent therefore holds the commits
up, which the progress watchdog sees, and is never stepped over.
"""

import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from enum import Enum, auto
from typing import Any, cast

from faust.transport.consumer import ensure_TPset
from faust.transport.drivers import aiokafka as driver
from faust.types import TP, ConsumerMessage, Message
from faust.types.transports import SchedulingStrategyT, TPorTopicSet

from streams.core.acknowledgement import Ledger
from streams.ports import LogRecord

__all__ = ["Chunk", "ChunkScheduler", "LedgerConsumer", "LedgerTransport", "Ownership"]


class Ownership(Enum):
    """What a worker knows of a partition it was given."""

    OURS = auto()
    UNSURE = auto()
    """A rebalance is under way, or the coordinator has been silent for too long."""
    LOST = auto()


class Chunk(ConsumerMessage):
    """All records that one fetch brought of one partition, as one Faust message.

    Its offset is that of the last record; key and value are empty.
    """

    __slots__ = ("records",)

    records: Sequence[LogRecord]


class ChunkScheduler(SchedulingStrategyT):
    """Hands on what was fetched partition by partition, not record by record."""

    def iterate(self, records: Mapping[TP, list[Any]]) -> Iterator[tuple[TP, Any]]:
        """Each partition with all its records."""
        return ((tp, fetched) for tp, fetched in records.items() if fetched)


class _LeaseThread(driver.AIOKafkaConsumerThread):
    """Remembers when the group coordinator last confirmed this member."""

    confirmed_at: float = 0.0

    async def on_start(self) -> None:
        await super().on_start()
        # aiokafka has no public hook for heartbeats.
        coordinator = cast("Any", self._consumer)._coordinator  # noqa: SLF001
        heartbeat = coordinator._do_heartbeat  # noqa: SLF001

        async def confirmed_heartbeat() -> bool:
            asked_at = time.monotonic()
            confirmed: bool = await heartbeat()
            if confirmed:
                # The broker's session timer starts later than the question was
                # asked, so this errs on the safe side.
                self.confirmed_at = asked_at
            return confirmed

        coordinator._do_heartbeat = confirmed_heartbeat  # noqa: SLF001


class LedgerConsumer(driver.Consumer):
    """Commits exactly what was completed, in order, per partition."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:  # noqa: ANN401 - Faust's signature
        self._ledgers: dict[TP, Ledger] = {}
        super().__init__(*args, **kwargs)

    def _new_consumer_thread(self) -> driver.AIOKafkaConsumerThread:
        return _LeaseThread(self, loop=self.loop, beacon=self.beacon)

    def lease_age(self) -> float:
        """Seconds since the coordinator last confirmed that this member is in the group."""
        return time.monotonic() - cast("_LeaseThread", self._thread).confirmed_at

    def unfinished(self) -> int:
        """Records that were fetched and are not committable yet, over all partitions."""
        return sum(len(ledger) for ledger in list(self._ledgers.values()))

    def ownership(self, message: Message) -> Ownership:
        """Whether the partition is still this worker's as it was when it got `message`."""
        if message.generation_id != self.app.consumer_generation_id:
            return Ownership.LOST
        if not self.flow_active or self.lease_age() >= self.app.conf.broker_session_timeout:
            return Ownership.UNSURE
        return Ownership.OURS if message.tp in self.assignment() else Ownership.LOST

    def complete(self, chunk: Message, offsets: Iterable[int]) -> None:
        """Note that the effect of these records of a chunk is durable.

        The only way to acknowledge. A chunk of an earlier assignment is ignored: it was, or
        will be, delivered again.
        """
        ledger = self._ledgers.get(chunk.tp)
        if ledger is not None and chunk.generation_id == self.app.consumer_generation_id:
            for offset in offsets:
                ledger.acknowledge(offset)

    def ack(self, message: Message) -> bool:
        """Satisfy Faust's bookkeeping of live messages; commits depend on `complete` alone."""
        message.acked = True
        self._unacked_messages.discard(message)
        return False

    def _to_message(self, tp: TP, record: Any) -> ConsumerMessage:  # noqa: ANN401 - aiokafka's
        fetched = cast("list[Any]", record)  # what ChunkScheduler hands on
        ledger = self._ledgers.get(tp)
        if ledger is None:
            ledger = self._ledgers[tp] = Ledger()
        for one in fetched:
            ledger.deliver(one.offset)
        last = fetched[-1]
        chunk = Chunk(
            topic=last.topic,
            partition=last.partition,
            offset=last.offset,
            timestamp=last.timestamp / 1000,
            timestamp_type=last.timestamp_type,
            headers=None,
            key=b"",
            value=b"",
            checksum=None,
            tp=tp,
            generation_id=self.app.consumer_generation_id,
        )
        chunk.records = [_record(one) for one in fetched]
        return chunk

    async def on_partitions_revoked(self, revoked: set[TP]) -> None:
        """Forget the partitions: what is done and not committed yet comes again."""
        await super().on_partitions_revoked(revoked)
        self._forget(revoked)

    async def on_partitions_assigned(self, assigned: set[TP], generation_id: int = 0) -> None:
        """Start each partition with an empty ledger: delivery begins at the committed offset."""
        self._forget(assigned)
        # Joining the group is a confirmation, too.
        cast("_LeaseThread", self._thread).confirmed_at = time.monotonic()
        await super().on_partitions_assigned(assigned, generation_id)

    def _forget(self, partitions: Iterable[TP]) -> None:
        for partition in ensure_TPset(partitions):
            self._ledgers.pop(partition, None)

    async def _add_gap(self, tp: TP, offset_from: int, offset_to: int) -> None:
        """Do nothing: what was never delivered needs no acknowledgement."""

    def _filter_tps_with_pending_acks(self, topics: TPorTopicSet | None = None) -> Iterator[TP]:
        return (
            tp for tp in list(self._ledgers) if topics is None or tp in topics or tp.topic in topics
        )

    def _new_offset(self, tp: TP) -> int | None:
        ledger = self._ledgers.get(tp)
        return None if ledger is None else ledger.committable()

    def _should_commit(self, tp: TP, offset: int) -> bool:
        return self._new_offset(tp) == offset

    async def _commit_offsets(
        self,
        offsets: Mapping[TP, int],
        start_new_transaction: bool = True,  # noqa: FBT001, FBT002 - Faust's signature
    ) -> bool:
        did_commit = await super()._commit_offsets(offsets, start_new_transaction)
        if did_commit:
            for tp, offset in offsets.items():
                ledger = self._ledgers.get(tp)
                if ledger is not None:
                    ledger.committed(offset)
        return did_commit


def _record(fetched: Any) -> LogRecord:  # noqa: ANN401 - aiokafka's
    return LogRecord(
        fetched.topic,
        fetched.partition,
        fetched.offset,
        fetched.key,
        fetched.value,
        fetched.timestamp,
        tuple(fetched.headers),
    )


class LedgerTransport(driver.Transport):
    """Faust's aiokafka transport with `LedgerConsumer`."""

    Consumer = LedgerConsumer
