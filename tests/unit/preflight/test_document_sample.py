"""A bounded, even sample of documents from a log with all that a log may hold."""

import pytest

from schemas import Document
from streams.adapters.memory_log import MemoryLog
from streams.core.text import content_hash
from streams.errors import ConfigurationError
from streams.ports import NewRecord, TopicSpec
from streams.services.document_sample import sample_documents


def record(number: int, text: str | None = "A text.") -> NewRecord:
    name = f"articles/{number}"
    value = None
    if text is not None:
        value = Document(
            id=name,
            source="articles",
            key={"id": number},
            text=text,
            content_hash=content_hash(text),
            position=f"{number:020}",
        ).encode()
    return NewRecord("documents", name.encode(), value)


@pytest.fixture
async def log() -> MemoryLog:
    log = MemoryLog()
    await log.create(TopicSpec("documents", 3, 1))
    return log


async def test_a_small_log_is_sampled_whole_each_id_once(log):
    await log.append([record(number) for number in range(5)])
    await log.append([record(2, "Newer."), record(3, None)])
    found = await sample_documents(log, "documents", 10)
    assert sorted(one.id for one in found) == [f"articles/{n}" for n in (0, 1, 2, 4)]
    assert {one.text for one in found if one.id == "articles/2"} == {"Newer."}


async def test_a_large_log_is_read_in_part_and_from_all_over(log, monkeypatch):
    await log.append([record(number) for number in range(6_000)])
    read: list[int] = []
    real = log.read

    async def counting(*args, **options):
        async for page in real(*args, **options):
            read.extend(one.offset for one in page)
            yield page

    monkeypatch.setattr(log, "read", counting)
    found = await sample_documents(log, "documents", 60)
    assert len(found) == 60
    assert len(read) <= 60 * 4 + 3 * 4
    numbers = [one.key["id"] for one in found]
    assert min(numbers) < 1_000
    assert max(numbers) > 4_000


async def test_what_is_no_document_is_left_out(log):
    await log.append([NewRecord("documents", b"articles/1", b"{}"), record(2)])
    assert [one.id for one in await sample_documents(log, "documents", 5)] == ["articles/2"]


async def test_gaps_of_compaction_are_no_documents(log):
    await log.append([record(0, f"Version {turn}.") for turn in range(500)])
    log.compact("documents")
    found = await sample_documents(log, "documents", 2)
    assert [one.text for one in found] in ([], ["Version 499."])


async def test_an_empty_log_gives_none_and_a_missing_one_an_error(log):
    assert await sample_documents(log, "documents", 5) == []
    with pytest.raises(ConfigurationError):
        await sample_documents(log, "nothing", 5)
