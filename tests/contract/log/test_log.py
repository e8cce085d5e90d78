"""What every log promises: `streams.ports.Log`."""

import asyncio
from contextlib import aclosing

import pytest

from streams.errors import ConfigurationError, DriftError, InputRefused
from streams.ports import NewRecord, TopicSpec


async def test_a_topic_is_created_once(rig):
    topic = await rig.topic()
    assert await rig.log.create(TopicSpec(topic, 7, 1)) is False
    spec = await rig.log.describe(topic)
    assert spec is not None
    assert spec.partitions == 3


async def test_a_topic_without_partitions_is_a_configuration_error(rig):
    with pytest.raises(ConfigurationError, match="contract-empty"):
        await rig.log.create(TopicSpec("contract-empty", 0, 1))


async def test_a_description_holds_what_was_asked_for(rig):
    topic = await rig.topic(5, cleanup_policy="compact", delete_retention_ms="2592000000")
    spec = await rig.log.describe(topic)
    assert spec is not None
    assert (spec.name, spec.partitions, spec.replication_factor) == (topic, 5, 1)
    assert spec.config["cleanup.policy"] == "compact"
    assert spec.config["delete.retention.ms"] == "2592000000"


async def test_a_topic_that_is_not_there_has_no_description(rig):
    assert await rig.log.describe("contract-nowhere") is None


_CALLS = {
    "ends": lambda rig: rig.log.ends("contract-nowhere"),
    "committed": lambda rig: rig.log.committed("group", "contract-nowhere"),
    "append": lambda rig: rig.log.append([NewRecord("contract-nowhere", b"k", b"v")]),
    "read": lambda rig: rig.read("contract-nowhere"),
}


@pytest.mark.parametrize("call", _CALLS)
async def test_a_topic_that_is_not_there_is_named_at_once(rig, call):
    async with asyncio.timeout(10):
        with pytest.raises(ConfigurationError, match="contract-nowhere"):
            await _CALLS[call](rig)
    assert await rig.log.describe("contract-nowhere") is None


async def test_a_new_topic_ends_where_it_begins(rig):
    topic = await rig.topic()
    assert await rig.log.ends(topic) == {0: 0, 1: 0, 2: 0}
    assert await rig.read(topic) == []


async def test_append_tells_where_each_record_went(rig):
    topic = await rig.topic()
    records = [NewRecord(topic, b"key-%d" % i, b"value-%d" % i) for i in range(50)]
    places = await rig.log.append(records)
    found = {(r.partition, r.offset): (r.key, r.value) for r in await rig.read(topic)}
    assert [found[place] for place in places] == [(r.key, r.value) for r in records]
    ends = await rig.log.ends(topic)
    assert sum(ends.values()) == 50
    assert ends == {p: 1 + max(o for q, o in places if q == p) for p in range(3)}


async def test_append_of_nothing_is_nothing(rig):
    assert await rig.log.append([]) == []


async def test_one_append_can_reach_several_topics(rig):
    one, two = await rig.topic(1), await rig.topic(1)
    places = await rig.log.append([NewRecord(one, b"a", b""), NewRecord(two, b"b", b"")])
    assert places == [(0, 0), (0, 0)]
    assert [r.key for r in await rig.read(two)] == [b"b"]


