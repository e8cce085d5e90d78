"""What Faust, left alone, would lose. Real Kafka, scripted work."""

import asyncio
import itertools
import sys
from collections.abc import Sequence
from functools import partial
from pathlib import Path

import pytest

from streams.agents import worker
from streams.agents.app import LedgerApp, make_app
from streams.agents.transport import LedgerConsumer
from streams.agents.watchdog import EXIT_STUCK
from streams.config import KafkaConfig, LimitsConfig
from streams.errors import LaneHalted, TransientError
from streams.ports import LogRecord, NewRecord
from tests.agents.conftest import DEADLINE, Script
from tests.waiting import until

pytestmark = pytest.mark.stack


async def test_the_records_of_a_batch_whose_work_fails_come_again(bench):
    """Faust's `take` acknowledges a batch even when its body raises."""
    topic = await bench()
    produced = await topic.produce(20)

    def fail(_records):
        raise RuntimeError("the work broke")

    broken = Script(before=fail)
    async with topic.worker(broken) as task:
        assert await asyncio.wait_for(task, DEADLINE) == 1
    assert broken.seen
    assert await topic.lag() == 20
    healthy = Script()
    async with topic.worker(healthy):
        await topic.until_caught_up()
    assert sorted(healthy.done) == produced


async def test_the_records_of_a_batch_that_is_cancelled_at_a_stop_come_again(bench, monkeypatch):
    """Faust's `take` acknowledges a batch even when its body is cancelled."""
    monkeypatch.setattr(worker, "_DRAIN_SECONDS", 0.1)
    topic = await bench()
    await topic.produce(20)
    held, cancelled = asyncio.Event(), asyncio.Event()

    async def hold(_records):
        held.set()
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            cancelled.set()
            raise

    async with topic.worker(Script(before=hold)):
        await asyncio.wait_for(held.wait(), DEADLINE)
    assert cancelled.is_set()
    assert await topic.lag() == 20


async def test_the_first_records_of_a_fresh_group_are_not_stepped_over(bench):
    """Faust ignores a gap at the head when the group has no committed offset."""
    topic = await bench()
    await topic.produce(30)
    first = asyncio.Event()

    async def hold(_records):
        first.set()
        raise TransientError("not yet")

    stalled = Script(before=hold)
    async with topic.worker(stalled, records=10):
        await asyncio.wait_for(first.wait(), DEADLINE)
    assert await topic.lag() == 30


async def test_one_single_unfinished_record_is_not_stepped_over(bench):
    topic = await bench()
    produced = await topic.produce(3)

    def only_the_first(records):
        if any(record.offset > 0 for record in records):
            raise TransientError("not yet")

    stalled = Script(before=only_the_first)
    async with topic.worker(stalled, records=1):
        await until(lambda: (0, 1) in stalled.seen, "the second record is under way", DEADLINE)
    assert await topic.lag() == 2
    healthy = Script()
    async with topic.worker(healthy, records=1):
        await topic.until_caught_up()
    assert sorted(stalled.done + healthy.done) == produced


