"""A record is completed after its work has returned, and only then; without Kafka.

The real Faust around it is for `tests/agents`.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any, cast

import pytest
from faust.types import StreamT

from streams.agents.consumption import Consumption
from streams.agents.progress import Progress
from streams.agents.transport import Chunk, LedgerConsumer, Ownership
from streams.errors import LaneHalted, TransientError
from streams.ports import LogRecord
from streams.services.gate import OpenGate
from tests.unit.agents.chunks import chunk
from tests.waiting import until


@dataclass
class Owner:
    """A consumer that answers what a test says, by partition; and notes what was completed."""

    answers: dict[int, Ownership] = field(default_factory=dict)
    asked: int = 0
    completed: list[tuple[int, int]] = field(default_factory=list)

    def ownership(self, message: Chunk) -> Ownership:
        self.asked += 1
        return self.answers.get(message.partition, Ownership.OURS)

    def complete(self, message: Chunk, offsets: Iterable[int]) -> None:
        self.completed += [(message.partition, offset) for offset in offsets]


@dataclass
class Work:
    """Work that does what a test says before its one write."""

    before: Callable[[], object] = lambda: None
    begun: int = 0
    written: list[tuple[int, int]] = field(default_factory=list)

    async def process(self, records: Sequence[LogRecord], check: Callable[[], None]) -> None:
        self.begun += 1
        answer = self.before()
        if asyncio.iscoroutine(answer):
            await answer
        check()
        self.written += [(record.partition, record.offset) for record in records]


@dataclass
class Loop:
    """The loop over some chunks, which come in one go; afterwards the stream is silent."""

    owner: Owner = field(default_factory=Owner)
    work: Work = field(default_factory=Work)

    def __post_init__(self) -> None:
        self.consumption = Consumption(
            self.work,
            lambda: cast("LedgerConsumer", self.owner),
            Progress("w", "scripted", dict),
            gate=OpenGate(),
            records=100,
            within_seconds=0.01,
        )

    def run(self, *chunks: Chunk) -> "asyncio.Task[None]":
        events = [SimpleNamespace(message=one) for one in chunks]

        async def noack_take(_most: int, within: float) -> AsyncIterator[list[SimpleNamespace]]:
            assert within > 0
            yield events

        stream = SimpleNamespace(noack_take=noack_take)
        return asyncio.create_task(self.consumption.run(cast("StreamT[Any]", stream)))


async def test_what_was_done_is_completed():
    loop = Loop()
    await loop.run(chunk(0, 3))
    assert loop.owner.completed == loop.work.written == [(0, 0), (0, 1), (0, 2)]


async def test_a_body_that_is_cancelled_completes_nothing():
    """Faust cancels an agent at a stop and at a rebalance, and `take` would acknowledge then."""
    loop = Loop()
    loop.work.before = asyncio.Event().wait
    task = loop.run(chunk(0, 3))
    await until(lambda: loop.work.begun == 1, "the batch is under way")
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert loop.owner.completed == []


async def test_a_body_that_raises_completes_nothing_and_says_what_it_met():
    def fail() -> None:
        raise RuntimeError("the work broke")

    loop = Loop(work=Work(fail))
    await loop.run(chunk(0, 3))
    assert loop.owner.completed == []
    with pytest.raises(RuntimeError, match="the work broke"):
        await loop.consumption.failure


@pytest.mark.parametrize("error", [TransientError("later"), LaneHalted("an operator must act")])
async def test_a_batch_that_is_given_up_for_a_stop_is_not_completed(error):
    def fail() -> None:
        raise error

    loop = Loop(work=Work(fail))
    task = loop.run(chunk(0, 3))
    await until(lambda: loop.work.begun > 0, "the batch was tried")
    assert await loop.consumption.drain(10)
    await task
    assert loop.owner.completed == []
    assert not loop.consumption.failure.done()


async def test_while_it_is_unsure_whose_a_partition_is_no_work_is_begun_and_none_is_dropped():
    loop = Loop(Owner({0: Ownership.UNSURE}))
    task = loop.run(chunk(0, 3))
    await until(lambda: loop.owner.asked > 2, "ownership was asked for again")
    assert loop.work.begun == 0
    loop.owner.answers.clear()
    await task
    assert loop.owner.completed == loop.work.written == [(0, 0), (0, 1), (0, 2)]


async def test_a_partition_that_was_lost_is_left_to_its_successor_and_the_others_are_done():
    loop = Loop(Owner({1: Ownership.LOST}))
    await loop.run(chunk(0, 2), chunk(1, 2))
    assert loop.owner.completed == loop.work.written == [(0, 0), (0, 1)]


def taken_away_during_the_first_batch(loop: Loop, answer: Ownership) -> None:
    def taken_away() -> None:
        if loop.work.begun == 1:
            loop.owner.answers[1] = answer
            loop.owner.asked = 0

    loop.work.before = taken_away


async def test_a_partition_that_was_lost_during_a_batch_is_not_written_and_the_others_are():
    loop = Loop()
    taken_away_during_the_first_batch(loop, Ownership.LOST)
    await loop.run(chunk(0, 2), chunk(1, 2))
    assert loop.owner.completed == loop.work.written == [(0, 0), (0, 1)]


@pytest.mark.parametrize(
    ("becomes", "done"),
    [
        (Ownership.LOST, [(0, 0), (0, 1)]),
        (Ownership.OURS, [(0, 0), (0, 1), (1, 0), (1, 1)]),
    ],
)
async def test_a_batch_that_became_unsure_is_not_written_before_it_is_sure_again(becomes, done):
    loop = Loop()
    taken_away_during_the_first_batch(loop, Ownership.UNSURE)
    task = loop.run(chunk(0, 2), chunk(1, 2))
    # Twice for each part: by the check that refuses the write, and by each look after it.
    await until(lambda: loop.work.begun == 1 and loop.owner.asked > 4, "it was refused")
    assert loop.work.written == []
    loop.owner.answers[1] = becomes
    await task
    assert loop.owner.completed == loop.work.written == done
