"""What only a real Kafka can do to its log adapter."""

import asyncio
import uuid

import pytest
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType

from streams.adapters.kafka_appender import Appender
from streams.adapters.kafka_client import client_options
from streams.adapters.kafka_log import KafkaLog
from streams.config.kafka import KafkaConfig
from streams.config.secrets import SecretRef
from streams.errors import ConfigurationError, InputRefused, TransientError
from streams.ports import NewRecord, TopicSpec


@pytest.fixture
async def silent_server():
    """Takes connections and never answers, like a broker that hangs."""
    server = await asyncio.start_server(_say_nothing, "127.0.0.1", 0)
    yield f"127.0.0.1:{server.sockets[0].getsockname()[1]}"
    server.close()
    await server.wait_closed()


async def _say_nothing(reader, writer):
    await reader.read()
    writer.close()


@pytest.fixture
def closed_port(unused_tcp_port):
    return f"127.0.0.1:{unused_tcp_port}"


@pytest.mark.stack
@pytest.mark.parametrize("commit", [True, False])
async def test_a_read_ends_although_transactions_leave_offsets_without_records(kafka_rig, commit):
    topic = await kafka_rig.topic(1)
    await kafka_rig.fill(topic, 3, 3)
    await kafka_rig.transact(topic, 4, commit=commit)
    assert await kafka_rig.log.ends(topic) == {0: 8}
    offsets = [r.offset for r in await kafka_rig.read(topic)]
    assert offsets == ([0, 1, 2, 3, 4, 5, 6] if commit else [0, 1, 2])
    assert await kafka_rig.read(topic, since={0: 7}) == []


@pytest.mark.stack
async def test_a_read_of_nothing_but_aborted_records_ends(kafka_rig):
    topic = await kafka_rig.topic(1)
    await kafka_rig.transact(topic, 20, commit=False)
    assert await kafka_rig.read(topic) == []


@pytest.mark.stack
async def test_after_a_record_that_the_broker_refused_the_partition_takes_the_next(kafka_rig):
    topic = await kafka_rig.topic(1)
    await kafka_rig.fill(topic, 3, 3)
    # Behind the log's back, which looked the limit up at its first append.
    admin = AIOKafkaAdminClient(bootstrap_servers=kafka_rig.bootstrap)
    await admin.start()
    await admin.alter_configs(
        [ConfigResource(ConfigResourceType.TOPIC, topic, {"max.message.bytes": "2000"})]
    )
    await admin.close()
    with pytest.raises(InputRefused):
        await kafka_rig.log.append(
            [NewRecord(topic, b"k", b"x" * 300_000), NewRecord(topic, b"k", b"neighbour")]
        )
    assert await kafka_rig.log.append([NewRecord(topic, b"k", b"next")]) == [(0, 3)]


@pytest.mark.stack
async def test_an_unknown_topic_setting_is_a_configuration_error(kafka_rig):
    with pytest.raises(ConfigurationError, match=r"Unknown topic config name: no\.such\.setting"):
        await kafka_rig.topic(1, no_such_setting="1")


@pytest.mark.stack
async def test_an_impossible_topic_name_is_a_configuration_error(kafka_rig):
    with pytest.raises(ConfigurationError, match="letters, digits"):
        await kafka_rig.log.create(TopicSpec("white space", 1, 1))


@pytest.mark.stack
async def test_a_login_that_the_broker_does_not_want_is_a_configuration_error(
    kafka_rig, monkeypatch
):
    monkeypatch.setenv("KAFKA_PASSWORD", "p")
    config = KafkaConfig(
        bootstrap=kafka_rig.bootstrap,
        security_protocol="SASL_PLAINTEXT",
        sasl_mechanism="PLAIN",
        sasl_username="u",
        sasl_password=SecretRef(env="KAFKA_PASSWORD"),
    )
    log = KafkaLog(config)
    with pytest.raises(ConfigurationError, match="security_protocol"):
        await log.describe("documents")
    await log.close()


async def _use(log: KafkaLog, call: str) -> None:
    match call:
        case "append":
            await log.append([NewRecord("documents", b"k", b"v")])
        case "read":
            async for _ in log.read("documents"):
                pass
        case _:
            await getattr(log, call)("documents")


@pytest.mark.parametrize("call", ["append", "read", "describe", "ends"])
async def test_a_kafka_that_is_down_is_a_transient_error(closed_port, call):
    log = KafkaLog(KafkaConfig(bootstrap=closed_port))
    with pytest.raises(TransientError, match=closed_port):
        await _use(log, call)
    await log.close()


