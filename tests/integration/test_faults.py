"""Whatever is killed, frozen or taken away: afterwards both lanes are exactly the database."""

import asyncio
import itertools
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass

import pytest
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType

from schemas import WorkerState
from streams.core.role_names import NORMALISE
from streams.services.lag import lag_of_role
from tests.integration.system import LANES, System, new_system
from tests.integration.turnstile import Turnstile
from tests.stack_fixture import RunningStack
from tests.waiting import until

pytestmark = [pytest.mark.stack, pytest.mark.timeout(600)]

COMMIT_MS = 1_000
"""A worker commits that often."""

TRANSACTION = 2_000
"""Rows that the normaliser takes long enough for to be killed among them."""


@pytest.mark.parametrize("lane", LANES)
async def test_a_lane_killed_in_the_middle_of_a_batch_loses_nothing(stack, tmp_path, lane: str):
    endpoints = stack.endpoints()
    with Turnstile(getattr(endpoints, f"{lane}_url")) as turnstile:
        relayed = endpoints.model_copy(update={f"{lane}_url": turnstile.url})
        async with new_system(relayed, tmp_path) as system:
            await system.init()
            for role in ("normalise", *(f"embed:{other}" for other in LANES if other != lane)):
                await system.worker(role)
            batches = Batches(system, stack, turnstile, lane)
            await batches.begin("killed between two calls", range(1, 41), calls=1)
            await batches.kill_between_two_calls()
            await batches.begin("killed before the write", range(41, 49))
            await batches.kill_before_the_write()
            await batches.begin("killed before the commit", range(49, 57))
            await batches.kill_before_the_commit()
            await system.worker(f"embed:{lane}")
            await system.sql("DELETE FROM articles WHERE id % 9 = 0")
            await system.until_converged()
            await system.must_be_clean()


@dataclass
class Batches:
    """A lane's batches, which wait for the embedder, and the three places to kill one at."""

    system: System
    stack: RunningStack
    turnstile: Turnstile
    lane: str

    async def begin(self, mark: str, numbers: Sequence[int], *, calls: int = 0) -> None:
        """Start a worker, write articles, and wait until it has a batch of them in hand.

        It is done with everything before them, and `calls` embedding calls for them.
        """
        self.worker = await self.system.worker(f"embed:{self.lane}")

        async def idle() -> bool:
            return await self.system.lag(f"embed:{self.lane}") == 0

        await until(idle, "the lane has nothing left to do", 60)
        self.turnstile.hold(mark, after=calls)
        await self.system.write(numbers, f"Text {{}}, {mark}.")
        await until(self.turnstile.holds_a_call, "the worker waits for its embedder", 60)

    async def kill_between_two_calls(self) -> None:
        await self._it_would_have_committed()
        await self.worker.kill()
        self.turnstile.release()

    async def kill_before_the_write(self) -> None:
        """The batch is embedded, and Milvus takes nothing."""
        answered = len(self.turnstile.exchanges)
        async with self._frozen("milvus"):
            self.turnstile.release()
            await until(
                lambda: len(self.turnstile.exchanges) > answered, "the batch is embedded", 60
            )
            await self._it_would_have_committed()
            await self.worker.kill()

    async def kill_before_the_commit(self) -> None:
        """The rows are there, and Kafka takes no commit."""
        collection = self.system.collection(self.lane)
        before = await self.system.store.count(collection)

        async def written() -> bool:
            return await self.system.store.count(collection) > before

        async with self._frozen("kafka"):
            self.turnstile.release()
            await until(written, "the batch is written", 60)
            await self.worker.kill()

    async def _it_would_have_committed(self) -> None:
        """Wait for so long that whatever was acknowledged too early is committed."""
        asked = time.time_ns() // 1_000_000

        async def committed() -> bool:
            reports = await self.system.reports(f"embed:{self.lane}")
            return bool(reports) and reports[-1].at > asked + COMMIT_MS

        await until(committed, "the worker has lived through a commit", 60)

    @asynccontextmanager
    async def _frozen(self, part: str) -> AsyncIterator[None]:
        await asyncio.to_thread(self.stack.freeze, part)
        try:
            yield
        finally:
            await asyncio.to_thread(self.stack.thaw, part)


async def test_a_normaliser_killed_in_the_middle_of_its_work_loses_nothing(system: System):
    await system.worker("embed:cloud")  # the other lane would need minutes for so many texts
    numbers = itertools.count(1)
    cut_short = 0
    for _kill in range(3):
        worker = await system.worker("normalise")
        await until(lambda: is_idle(system), "the normaliser has nothing left to do", 60)
        before = await ahead(system)
        await work_begins(system, numbers)
        await worker.kill()
        cut_short += await ahead(system) > before
    assert cut_short > 0
    await system.worker("normalise")
    await system.sql("DELETE FROM articles WHERE id % 9 = 0")
    await system.until_converged(["cloud"])
    await system.must_be_clean(["cloud"])


async def is_idle(system: System) -> bool:
    return await system.lag("normalise") == 0


async def work_begins(system: System, numbers: Iterator[int]) -> None:
    """Write large transactions until documents are there whose events are not committed."""
    before, start = await ahead(system), await appended(system)
    written = 0

    async def under_way() -> bool:
        nonlocal written
        if await ahead(system) > before:
            return True
        if await appended(system) - start >= written:  # at first, and when nobody looked in time
            await system.write(list(itertools.islice(numbers, TRANSACTION)))
            written += TRANSACTION
        return False

    await until(under_way, "the normaliser is in the middle of its work", 60)


async def ahead(system: System) -> int:
    """How many more documents were appended than events committed; each event makes one."""
    (articles,) = (s.topic for s in system.settings.sources if s.name == "articles")
    documents = await appended(system)  # first, so that the difference is never too large
    committed = await system.log.committed(system.settings.group(NORMALISE), articles)
    return documents - sum(committed.values())


async def appended(system: System) -> int:
    return sum((await system.log.ends(system.settings.kafka.topics.documents)).values())


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
    for lane in LANES:
        await rewind(system, f"embed:{lane}")
        await system.worker(f"embed:{lane}")
    await system.until_converged()
    await system.must_be_clean()
    assert {lane: await system.embedded(lane) for lane in LANES} == made
    # And once more, from the change events: older versions come after newer ones.
    documents, records = await newest(system), await appended(system)
    assert await workers[NORMALISE].stop() == 0
    await rewind(system, NORMALISE)
    await system.worker(NORMALISE)
    await system.until_converged()
    await system.must_be_clean()
    assert await appended(system) > records
    assert await newest(system) == documents


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


async def newest(system: System) -> dict[bytes | None, bytes]:
    """The documents that there are, by id."""
    last = {r.key: r.value for r in await system.records(system.settings.kafka.topics.documents)}
    return {id_: value for id_, value in last.items() if value is not None}


async def rewind(system: System, role: str) -> None:
    """Set what a role's group has committed to the beginning: all is delivered again."""
    lag = await lag_of_role(system.log, system.settings, role)
    places = [place.rpartition("/") for place in lag]
    partitions = [TopicPartition(topic, int(number)) for topic, _, number in places]
    consumer = AIOKafkaConsumer(
        bootstrap_servers=system.settings.kafka.bootstrap,
        group_id=system.settings.group(role),
        enable_auto_commit=False,
    )
    await consumer.start()
    try:
        consumer.assign(partitions)
        await consumer.commit(dict.fromkeys(partitions, 0))
    finally:
        await consumer.stop()
