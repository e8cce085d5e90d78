"""What a process that follows the control log for a bench notes."""

import asyncio
import io
import threading
import time

import orjson
import pytest

from schemas import BuildStarted, Fingerprint, Throttle
from streams.adapters.memory_log import MemoryLog
from streams.bench.following import READY, follow
from streams.ports import NewRecord, TopicSpec
from tests.waiting import until

TOPIC = "control"


class Pipe(io.BytesIO):
    """Standard input whose next line comes when the test gives it."""

    def __init__(self) -> None:
        super().__init__()
        self.line = b""
        self.given = threading.Event()

    def give(self, line: bytes) -> None:
        self.line = line
        self.given.set()

    def readline(self, _size: int | None = -1, /) -> bytes:
        assert self.given.wait(30)
        return self.line


def throttle(number: int) -> NewRecord:
    order = Throttle(id=str(number), by="test", lane="cloud", documents_per_second=float(number))
    return NewRecord(TOPIC, b"throttle", order.encode())


@pytest.fixture
async def log() -> MemoryLog:
    memory = MemoryLog()
    await memory.create(TopicSpec(TOPIC, 1, 1, {}))
    build = BuildStarted(
        id="build",
        by="test",
        lane="cloud",
        build=1,
        collection="c",
        fingerprint=Fingerprint(provider="memory", model="m", dimensions=4),
        documents_partitions=1,
    )
    await memory.append([NewRecord(TOPIC, b"build", build.encode())])
    return memory


async def test_it_tells_when_each_order_came_into_force(log):
    pipe, said = Pipe(), io.BytesIO()
    following = asyncio.create_task(follow(log, TOPIC, pipe, said))
    await until(lambda: said.getvalue() == READY, "it is ready")
    before = time.monotonic_ns()
    # The second of these changes nothing, and is no order that could have an effect.
    places = await log.append([throttle(1), throttle(1), throttle(2)])
    pipe.give(b"report\n")
    await following
    moments = orjson.loads(said.getvalue().removeprefix(READY))
    first, _, last = (str(offset) for _, offset in places)
    assert list(moments) == ["0", first, last]
    assert moments["0"] <= before <= moments[first] <= moments[last] <= time.monotonic_ns()


async def test_it_ends_without_a_word_when_nobody_listens_any_more(log):
    pipe, said = Pipe(), io.BytesIO()
    following = asyncio.create_task(follow(log, TOPIC, pipe, said))
    await until(lambda: said.getvalue() == READY, "it is ready")
    pipe.give(b"")
    await following
    assert said.getvalue() == READY