async def test_the_record_behind_a_compaction_gap_is_not_lost(bench):
    topic = await bench(
        config={
            "cleanup.policy": "compact",
            "segment.ms": "200",
            "min.cleanable.dirty.ratio": "0.01",
            "min.compaction.lag.ms": "0",
            "max.compaction.lag.ms": "500",
            "delete.retention.ms": "100",
        }
    )
    for _ in range(8):
        await topic.produce(400, key=lambda n: b"%d" % (n % 3 if n % 2 else n))
    left: list[LogRecord] = []

    async def compacted() -> bool:
        await topic.produce(1)  # a new record rolls the segment, so that the old one is cleaned
        left[:] = [record async for page in topic.log.read(topic.topic) for record in page]
        return len(left) < 600

    await until(compacted, "the topic is compacted", DEADLINE, every=0.3)
    newest = {record.key: record.offset for record in left}
    behind = [
        record.offset
        for before, record in itertools.pairwise(left)
        # Only an id's newest record is sure to be there until the end.
        if record.offset - before.offset > 1 and newest[record.key] == record.offset
    ]
    assert len(behind) > 50
    stop_at = behind[len(behind) // 2]

    def stall(records):
        if any(record.offset == stop_at for record in records):
            raise TransientError("not yet")

    stalled, resumed = Script(before=stall), Script()
    async with topic.worker(stalled, records=1):
        await until(lambda: (0, stop_at) in stalled.seen, "the worker stalls", DEADLINE)
    last_done = stalled.done[-1][1]
    assert stop_at - last_done > 1
    assert await topic.log.committed(topic.group, topic.topic) == {0: last_done + 1}
    async with topic.worker(resumed, records=7):
        await topic.until_caught_up()
    assert resumed.done[0] == (0, stop_at)
    done = stalled.done + resumed.done
    assert done == sorted(set(done))
    still_there = {
        (record.partition, record.offset)
        async for page in topic.log.read(topic.topic)
        for record in page
    }
    assert still_there <= set(done)


async def test_a_record_that_is_no_text_does_not_end_the_agent(bench):
    """A decode error inside Faust ends a noack_take agent without a word."""
    topic = await bench()
    await topic.log.append(
        [
            NewRecord(topic.topic, b"\xff\xfe", b"\x80not utf-8"),
            NewRecord(topic.topic, b"deleted", None),
            NewRecord(topic.topic, b"good", b"good"),
        ]
    )
    script = Script()
    async with topic.worker(script):
        await topic.until_caught_up()
    assert script.values == [b"\x80not utf-8", None, b"good"]


async def test_the_changes_of_one_id_keep_their_order(bench):
    topic = await bench(partitions=4)
    await topic.produce(2_000, key=lambda n: b"%d" % (n % 7))
    script = Script()
    async with topic.worker(script, records=64):
        await topic.until_caught_up()
    for partition in range(4):
        offsets = [offset for p, offset in script.done if p == partition]
        assert offsets == sorted(set(offsets))


async def test_no_batch_is_begun_before_the_one_before_it_is_done(bench, monkeypatch):
    """With more than one actor Faust has them share a queue, and overtake each other."""
    apps: list[LedgerApp] = []

    def noted(kafka: KafkaConfig, group: str) -> LedgerApp:
        apps.append(make_app(kafka, group))
        return apps[-1]

    monkeypatch.setattr(worker, "make_app", noted)
    topic = await bench()
    held, release = asyncio.Event(), asyncio.Event()

    async def hold(_records: Sequence[LogRecord]) -> None:
        held.set()
        await release.wait()

    def has_fetched(records: int) -> bool:
        consumer = apps[0].consumer
        assert isinstance(consumer, LedgerConsumer)
        return consumer.unfinished() == records

    script = Script(before=hold)
    async with topic.worker(script):
        produced = await topic.produce(10)
        await asyncio.wait_for(held.wait(), DEADLINE)
        # Each of these is a fetch, and waits for its turn while the next one is on its way.
        for fetch in range(2, 7):
            produced += await topic.produce(10)
            await until(partial(has_fetched, 10 * fetch), "the fetch is there", DEADLINE)
        begun = list(script.seen)
        release.set()
        await topic.until_caught_up()
    assert begun == produced[:10]
    assert script.done == produced


async def test_a_halted_worker_keeps_its_place_through_a_rebalance(bench):
    """Faust forgets its own pauses at each rebalance."""
    topic = await bench(partitions=2)
    produced = await topic.produce(40)

    def halt(_records):
        raise LaneHalted("the quota is used up")

    halted, healthy = Script(before=halt), Script()
    async with topic.worker(halted):
        await until(lambda: bool(halted.seen), "the halted worker has work", DEADLINE)
        async with topic.worker(healthy):
            await until(lambda: bool(healthy.done), "the second worker has a partition", DEADLINE)
        assert halted.done == []
        reasons = {report.reason for report in await topic.reports()}
        assert "the quota is used up" in reasons
    last = Script()
    async with topic.worker(last):
        await topic.until_caught_up()
    assert sorted(set(healthy.done + last.done)) == produced


async def test_a_worker_that_lost_its_partition_writes_nothing_over_its_successor(bench):
    topic = await bench()
    produced = await topic.produce(5)
    held, release = asyncio.Event(), asyncio.Event()

    async def hold(_records):
        held.set()
        await release.wait()

    first, second = Script(before=hold), Script()
    async with topic.worker(first):
        await asyncio.wait_for(held.wait(), DEADLINE)
        async with topic.worker(second):
            # Whoever has the partition now, what the first one holds is of an old generation.
            async def both_have_joined() -> bool:
                return len({r.worker for r in await topic.reports() if r.state == "running"}) == 2

            await until(both_have_joined, "both are in the group", DEADLINE)
            first.before = lambda _records: None
            assert first.done == []
            release.set()
            await topic.until_caught_up()
    assert sorted(first.done + second.done) == produced
    assert len(first.seen) + len(second.seen) > len(produced)


async def test_stopping_finishes_the_batch_that_is_under_way(bench):
    topic = await bench()
    produced = await topic.produce(5)
    held = asyncio.Event()

    async def slow(_records):
        held.set()
        await asyncio.sleep(0.5)

    script = Script(before=slow)
    async with topic.worker(script, records=5):
        await asyncio.wait_for(held.wait(), DEADLINE)
    assert script.done == produced
    assert await topic.lag() == 0


async def test_a_worker_whose_work_never_returns_ends_itself_and_loses_nothing(bench):
    """Nobody else would: its heartbeats go on in a thread of their own."""
    topic = await bench()
    await topic.produce(20)
    limits = LimitsConfig(stuck_after_seconds=1.0)
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "tests.agents.stuck_worker",
        topic.topic,
        topic.group,
        stdin=asyncio.subprocess.PIPE,
        cwd=Path(__file__).parents[2],
    )
    settings = topic.settings.model_copy(update={"limits": limits}).model_dump_json()
    try:
        await asyncio.wait_for(process.communicate(settings.encode()), DEADLINE)
    finally:
        if process.returncode is None:
            process.kill()
    assert process.returncode == EXIT_STUCK
    assert await topic.lag() == 20
