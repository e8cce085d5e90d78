"""Counting documents: each live one once, wherever its records stand."""

import pytest

from streams.adapters.memory_log import MemoryLog
from streams.errors import ConfigurationError
from streams.ports import NewRecord, TopicSpec
from streams.services.document_count import count_documents


@pytest.fixture
async def log():
    made = MemoryLog(page_records=3)
    await made.create(TopicSpec("documents", 3, 1))
    return made


async def append(log, *keys, value=b"{}"):
    await log.append([NewRecord("documents", key.encode(), value) for key in keys])


async def count(log, until=None):
    told = []
    counted = await count_documents(
        log,
        "documents",
        until or await log.ends("documents"),
        lambda done, total: told.append((done, total)),
    )
    return counted, told


async def test_updates_count_once_and_deletes_not_at_all(log):
    names = [f"a/{number}" for number in range(20)]
    await append(log, *names, *names[:5])
    await append(log, *names[:3], "a/none", value=None)
    await append(log, names[0])
    assert (await count(log))[0] == 18


async def test_what_came_later_does_not_count(log):
    await append(log, "a/1", "a/2")
    until = await log.ends("documents")
    await append(log, "a/3")
    await append(log, "a/1", value=None)
    assert (await count(log, until))[0] == 2


async def test_progress_comes_to_its_end_across_gaps(log):
    names = [f"a/{number}" for number in range(20)]
    for _ in range(5):
        await append(log, *names)
    await append(log, *names[:15], value=None)
    assert log.compact("documents", drop_tombstones=True) > 90
    counted, told = await count(log)
    assert counted == 5
    assert (told[0], told[-1]) == ((0, 115), (115, 115))
    assert told == sorted(told)


async def test_a_topic_that_is_not_there_is_named(log):
    with pytest.raises(ConfigurationError, match="topic nothing"):
        await count_documents(log, "nothing", {0: 1})
