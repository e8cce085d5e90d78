"""The embedded Kafka and Connect: large records, compaction, change events, survival."""

import asyncio

import aiokafka
import httpx
import psycopg
import pytest
from aiokafka.admin import AIOKafkaAdminClient, NewTopic

from tests.stack_fixture import RunningStack
from tests.waiting import until

pytestmark = [pytest.mark.stack, pytest.mark.timeout(240)]


async def make_topic(stack: RunningStack, name: str, **config: str) -> None:
    admin = AIOKafkaAdminClient(bootstrap_servers=stack.endpoints().kafka_bootstrap)
    await admin.start()
    try:
        settings = {key.replace("_", "."): value for key, value in config.items()}
        await admin.create_topics([NewTopic(name, 1, 1, topic_configs=settings)])
    finally:
        await admin.close()


async def produce(stack: RunningStack, topic: str, *records: tuple[bytes, bytes]) -> None:
    async with aiokafka.AIOKafkaProducer(
        bootstrap_servers=stack.endpoints().kafka_bootstrap, max_request_size=8_000_000
    ) as producer:
        for key, value in records:
            await producer.send_and_wait(topic, value, key)


async def consume(stack: RunningStack, topic: str, seconds: float = 5) -> list[tuple[bytes, bytes]]:
    """All records that are there, from the start."""
    records: list[tuple[bytes, bytes]] = []
    async with aiokafka.AIOKafkaConsumer(
        topic,
        bootstrap_servers=stack.endpoints().kafka_bootstrap,
        auto_offset_reset="earliest",
        max_partition_fetch_bytes=8_000_000,
    ) as consumer:
        (partition,) = consumer.assignment()
        end = (await consumer.end_offsets([partition]))[partition]
        async with asyncio.timeout(seconds):
            while await consumer.position(partition) < end:
                for found in (await consumer.getmany(timeout_ms=500)).values():
                    records += [(record.key, record.value) for record in found]
    return records


async def test_kafka_keeps_records_of_several_megabytes_and_makes_no_topic_by_itself(stack):
    await make_topic(stack, "large", max_message_bytes="8388608")
    await produce(stack, "large", (b"key", b"x" * 5_500_000))
    assert await consume(stack, "large") == [(b"key", b"x" * 5_500_000)]
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(1):
            await produce(stack, "never-made", (b"key", b"value"))
    admin = AIOKafkaAdminClient(bootstrap_servers=stack.endpoints().kafka_bootstrap)
    await admin.start()
    topics = await admin.list_topics()
    await admin.close()
    assert "large" in topics
    assert "never-made" not in topics


async def test_kafka_compacts_within_seconds(stack):
    await make_topic(stack, "compacted", cleanup_policy="compact", segment_ms="100")
    await produce(stack, "compacted", *((b"key", b"%d" % number) for number in range(20)))

    async def compacted() -> bool:
        await produce(stack, "compacted", (b"other", b"rolls the segment"))
        keys = [key for key, _ in await consume(stack, "compacted")]
        return keys.count(b"key") == 1

    await until(compacted, "one value of the key is left", every=0.5)
    assert (b"key", b"19") in await consume(stack, "compacted")


async def test_rows_travel_from_postgres_to_a_topic_also_large_ones(stack):
    ends = stack.endpoints()
    with psycopg.connect(ends.postgres_dsn, autocommit=True) as database:
        database.execute("CREATE TABLE travellers (id int PRIMARY KEY, body text)")
        database.execute("INSERT INTO travellers VALUES (1, 'before the connector')")
    port = psycopg.conninfo.conninfo_to_dict(ends.postgres_dsn)["port"]
    config = {
        "connector.class": "io.debezium.connector.postgresql.PostgresConnector",
        "plugin.name": "pgoutput",
        "topic.prefix": "travel",
        "slot.name": "travel",
        "publication.name": "travel",
        "publication.autocreate.mode": "filtered",
        "table.include.list": "public.travellers",
        "database.hostname": "127.0.0.1",
        "database.port": str(port),
        "database.user": "postgres",
        "database.dbname": "postgres",
        "producer.override.max.request.size": "8388608",
        "topic.creation.default.replication.factor": "1",
        "topic.creation.default.partitions": "1",
        "topic.creation.default.max.message.bytes": "8388608",
    }
    async with httpx.AsyncClient(base_url=ends.connect_url, trust_env=False) as connect:
        answer = await connect.put("/connectors/travel/config", json=config, timeout=30)
        answer.raise_for_status()
        try:
            await until(lambda: _running(connect), "the connector runs", seconds=60)
            with psycopg.connect(ends.postgres_dsn, autocommit=True) as database:
                database.execute(
                    "INSERT INTO travellers VALUES (2, %s)",
                    ["".join(f"{number:x}" for number in range(900_000))],
                )

            async def arrived() -> bool:
                try:
                    return len(await consume(stack, "travel.public.travellers")) == 2
                except aiokafka.errors.KafkaError:
                    return False

            await until(arrived, "both rows arrived", seconds=60)
        finally:
            (await connect.delete("/connectors/travel")).raise_for_status()
    (_, small), (_, large) = await consume(stack, "travel.public.travellers")
    assert b"before the connector" in small
    assert len(large) > 4_000_000


async def _running(connect: httpx.AsyncClient) -> bool:
    answer = await connect.get("/connectors/travel/status")
    return answer.is_success and [task["state"] for task in answer.json()["tasks"]] == ["RUNNING"]


async def test_kafka_killed_comes_back_with_its_records(stack):
    await make_topic(stack, "survivors")
    await produce(stack, "survivors", (b"key", b"value"))
    before = stack.endpoints()
    stack.kill("kafka")
    stack.start("kafka")
    assert stack.endpoints() == before
    assert await consume(stack, "survivors") == [(b"key", b"value")]
