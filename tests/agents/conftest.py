"""Roles on a real Kafka with scripted work in place of a lane."""

import asyncio
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field

import pytest

from schemas import WorkerReport
from streams.adapters.kafka_log import KafkaLog
from streams.agents.worker import Role, new_worker_id, run_role
from streams.config import Settings
from streams.ports import LogRecord, NewRecord, TopicSpec
from streams.services.follower import Follower
from streams.services.gate import Gate, OpenGate
from tests.waiting import until

DEADLINE = 60.0


@dataclass
class Script:
    """Work that notes what it was given and does what a test tells it to."""

    seen: list[tuple[int, int]] = field(default_factory=list)
    done: list[tuple[int, int]] = field(default_factory=list)
    values: list[bytes | None] = field(default_factory=list)
    before: Callable[[Sequence[LogRecord]], object] = lambda _records: None

    async def process(self, records: Sequence[LogRecord], check: Callable[[], None]) -> None:
        self.seen += [(record.partition, record.offset) for record in records]
        answer = self.before(records)
        if asyncio.iscoroutine(answer):
            await answer
        check()
        self.done += [(record.partition, record.offset) for record in records]
        self.values += [record.value for record in records]


@dataclass
class Bench:
    """A topic of its own on the stack's Kafka, and workers over it."""

    log: KafkaLog
    settings: Settings
    topic: str
    group: str
    gate: Gate = field(default_factory=OpenGate)

    @asynccontextmanager
    async def worker(self, work: Script, *, records: int = 50) -> AsyncIterator[asyncio.Task[int]]:
        stop = asyncio.Event()
        control = Follower(self.log, self.settings.kafka.topics.control)
        role = Role(
            name="scripted",
            worker=new_worker_id("scripted"),
            group=self.group,
            topics=[self.topic],
            work=work,
            counters=lambda: {"records": len(work.done)},
            control=control,
            gate=self.gate,
            records=records,
        )
        async with control:
            await control.caught_up()
            task = asyncio.create_task(run_role(role, self.settings, self.log, stop))
            try:
                yield task
            finally:
                stop.set()
                await asyncio.wait_for(task, DEADLINE)

    async def produce(self, count: int, *, key: Callable[[int], bytes] = lambda n: b"%d" % n):
        records = [NewRecord(self.topic, key(n), b"value %d" % n) for n in range(count)]
        return sorted(await self.log.append(records))

    async def lag(self) -> int:
        ends = await self.log.ends(self.topic)
        committed = await self.log.committed(self.group, self.topic)
        return sum(end - committed.get(partition, 0) for partition, end in ends.items())

    async def until_caught_up(self) -> None:
        async def caught_up() -> bool:
            return await self.lag() == 0

        await until(caught_up, "the group has caught up", DEADLINE)

    async def reports(self) -> list[WorkerReport]:
        topic = self.settings.kafka.topics.observations
        return [
            WorkerReport.decode(record.value or b"")
            async for page in self.log.read(topic)
            for record in page
        ]


@asynccontextmanager
async def new_bench(
    kafka: Mapping[str, object], partitions: int = 1, config: Mapping[str, str] | None = None
) -> AsyncIterator[Bench]:
    """A bench over whatever Kafka the section `[kafka]` leads to."""
    name = f"t{uuid.uuid4().hex[:10]}"
    topics = {"observations": f"{name}-observations", "control": f"{name}-control"}
    settings = Settings.model_validate(
        {
            "kafka": {"session_timeout_seconds": 6, "topics": topics, **kafka},
            "sources": [{"name": "s", "topic": name, "key": ["id"], "text": "{text}"}],
            "lanes": {"l": {"provider": "ollama", "hosts": ["http://127.0.0.1:1"], "model": "m"}},
        }
    )
    log = KafkaLog(settings.kafka)
    try:
        await log.create(TopicSpec(name, partitions, 1, config or {}))
        for topic in topics.values():
            await log.create(TopicSpec(topic, 1, 1, {}))
        yield Bench(log, settings, name, f"{name}-group")
    finally:
        await log.close()


@pytest.fixture
async def bench(stack) -> AsyncIterator[Callable[..., Awaitable[Bench]]]:
    """Makes benches: `await bench(partitions=4, config={...})`."""
    async with AsyncExitStack() as exits:

        async def make(partitions: int = 1, config: Mapping[str, str] | None = None) -> Bench:
            kafka = {"bootstrap": stack.endpoints().kafka_bootstrap}
            return await exits.enter_async_context(new_bench(kafka, partitions, config))

        yield make
