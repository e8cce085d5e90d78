"""The log on Kafka, over aiokafka: no consumer group is ever joined.

Decides when a topic is there, and turns the port's methods into aiokafka's calls. Knows
nothing of what the records mean.
"""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Coroutine, Mapping, Sequence
from contextlib import aclosing
from typing import Any

import tenacity
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka import errors as kafka
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType

from streams.adapters.kafka_appender import Appender
from streams.adapters.kafka_client import client_options, explain_unreachable, start_client
from streams.adapters.kafka_errors import kafka_errors
from streams.adapters.kafka_reader import READER_OPTIONS, follow, read_range
from streams.adapters.read_range import plan_range
from streams.adapters.record_limits import check_record
from streams.config.kafka import KafkaConfig
from streams.errors import ConfigurationError, HotswapError, TransientError
from streams.ports import LogRecord, NewRecord, TopicSpec

__all__ = ["KafkaLog"]

_REQUEST_SECONDS = 20.0
_SOON = 0.02
_LATELY_SECONDS = 5.0


class KafkaLog:
    """Implements `streams.ports.Log`. Connects on first use; close it when done.

    Args:
        config: how to reach Kafka.
        page_records: most records in a page of `read`.
        patience_seconds: how long Kafka may stay silent before a call raises TransientError.

    Raises: ConfigurationError if a certificate or secret can not be read.
    """

    def __init__(
        self, config: KafkaConfig, *, page_records: int = 4_000, patience_seconds: float = 30.0
    ) -> None:
        self._options: dict[str, Any] = {
            **client_options(config),
            "request_timeout_ms": int(min(_REQUEST_SECONDS, patience_seconds) * 1000),
        }
        self._page_records = page_records
        self._patience_seconds = patience_seconds
        self._appender = Appender(self._options, deadline_seconds=patience_seconds)
        self._admin: AIOKafkaAdminClient | None = None
        self._offsets: AIOKafkaConsumer | None = None
        self._connecting = asyncio.Lock()
        self._appendable: dict[str, TopicSpec] = {}
        self._looked_at: dict[str, tuple[float, list[TopicPartition]]] = {}

    async def create(self, spec: TopicSpec) -> bool:
        """See `streams.ports.Log.create`. Returns once the brokers know the topic."""
        subject = f"creating topic {spec.name}"
        admin = await self._started_admin()
        topic = NewTopic(
            spec.name, spec.partitions, spec.replication_factor, topic_configs=dict(spec.config)
        )
        with kafka_errors(subject):
            response = await admin.create_topics([topic])
            _, code, message = response.topic_errors[0]
            error = kafka.for_code(code)
            if error is kafka.TopicAlreadyExistsError:
                return False
            if error is not kafka.NoError:
                raise error(message or "")
        await self._wait_until_visible(spec)
        return True

    async def describe(self, topic: str) -> TopicSpec | None:
        """See `streams.ports.Log.describe`."""
        replicas = await self._replicas(topic)
        if replicas is None:
            return None
        admin = await self._started_admin()
        with kafka_errors(f"describing topic {topic}"):
            (response,) = await admin.describe_configs(
                [ConfigResource(ConfigResourceType.TOPIC, topic)]
            )
            code, message, _, _, entries = response.resources[0]
            if code:
                raise kafka.for_code(code)(message or "")
        return TopicSpec(
            name=topic,
            partitions=len(replicas),
            replication_factor=min(replicas.values()),
            config={entry[0]: entry[1] for entry in entries if entry[1] is not None},
        )

    async def ends(self, topic: str) -> dict[int, int]:
        """See `streams.ports.Log.ends`."""
        partitions = await self._partitions_lately(topic)
        consumer = await self._started_offsets()
        with kafka_errors(f"reading the end of topic {topic}"):
            ends = await consumer.end_offsets(partitions)
        return {partition.partition: end for partition, end in sorted(ends.items())}

    async def committed(self, group: str, topic: str) -> dict[int, int]:
        """See `streams.ports.Log.committed`. A coordinator that is loading is waited for."""
        partitions = [TopicPartition(topic, index) for index in await self._partitions(topic)]
        patiently = tenacity.AsyncRetrying(
            retry=tenacity.retry_if_exception_type(TransientError),
            wait=tenacity.wait_random_exponential(multiplier=0.05, max=1.0),
            stop=tenacity.stop_after_delay(self._patience_seconds),
            reraise=True,
        )
        found: dict[int, int] = await patiently(self._group_offsets, group, partitions)
        return {index: max(offset, 0) for index, offset in sorted(found.items())}

    async def append(self, records: Sequence[NewRecord]) -> list[tuple[int, int]]:
        """See `streams.ports.Log.append`."""
        if not records:
            return []
        for name in {record.topic for record in records} - self._appendable.keys():
            self._appendable[name] = await self._described(name)
        for record in records:
            check_record(record, self._appendable[record.topic])
        try:
            return await self._appender.append(
                records, {name: spec.partitions for name, spec in self._appendable.items()}
            )
        except HotswapError:
            # The topic may have been changed or made again since it was looked at.
            self._appendable.clear()
            raise

    async def read(
        self,
        topic: str,
        *,
        since: Mapping[int, int] | None = None,
        until: Mapping[int, int] | None = None,
        partitions: Sequence[int] | None = None,
    ) -> AsyncGenerator[Sequence[LogRecord], None]:
        """See `streams.ports.Log.read`. Pages hold records of several partitions."""
        known = [TopicPartition(topic, index) for index in await self._partitions(topic)]
        consumer = await self._new_consumer()
        try:
            with kafka_errors(f"reading the ends of topic {topic}"):
                begins, ends = await asyncio.gather(
                    consumer.beginning_offsets(known), consumer.end_offsets(known)
                )
            plan = plan_range(
                topic,
                begins={partition.partition: begin for partition, begin in begins.items()},
                ends={partition.partition: end for partition, end in ends.items()},
                since=since,
                until=until,
                partitions=partitions,
            )
            pages = read_range(
                consumer,
                topic,
                plan,
                page_records=self._page_records,
                stall_seconds=self._patience_seconds,
            )
            async with aclosing(pages):
                async for page in pages:
                    yield page
        finally:
            await consumer.stop()

    async def follow(
        self, topic: str, since: Mapping[int, int]
    ) -> AsyncGenerator[tuple[Sequence[LogRecord], Mapping[int, int]], None]:
        """See `streams.ports.Log.follow`."""
        starts = {index: since.get(index, 0) for index in await self._partitions(topic)}
        consumer = await self._new_consumer()
        try:
            pages = follow(consumer, topic, starts, page_records=self._page_records)
            async with aclosing(pages):
                async for page in pages:
                    yield page
        finally:
            await consumer.stop()

    async def close(self) -> None:
        """See `streams.ports.Log.close`."""
        await self._appender.close()
        offsets, self._offsets = self._offsets, None
        if offsets is not None:
            await offsets.stop()
        admin, self._admin = self._admin, None
        if admin is not None:
            await admin.close()

    async def _group_offsets(self, group: str, partitions: list[TopicPartition]) -> dict[int, int]:
        """Partition → committed offset; -1 where the group has none."""
        admin = await self._started_admin()
        subject = f"reading the offsets of consumer group {group}"
        with kafka_errors(subject):
            found = await admin.list_consumer_group_offsets(group, partitions=partitions)
        # A coordinator that is loading answers without naming any partition.
        if any(partition not in found for partition in partitions):
            raise TransientError(f"{subject}: the coordinator is not ready")
        return {partition.partition: found[partition].offset for partition in partitions}

    async def _replicas(self, topic: str) -> dict[int, int] | None:
        """Partition → replicas; None if there is no such topic."""
        admin = await self._started_admin()
        with kafka_errors(f"describing topic {topic}"):
            # All topics: asking for one by name may make the broker create it.
            for found in await admin.describe_topics():
                if found["topic"] == topic:
                    return {
                        each["partition"]: len(each["replicas"]) for each in found["partitions"]
                    }
        return None

    async def _partitions(self, topic: str) -> list[int]:
        replicas = await self._replicas(topic)
        if replicas is None:
            raise ConfigurationError(f"topic {topic}", "does not exist", "run `hotswap init`")
        return sorted(replicas)

    async def _partitions_lately(self, topic: str) -> list[TopicPartition]:
        """The topic's partitions, as they were some seconds ago at most.

        A normaliser asks for the end of `control` with every batch, and a description is of
        all topics there are.
        """
        now = asyncio.get_running_loop().time()
        looked_at, partitions = self._looked_at.get(topic, (-_LATELY_SECONDS, []))
        if now - looked_at >= _LATELY_SECONDS:
            partitions = [TopicPartition(topic, index) for index in await self._partitions(topic)]
            self._looked_at[topic] = (now, partitions)
        return partitions

    async def _described(self, topic: str) -> TopicSpec:
        spec = await self.describe(topic)
        if spec is None:
            raise ConfigurationError(f"topic {topic}", "does not exist", "run `hotswap init`")
        return spec

    async def _wait_until_visible(self, spec: TopicSpec) -> None:
        """Brokers learn of a new topic one after the other, some milliseconds later."""
        admin = await self._started_admin()
        subject = f"waiting for topic {spec.name}"
        try:
            async with asyncio.timeout(self._patience_seconds):
                while True:
                    with kafka_errors(subject):
                        (found,) = await admin.describe_topics([spec.name])
                    led = [each for each in found["partitions"] if each["leader"] >= 0]
                    if len(led) == spec.partitions:
                        return
                    await asyncio.sleep(_SOON)
        except TimeoutError as error:
            raise TransientError(f"{subject}: its partitions have no leaders yet") from error

    async def _started_admin(self) -> AIOKafkaAdminClient:
        async with self._connecting:
            if self._admin is None:
                admin = AIOKafkaAdminClient(**self._options)
                await self._start(admin.start, admin.close)
                self._admin = admin
            return self._admin

    async def _started_offsets(self) -> AIOKafkaConsumer:
        async with self._connecting:
            if self._offsets is None:
                self._offsets = await self._new_consumer()
            return self._offsets

    async def _new_consumer(self) -> AIOKafkaConsumer:
        consumer = AIOKafkaConsumer(**self._options, **READER_OPTIONS)
        await self._start(consumer.start, consumer.stop)
        return consumer

    async def _start(
        self, start: Callable[[], Coroutine[Any, Any, None]], stop: Callable[[], Awaitable[None]]
    ) -> None:
        try:
            with kafka_errors("connecting to Kafka"):
                await start_client(start())
        except BaseException as error:
            await stop()
            if isinstance(error, TransientError):
                await explain_unreachable(self._options)
            raise
