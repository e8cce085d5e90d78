"""A closed gate holds work back within a second, without a rebalance, and through one."""

import asyncio
from collections.abc import Sequence

import pytest

from schemas import WorkerState
from streams.ports import LogRecord
from tests.agents.conftest import DEADLINE, Script
from tests.waiting import until

pytestmark = pytest.mark.stack


class Hand:
    """A gate that a test opens and closes."""

    def __init__(self, why: str | None = None) -> None:
        self.why = why

    def rests(self) -> str | None:
        return self.why


async def state_of(bench) -> WorkerState | None:
    reports = await bench.reports()
    return reports[-1].state if reports else None


async def until_state(bench, state: WorkerState) -> None:
    async def reached() -> bool:
        return await state_of(bench) is state

    await until(reached, f"the worker says {state}", DEADLINE)


async def test_no_work_is_done_behind_a_closed_gate_and_all_of_it_once_it_opens(bench):
    rig = await bench()
    rig.gate = Hand("paused by a test")
    await rig.produce(30)
    work = Script()
    async with rig.worker(work):
        await until_state(rig, WorkerState.PAUSED)
        assert (await rig.reports())[-1].reason == "paused by a test"
        assert work.seen == []
        rig.gate.why = None
        await rig.until_caught_up()
        assert sorted(work.done) == [(0, offset) for offset in range(30)]


async def test_a_gate_that_closes_during_a_batch_lets_nothing_be_written_or_lost(bench):
    rig = await bench()
    rig.gate = Hand()
    await rig.produce(30)

    def close_once(_records: Sequence[LogRecord]) -> None:
        if len(work.seen) <= 30:
            rig.gate.why = "paused by a test"

    work = Script(before=close_once)
    async with rig.worker(work):
        await until_state(rig, WorkerState.PAUSED)
        assert len(work.seen) > 0
        assert work.done == []
        assert await rig.lag() == 30
        rig.gate.why = None
        await rig.until_caught_up()
        assert sorted(set(work.done)) == [(0, offset) for offset in range(30)]


async def test_a_rebalance_does_not_open_a_closed_gate(bench):
    rig = await bench(partitions=4)
    rig.gate = Hand("paused by a test")
    await rig.produce(40)
    first, second = Script(), Script()
    async with rig.worker(first):
        await until_state(rig, WorkerState.PAUSED)
        async with rig.worker(second):

            async def shared() -> bool:
                reports = await rig.reports()
                last = {report.worker: len(report.partitions) for report in reports}
                return sorted(last.values()) == [2, 2]

            await until(shared, "both workers have partitions", DEADLINE)
            # The first batch of a partition comes within a fetch; this is a hundred of them.
            await asyncio.sleep(1.0)
            assert first.seen == second.seen == []
            rig.gate.why = None
            await rig.until_caught_up()
    assert {place for work in (first, second) for place in work.done} == {
        (partition, offset)
        for partition, end in (await rig.log.ends(rig.topic)).items()
        for offset in range(end)
    }


async def test_a_worker_behind_a_closed_gate_stops_at_once(bench):
    rig = await bench()
    rig.gate = Hand("paused by a test")
    await rig.produce(5)
    async with rig.worker(Script()) as running:
        await until_state(rig, WorkerState.PAUSED)
        rig_stopped = asyncio.get_running_loop().time()
    assert running.result() == 0
    assert asyncio.get_running_loop().time() - rig_stopped < 20.0
    assert await rig.lag() == 5
