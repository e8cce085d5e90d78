"""What every log promises to whoever follows it: `streams.ports.Log.follow`."""

import asyncio
from contextlib import aclosing

import pytest

from streams.ports import NewRecord

SECONDS = 30.0


class Followed:
    """Collects what a follower is given, in the background."""

    def __init__(self, rig, topic, since=None):
        self.values, self.positions = [], {}
        self._changed = asyncio.Condition()
        self._task = asyncio.create_task(self._run(rig.log.follow(topic, since or {})))

    async def _run(self, pages):
        async with aclosing(pages):
            async for page, positions in pages:
                async with self._changed:
                    self.values += [record.value for record in page]
                    self.positions = positions
                    self._changed.notify_all()

    async def until(self, condition):
        async with asyncio.timeout(SECONDS), self._changed:
            await self._changed.wait_for(lambda: condition(self))

    async def __aenter__(self):
        return self

    async def __aexit__(self, *_):
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)


async def test_a_follower_gets_what_is_there_and_then_what_comes(rig):
    topic = await rig.topic(1)
    await rig.fill(topic, 20, keys=20)
    async with Followed(rig, topic) as followed:
        await followed.until(lambda f: len(f.values) == 20)
        await rig.log.append([NewRecord(topic, b"k", b"later")])
        await followed.until(lambda f: f.values[-1] == b"later")
        assert followed.values == [*(b"v%d" % n for n in range(20)), b"later"]
        assert followed.positions == {0: 21}


async def test_a_follower_of_an_empty_topic_waits_for_its_first_record(rig):
    topic = await rig.topic(1)
    async with Followed(rig, topic) as followed:
        await rig.log.append([NewRecord(topic, b"k", b"first")])
        await followed.until(lambda f: f.values == [b"first"])


async def test_a_follower_begins_where_it_is_told_to(rig):
    topic = await rig.topic(1)
    await rig.fill(topic, 5, keys=5)
    async with Followed(rig, topic, {0: 3}) as followed:
        await followed.until(lambda f: f.positions == {0: 5})
        assert followed.values == [b"v3", b"v4"]


async def test_two_followers_get_the_same(rig):
    topic = await rig.topic(1)
    async with Followed(rig, topic) as first, Followed(rig, topic) as second:
        for number in range(10):
            await rig.log.append([NewRecord(topic, b"k", b"%d" % number)])
        for followed in (first, second):
            await followed.until(lambda f: len(f.values) == 10)
        assert first.values == second.values == [b"%d" % n for n in range(10)]


async def test_all_partitions_are_followed_each_in_its_order(rig):
    topic = await rig.topic(3)
    for partition in range(3):
        await rig.fill(topic, 4, keys=4, partition=partition)
    async with Followed(rig, topic, {1: 2}) as followed:
        await followed.until(lambda f: f.positions == {0: 4, 1: 4, 2: 4})
        assert sorted(followed.values) == sorted(
            [b"v%d" % n for n in range(4)] * 2 + [b"v2", b"v3"]
        )


@pytest.mark.stack
async def test_a_follower_passes_offsets_without_records(kafka_rig):
    """Any Kafka client may write in transactions, whose markers take offsets."""
    topic = await kafka_rig.topic(1)
    await kafka_rig.transact(topic, 2, commit=False)
    await kafka_rig.transact(topic, 2, commit=True)
    end = await kafka_rig.log.ends(topic)
    async with Followed(kafka_rig, topic) as followed:
        await followed.until(lambda f: f.positions == end)
        assert len(followed.values) == 2
