"""Whatever is killed, frozen or taken away: afterwards both lanes are exactly the database."""

import asyncio
import itertools

import pytest
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType

from schemas import WorkerState
from tests.integration.system import LANES, System
from tests.waiting import until

pytestmark = [pytest.mark.stack, pytest.mark.timeout(600)]


@pytest.mark.parametrize("role", ["normalise", "embed:cloud", "embed:ollama"])
async def test_a_worker_killed_in_the_middle_of_its_work_loses_nothing(system: System, role: str):
    workers = await system.all_workers()
    documents = iter(itertools.count(1))

    async def write(count: int, text: str) -> None:
        await system.write([next(documents) for _ in range(count)], text)

    for kill in range(3):
        await write(40, f"Text {{}} before kill {kill}.")

        async def under_way(kill: int = kill) -> bool:
            # Some of the new records are done and others are not.
            lag = await system.lag(role)
            held = await system.store.count(system.collection("ollama"))
            return (lag > 0 and held > 0) or held >= 40 * (kill + 1)

        await until(under_way, f"{role} is under way", 60)
        await workers[role].kill()
        workers[role] = await system.worker(role)
    await system.sql("DELETE FROM articles WHERE id % 9 = 0")
    await system.until_converged()
    await system.must_be_clean()


async def test_milvus_killed_and_back_loses_nothing(system: System, stack):
    await system.all_workers()
    await system.write(range(1, 41))
    await system.until_lane_holds("cloud", 1)
    stack.kill("milvus")
    try:
        await system.write(range(30, 71), "Written to {} while Milvus was away.")
        await until(
            lambda: is_stalled(system, "cloud"), "the cloud lane says that it is stalled", 60
        )
    finally:
        await asyncio.to_thread(stack.start, "milvus")
    await system.until_converged()
    await system.must_be_clean()


async def test_a_dead_ollama_stalls_its_lane_only_and_loses_nothing(system: System, stack):
    await system.all_workers()
    await system.write(range(1, 21))
    await system.until_converged()
    stack.kill("ollama")
    try:
        await system.write(range(21, 61))
        await system.until_converged(["cloud"])
        await until(lambda: is_stalled(system, "ollama"), "the Ollama lane is stalled", 60)
        assert await system.store.count(system.collection("ollama")) == 20
    finally:
        await asyncio.to_thread(stack.start, "ollama")
    await system.until_converged()
    await system.must_be_clean()
    assert await system.letters() == []


async def is_stalled(system: System, lane: str) -> bool:
    reports = await system.reports(f"embed:{lane}")
    return bool(reports) and reports[-1].state is WorkerState.STALLED and bool(reports[-1].reason)


async def test_a_replay_of_a_compacted_topic_makes_no_embedding_call_and_loses_nothing(
    system: System,
):
    workers = await system.all_workers()
    await system.write(range(1, 31))
    for turn in range(6):
        await system.write(range(1, 16), f"Version {turn} of {{}}.")
    await system.sql("DELETE FROM articles WHERE id > 28")
    await system.until_converged()  # so that all have seen the topic as it must be
    await compact(system)
    await system.until_converged()
    for lane in LANES:
        assert await workers[f"embed:{lane}"].stop() == 0
    made = {lane: await system.embedded(lane) for lane in LANES}
    await rewind(system)
    for lane in LANES:
        await system.worker(f"embed:{lane}")
    await system.until_converged()
    await system.must_be_clean()
    assert {lane: await system.embedded(lane) for lane in LANES} == made


async def test_two_workers_of_a_lane_joining_and_leaving_lose_nothing(system: System):
    await system.all_workers()
    await system.write(range(1, 101))
    await system.until_lane_holds("cloud", 1)
    second = [await system.worker(f"embed:{lane}") for lane in LANES]
    await system.write(range(80, 141), "Written to {} by two workers.")
    await until(lambda: both_work(system), "both workers of each lane have partitions", 60)
    for worker in second:
        assert await worker.stop() == 0
    await system.write(range(130, 151), "Written to {} by one worker again.")
    await system.until_converged()
    await system.must_be_clean()


async def both_work(system: System) -> bool:
    for lane in LANES:
        last = {report.worker: report for report in await system.reports(f"embed:{lane}")}
        if sum(bool(report.partitions) for report in last.values()) < 2:
            return False
    return True


async def compact(system: System) -> None:
    """Have the broker really clean `documents`, and put the topic's settings back."""
    topic = system.settings.kafka.topics.documents
    described = await system.log.describe(topic)
    assert described is not None
    hurry = {
        "min.compaction.lag.ms": "0",
        "max.compaction.lag.ms": "200",
        "min.cleanable.dirty.ratio": "0.01",
        "segment.ms": "100",
    }
    own = {
        name: described.config[name]
        for name in (
            "cleanup.policy",
            "delete.retention.ms",
            "min.compaction.lag.ms",
            "max.message.bytes",
            "min.insync.replicas",
            "unclean.leader.election.enable",
        )
    }
    await alter(system, {**own, **hurry})

    async def compacted() -> bool:
        # A record of each partition rolls its active segment, which is never cleaned.
        await system.write(range(16, 29), "Rolling {}.")
        ends = await system.log.ends(topic)
        return sum(ends.values()) - len(await system.records(topic)) >= 60

    await until(compacted, "documents is compacted", 90, every=0.5)
    await alter(system, own)


async def alter(system: System, config: dict[str, str]) -> None:
    admin = AIOKafkaAdminClient(bootstrap_servers=system.settings.kafka.bootstrap)
    await admin.start()
    try:
        topic = system.settings.kafka.topics.documents
        await admin.alter_configs([ConfigResource(ConfigResourceType.TOPIC, topic, config)])
    finally:
        await admin.close()


async def rewind(system: System) -> None:
    """Set what the lanes' groups have committed to the beginning: all is delivered again."""
    topic = system.settings.kafka.topics.documents
    partitions = [TopicPartition(topic, number) for number in await system.log.ends(topic)]
    for lane in LANES:
        consumer = AIOKafkaConsumer(
            bootstrap_servers=system.settings.kafka.bootstrap,
            group_id=system.settings.group(f"embed:{lane}"),
            enable_auto_commit=False,
        )
        await consumer.start()
        try:
            consumer.assign(partitions)
            await consumer.commit(dict.fromkeys(partitions, 0))
        finally:
            await consumer.stop()