async def test_a_kafka_that_drops_each_request_is_a_transient_error():
    """As a broker does that wants TLS or a login and gets neither."""

    async def hang_up(reader, writer):
        await reader.read(1)
        writer.close()

    server = await asyncio.start_server(hang_up, "127.0.0.1", 0)
    async with server:
        port = server.sockets[0].getsockname()[1]
        log = KafkaLog(KafkaConfig(bootstrap=f"127.0.0.1:{port}"))
        with pytest.raises(TransientError, match=rf"127.0.0.1:{port} hangs up.*kafka\.security"):
            await log.ends("documents")
        await log.close()


async def test_a_kafka_that_hangs_is_a_transient_error(silent_server):
    log = KafkaLog(KafkaConfig(bootstrap=silent_server), patience_seconds=0.2)
    async with asyncio.timeout(10):
        with pytest.raises(TransientError, match=silent_server):
            await log.ends("documents")
        await log.close()


async def test_a_producer_that_gets_no_answer_gives_up_in_time(silent_server):
    options = client_options(KafkaConfig(bootstrap=silent_server))
    appender = Appender(options, deadline_seconds=0.2)
    async with asyncio.timeout(10):
        with pytest.raises(TransientError, match=r"topic documents.*within 0.2 s"):
            await appender.append([NewRecord("documents", b"k", b"v")], {"documents": 1})
        await appender.close()


async def test_tls_to_a_server_without_it_is_a_configuration_error():
    async def answer_in_clear(reader, writer):
        await reader.read(1)
        writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(answer_in_clear, "127.0.0.1", 0)
    async with server:
        port = server.sockets[0].getsockname()[1]
        log = KafkaLog(KafkaConfig(bootstrap=f"127.0.0.1:{port}", security_protocol="SSL"))
        with pytest.raises(ConfigurationError, match="security_protocol"):
            await log.ends("documents")
        await log.close()


@pytest.mark.stack
async def test_a_topic_made_again_is_seen_as_it_is_now(kafka_rig):
    topic = await kafka_rig.topic(3)
    await kafka_rig.fill(topic, 5, 5)
    admin = AIOKafkaAdminClient(bootstrap_servers=kafka_rig.bootstrap)
    await admin.start()
    await admin.delete_topics([topic])
    await admin.close()
    async with asyncio.timeout(30):
        while await kafka_rig.log.describe(topic) is not None:  # noqa: ASYNC110 - Kafka has no event
            await asyncio.sleep(0.05)
    with pytest.raises(ConfigurationError, match="does not exist"):
        await kafka_rig.log.ends(topic)
    assert await kafka_rig.log.describe(f"other-{uuid.uuid4().hex}") is None


@pytest.mark.stack
async def test_a_broker_that_was_killed_costs_nothing_that_was_confirmed(kafka_rig, stack):
    topic = await kafka_rig.topic(1)
    impatient = KafkaLog(KafkaConfig(bootstrap=kafka_rig.bootstrap), patience_seconds=3.0)
    before = [NewRecord(topic, b"k", b"before %d" % i) for i in range(200)]
    await impatient.append(before)
    stack.kill("kafka")
    try:
        with pytest.raises(TransientError, match=topic):
            await impatient.append([NewRecord(topic, b"k", b"during")])
    finally:
        stack.start("kafka")
    await impatient.append([NewRecord(topic, b"k", b"after")])
    values = [r.value for r in await kafka_rig.read(topic)]
    assert values[:200] == [record.value for record in before]
    assert values[-1] == b"after"
    assert values[200:-1] in ([], [b"during"])
    await impatient.close()


@pytest.mark.stack
async def test_a_read_goes_on_after_the_broker_was_killed_and_came_back(kafka_rig, stack):
    topic = await kafka_rig.topic(3)
    values = [b"%06d" % i + b"x" * 10_000 for i in range(3_000)]
    await kafka_rig.log.append([NewRecord(topic, b"%d" % i, v) for i, v in enumerate(values)])
    seen: list[bytes] = []
    async with asyncio.timeout(120):
        async for page in kafka_rig.log.read(topic):
            if not seen:
                stack.kill("kafka")
                stack.start("kafka")
            seen += [record.value or b"" for record in page]
    assert sorted(seen) == values
