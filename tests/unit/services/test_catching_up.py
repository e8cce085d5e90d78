"""A group is behind by records, not by offsets; without time to wait, one look tells."""

from collections.abc import Mapping

import pytest

from streams.adapters.memory_log import MemoryLog
from streams.ports import NewRecord, TopicSpec
from streams.services.catching_up import wait_for_group


class CountingLog(MemoryLog):
    """Counts how often it is asked how far a group is."""

    looks = 0

    async def committed(self, group: str, topic: str) -> dict[int, int]:
        self.looks += 1
        return await super().committed(group, topic)


@pytest.fixture
async def log():
    made = CountingLog()
    await made.create(TopicSpec("t", 1, 1))
    await made.append([NewRecord("t", b"a", b"1"), NewRecord("t", b"b", b"2")])
    made.commit("g", "t", {0: 1})
    return made


async def test_a_record_that_is_left_is_lag_at_the_one_look_there_is_time_for(log):
    told: list[Mapping[int, int]] = []
    found = await wait_for_group(log, "g", "t", {0: 2}, wait_seconds=0, on_lag=told.append)
    assert found == {0: 1}
    assert told == [{0: 1}]
    assert log.looks == 1


@pytest.mark.parametrize("wait_seconds", [0, 10])
async def test_offsets_without_a_record_are_no_lag(log, wait_seconds):
    log._of("t")[0].records.pop()  # as compaction takes a tombstone
    found = await wait_for_group(
        log, "g", "t", {0: 2}, wait_seconds=wait_seconds, on_lag=lambda _lag: None
    )
    assert found == {}


async def test_a_group_that_has_all_is_asked_once(log):
    log.commit("g", "t", {0: 2})
    assert await wait_for_group(log, "g", "t", {0: 2}, wait_seconds=10, on_lag=print) == {}
    assert log.looks == 1