async def test_appends_at_once_lose_and_double_nothing(rig):
    topic = await rig.topic()
    await asyncio.gather(
        *(rig.log.append([NewRecord(topic, b"%d" % i, b"")] * 3) for i in range(20))
    )
    assert sorted(r.key for r in await rig.read(topic)) == sorted(
        b"%d" % (i // 3) for i in range(60)
    )


@pytest.mark.parametrize(
    ("key", "murmur2"),
    [
        (b"21", -973932308),
        (b"foobar", -790332482),
        (b"a-little-bit-long-string", -985981536),
        (b"a-little-bit-longer-string", -1486304829),
        (b"lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8", -58897971),
        (b"abc", 479470107),
    ],
)
async def test_a_key_goes_where_kafkas_own_clients_put_it(rig, key, murmur2):
    """The hashes are those of Kafka's own `UtilsTest.testMurmur2`."""
    topic = await rig.topic(12)
    expected = (murmur2 & 0x7FFFFFFF) % 12
    assert await rig.log.append([NewRecord(topic, key, b"")]) == [(expected, 0)]


async def test_a_named_partition_counts_more_than_the_key(rig):
    topic = await rig.topic()
    places = await rig.log.append([NewRecord(topic, b"same", b"", partition=p) for p in (2, 0, 1)])
    assert places == [(2, 0), (0, 0), (1, 0)]


async def test_a_partition_that_is_not_there_is_a_configuration_error(rig):
    topic = await rig.topic()
    with pytest.raises(ConfigurationError, match="no partition 3"):
        await rig.log.append([NewRecord(topic, b"k", b"v", partition=3)])
    with pytest.raises(ConfigurationError, match="no partition 3"):
        await rig.read(topic, partitions=[3])


async def test_keys_values_and_headers_come_back_byte_for_byte(rig):
    topic = await rig.topic(1)
    headers = (("b", b"\x00\xff"), ("a", b""), ("b", b"again"))
    bodies = [(b"", b""), (b"\x00", None), (None, b"\xff" * 1000), (b"k", b"v")]
    await rig.log.append([NewRecord(topic, k, v, headers) for k, v in bodies])
    found = await rig.read(topic)
    assert [(r.key, r.value) for r in found] == bodies
    assert {r.headers for r in found} == {headers}
    assert all(r.topic == topic and r.timestamp > 1_600_000_000_000 for r in found)


async def test_records_of_a_partition_come_in_order_and_in_pages(rig):
    topic = await rig.topic()
    await rig.log.append([NewRecord(topic, b"%d" % i, b"") for i in range(100)])
    pages = [page async for page in rig.log.read(topic)]
    assert 1 <= max(map(len, pages)) <= 7
    for partition in range(3):
        offsets = [r.offset for page in pages for r in page if r.partition == partition]
        assert offsets == list(range(len(offsets)))
    assert sum(map(len, pages)) == 100


async def test_a_read_keeps_to_its_range(rig):
    topic = await rig.topic()
    for partition in range(3):
        await rig.fill(topic, 20, 20, partition)
    found = await rig.read(topic, since={0: 5, 1: 18}, until={0: 8, 2: 2})
    places = sorted((r.partition, r.offset) for r in found)
    assert places == [(0, 5), (0, 6), (0, 7), (1, 18), (1, 19), (2, 0), (2, 1)]


async def test_a_read_keeps_to_its_partitions(rig):
    topic = await rig.topic()
    for partition in range(3):
        await rig.fill(topic, 2, 2, partition)
    found = await rig.read(topic, partitions=[2, 0], since={0: 1})
    assert sorted((r.partition, r.offset) for r in found) == [(0, 1), (2, 0), (2, 1)]


@pytest.mark.parametrize(("since", "until"), [(5, 5), (6, 5), (20, 20), (0, 0)])
async def test_an_empty_range_holds_nothing(rig, since, until):
    topic = await rig.topic(1)
    await rig.fill(topic, 20, 20)
    assert await rig.read(topic, since={0: since}, until={0: until}) == []


async def test_what_is_appended_during_a_read_is_not_part_of_it(rig):
    topic = await rig.topic(1)
    await rig.fill(topic, 20, 20)
    seen = []
    async for page in rig.log.read(topic):
        seen += [r.offset for r in page]
        await rig.log.append([NewRecord(topic, b"late", b"")])
    assert seen == list(range(20))


async def test_a_read_that_is_broken_off_leaves_the_log_usable(rig):
    topic = await rig.topic(1)
    await rig.fill(topic, 50, 50)
    async with aclosing(rig.log.read(topic)) as pages:
        async for page in pages:
            assert page[0].offset == 0
            break
    assert len(await rig.read(topic)) == 50


async def test_two_reads_at_once_do_not_disturb_each_other(rig):
    topic = await rig.topic()
    await rig.log.append([NewRecord(topic, b"%d" % i, b"") for i in range(60)])
    one, two = await asyncio.gather(rig.read(topic), rig.read(topic, partitions=[1]))
    assert len(one) == 60
    assert two == [r for r in one if r.partition == 1]


async def test_a_range_beyond_the_end_means_another_topic(rig):
    topic = await rig.topic(1)
    await rig.fill(topic, 3, 3)
    with pytest.raises(DriftError, match=r"partition 0.*at least 4.*found 3"):
        await rig.read(topic, until={0: 4})
    with pytest.raises(DriftError, match="partition 5"):
        await rig.read(topic, until={5: 1})


async def test_a_read_crosses_the_gaps_that_compaction_leaves(rig):
    topic = await rig.compactable_topic()
    await rig.fill(topic, 400, 40)
    await rig.log.append([NewRecord(topic, b"k%d" % i, None, partition=0) for i in range(35)])
    await rig.compact(topic)
    ends = await rig.log.ends(topic)
    assert ends[0] >= 436
    found = await rig.read(topic, until={0: 435})
    assert [(r.offset, r.key) for r in found] == [(i, b"k%d" % (i % 40)) for i in range(395, 400)]
    # Ranges that begin, end, or lie wholly within a gap.
    assert [r.offset for r in await rig.read(topic, since={0: 200}, until={0: 397})] == [395, 396]
    assert [r.offset for r in await rig.read(topic, since={0: 398}, until={0: 420})] == [398, 399]
    assert await rig.read(topic, since={0: 100}, until={0: 300}) == []
    assert await rig.read(topic, since={0: 401}, until={0: 430}) == []


async def test_a_read_begins_where_retention_left_the_log(rig):
    topic = await rig.topic(2)
    await rig.fill(topic, 20, 20)
    await rig.expire(topic, {0: 15})
    assert [r.offset for r in await rig.read(topic)] == [15, 16, 17, 18, 19]
    assert [r.offset for r in await rig.read(topic, since={0: 3}, until={0: 17})] == [15, 16]
    assert await rig.read(topic, until={0: 10}) == []


async def test_a_log_that_retention_has_emptied_still_has_its_end(rig):
    topic = await rig.topic(1)
    await rig.fill(topic, 20, 20)
    await rig.expire(topic, {0: 20})
    assert await rig.log.ends(topic) == {0: 20}
    assert await rig.read(topic) == []
    assert await rig.log.append([NewRecord(topic, b"k", b"")]) == [(0, 20)]


async def test_a_record_that_is_too_large_is_refused_and_the_next_one_passes(rig):
    topic = await rig.topic(1, max_message_bytes="5000")
    with pytest.raises(InputRefused, match=f"{topic}.*max.message.bytes is 5000"):
        await rig.log.append([NewRecord(topic, b"k", b"x" * 5000)])
    await rig.log.append([NewRecord(topic, b"k", b"x" * 4500)])
    assert [len(r.value) for r in await rig.read(topic)] == [4500]


async def test_a_large_record_passes_where_the_topic_takes_it(rig):
    topic = await rig.topic(1, max_message_bytes="6000000")
    values = [b"x" * 5_500_000, b"small", b"y" * 5_000_000]
    await rig.log.append([NewRecord(topic, b"k", value) for value in values])
    assert [r.value for r in await rig.read(topic)] == values


async def test_many_appends_at_once_to_one_partition_all_get_through(rig):
    topic = await rig.topic(1)
    records = [NewRecord(topic, b"k", b"%d" % n) for n in range(2_000)]
    places = await asyncio.gather(*(rig.log.append([record]) for record in records))
    assert sorted(places) == [[(0, offset)] for offset in range(2_000)]


async def test_a_record_of_nothing_is_refused_and_the_next_one_passes(rig):
    topic = await rig.topic(1)
    with pytest.raises(InputRefused, match="neither key nor value"):
        await rig.log.append([NewRecord(topic, None, None)])
    assert await rig.log.append([NewRecord(topic, None, b"")]) == [(0, 0)]


async def test_a_compacted_topic_refuses_a_record_without_a_key_and_takes_the_next(rig):
    topic = await rig.topic(1, cleanup_policy="compact")
    with pytest.raises(InputRefused, match="without a key"):
        await rig.log.append([NewRecord(topic, None, b"v")])
    assert await rig.log.append([NewRecord(topic, b"k", b"v")]) == [(0, 0)]


async def test_a_group_has_committed_zero_until_it_commits(rig):
    topic = await rig.topic()
    group = f"{topic}-group"
    assert await rig.log.committed(group, topic) == {0: 0, 1: 0, 2: 0}
    await rig.fill(topic, 9, 9, partition=1)
    await rig.commit(group, topic, {1: 7})
    assert await rig.log.committed(group, topic) == {0: 0, 1: 7, 2: 0}
    assert await rig.log.committed(f"{group}-other", topic) == {0: 0, 1: 0, 2: 0}


async def test_a_closed_log_has_kept_what_was_appended(rig):
    topic = await rig.topic(1)
    await rig.fill(topic, 3, 3)
    await rig.log.close()
    assert len(await rig.read(topic)) == 3
