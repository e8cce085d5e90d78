"""A log with what operators and brokers do to it around: each test runs over every adapter."""

import asyncio
import uuid
from collections.abc import AsyncIterator, Mapping, Sequence

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.admin.records_to_delete import RecordsToDelete

from streams.adapters.kafka_log import KafkaLog
from streams.adapters.memory_log import MemoryLog
from streams.config.kafka import KafkaConfig
from streams.ports import Log, LogRecord, NewRecord, TopicSpec
from tests.waiting import until

_DEADLINE = 90.0
_PAGE = 7


class Rig:
    log: Log

    async def topic(self, partitions: int = 3, **config: str) -> str:
        """A new topic; `cleanup_policy="compact"` sets `cleanup.policy`."""
        settings = {name.replace("_", "."): value for name, value in config.items()}
        name = f"contract-{uuid.uuid4().hex[:12]}"
        assert await self.log.create(TopicSpec(name, partitions, 1, settings))
        return name

    async def compactable_topic(self, partitions: int = 1) -> str:
        return await self.topic(
            partitions,
            cleanup_policy="compact",
            segment_ms="50",
            min_cleanable_dirty_ratio="0.01",
            max_compaction_lag_ms="50",
            delete_retention_ms="0",
        )

    async def fill(self, topic: str, count: int, keys: int, partition: int = 0) -> None:
        """Offsets 0 … count-1 of one partition; record i has key i modulo `keys`."""
        await self.log.append(
            [
                NewRecord(topic, b"k%d" % (i % keys), b"v%d" % i, partition=partition)
                for i in range(count)
            ]
        )

    async def read(
        self,
        topic: str,
        *,
        since: Mapping[int, int] | None = None,
        until: Mapping[int, int] | None = None,
        partitions: Sequence[int] | None = None,
    ) -> list[LogRecord]:
        async with asyncio.timeout(_DEADLINE):
            return [
                record
                async for page in self.log.read(
                    topic, since=since, until=until, partitions=partitions
                )
                for record in page
            ]

    async def commit(self, group: str, topic: str, offsets: Mapping[int, int]) -> None:
        raise NotImplementedError

    async def compact(self, topic: str) -> None:
        """Return once superseded records and tombstones are gone from all partitions."""
        raise NotImplementedError

    async def expire(self, topic: str, before: Mapping[int, int]) -> None:
        """Drop what is older than the given offsets, as retention does."""
        raise NotImplementedError


class MemoryRig(Rig):
    def __init__(self) -> None:
        self.memory = MemoryLog(page_records=_PAGE)
        self.log = self.memory

    async def commit(self, group: str, topic: str, offsets: Mapping[int, int]) -> None:
        self.memory.commit(group, topic, offsets)

    async def compact(self, topic: str) -> None:
        ends = await self.log.ends(topic)
        await self.log.append([NewRecord(topic, b"roll", b"", partition=index) for index in ends])
        self.memory.compact(topic, drop_tombstones=True)

    async def expire(self, topic: str, before: Mapping[int, int]) -> None:
        self.memory.expire(topic, before)


class KafkaRig(Rig):
    def __init__(self, log: KafkaLog, bootstrap: str) -> None:
        self.log = log
        self.bootstrap = bootstrap

    async def commit(self, group: str, topic: str, offsets: Mapping[int, int]) -> None:
        consumer = AIOKafkaConsumer(
            bootstrap_servers=self.bootstrap, group_id=group, enable_auto_commit=False
        )
        await consumer.start()
        try:
            consumer.assign([TopicPartition(topic, index) for index in offsets])
            await consumer.commit(
                {TopicPartition(topic, index): offset for index, offset in offsets.items()}
            )
        finally:
            await consumer.stop()

    async def compact(self, topic: str) -> None:
        ends = await self.log.ends(topic)
        async with asyncio.timeout(_DEADLINE):
            while not _is_compacted(await self.read(topic, until=ends)):
                # The cleaner leaves the active segment alone, and only an append rolls it.
                await self.log.append(
                    [NewRecord(topic, b"roll", b"", partition=index) for index in ends]
                )
                await asyncio.sleep(0.2)

    async def expire(self, topic: str, before: Mapping[int, int]) -> None:
        admin = AIOKafkaAdminClient(bootstrap_servers=self.bootstrap)
        await admin.start()
        try:
            await admin.delete_records(
                {
                    TopicPartition(topic, index): RecordsToDelete(first)
                    for index, first in before.items()
                }
            )
        finally:
            await admin.close()

    async def transact(self, topic: str, count: int, *, commit: bool) -> None:
        """Write as an exactly-once producer does: the marker at the end takes an offset."""
        first = (await self.log.ends(topic))[0]
        producer = AIOKafkaProducer(
            bootstrap_servers=self.bootstrap, transactional_id=f"contract-{uuid.uuid4().hex}"
        )
        await producer.start()
        try:
            await producer.begin_transaction()
            for i in range(count):
                await producer.send_and_wait(topic, key=b"t%d" % i, value=b"", partition=0)
            await (producer.commit_transaction() if commit else producer.abort_transaction())
        finally:
            await producer.stop()

        async def marked() -> bool:
            return (await self.log.ends(topic))[0] == first + count + 1

        # The broker writes the marker some time after it has confirmed the end.
        await until(marked, "the transaction's marker is on the log", _DEADLINE)


def _is_compacted(records: list[LogRecord]) -> bool:
    places = [(record.partition, record.key) for record in records]
    return len(set(places)) == len(places) and all(r.value is not None for r in records)


@pytest.fixture
async def kafka_rig(request) -> AsyncIterator[KafkaRig]:
    bootstrap = request.getfixturevalue("stack").endpoints().kafka_bootstrap
    log = KafkaLog(KafkaConfig(bootstrap=bootstrap), page_records=_PAGE)
    yield KafkaRig(log, bootstrap)
    await log.close()


@pytest.fixture(params=["memory", pytest.param("kafka", marks=pytest.mark.stack)])
def rig(request) -> Rig:
    if request.param == "memory":
        return MemoryRig()
    rig: Rig = request.getfixturevalue("kafka_rig")
    return rig
