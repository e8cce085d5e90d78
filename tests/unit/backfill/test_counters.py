"""What a lane counts of the rows that it did not read back as written."""

from collections.abc import Sequence

import pytest

from schemas import BuildStarted
from streams.adapters.memory_embedder import MemoryEmbedder
from streams.adapters.memory_log import MemoryLog
from streams.adapters.memory_store import MemoryStore
from streams.config import OllamaConfig, TopicsConfig
from streams.core.dead_letters import fold_letters
from streams.errors import TransientError
from streams.ports import LogRecord, NewRecord, Row, TopicSpec
from streams.services.budget import Budget
from streams.services.embedding import BatchEmbedder
from streams.services.gate import Pace
from streams.services.lane import Lane, LaneParts
from tests.unit.cli.rows import rows_of


async def second_build(log: MemoryLog, store: MemoryStore) -> Lane:
    """Build 2 of a lane over systems in memory."""
    embedder = MemoryEmbedder(4)
    build = BuildStarted(
        id="b",
        by="ann",
        lane="ollama",
        build=2,
        collection="c",
        fingerprint=await embedder.identify(),
        documents_partitions=1,
    )
    for name in ("documents", "dead-letters"):
        await log.create(TopicSpec(name, 1, 1))
    await store.create("c", build.fingerprint)
    limits = OllamaConfig.model_validate(
        {"provider": "ollama", "hosts": ["http://h:1"], "model": "m"}
    )
    return Lane(
        build,
        LaneParts(
            store=store,
            log=log,
            embedder=embedder,
            batch=BatchEmbedder(embedder, limits, Budget(), Pace(lambda: None)),
            topics=TopicsConfig(),
            record_bytes=30_000,
            now_ms=lambda: 0,
            monotonic=lambda: 0.0,
        ),
    )


def nothing_is_wrong() -> None:
    """The partition is ours, and the lane works."""


async def records_of(log: MemoryLog) -> list[LogRecord]:
    return [record async for page in log.read("documents") for record in page]


async def test_rows_that_are_not_read_back_as_written_are_counted_and_written_again():
    log, store = MemoryLog(), MemoryStore()
    lane = await second_build(log, store)
    await rows_of(log, MemoryEmbedder(4), ["one", "two"])
    upsert = store.upsert

    async def forget(_collection: str, _rows: Sequence[Row]) -> None:
        """Answer well and store nothing."""

    store.upsert = forget  # type: ignore[method-assign, assignment]
    with pytest.raises(TransientError, match="not stored as written"):
        await lane.process(await records_of(log), nothing_is_wrong)
    assert lane.counters["mismatched"] == 2
    store.upsert = upsert  # type: ignore[method-assign]
    await lane.process(await records_of(log), nothing_is_wrong)
    assert (lane.counters["mismatched"], lane.counters["written"]) == (2, 2)
    assert lane.counters["embedded"] == 2


async def test_dead_letters_of_a_later_build_name_its_role():
    log = MemoryLog()
    lane = await second_build(log, MemoryStore())
    await log.append([NewRecord("documents", b"a/1", b"not a document")])
    await lane.process(await records_of(log), nothing_is_wrong)
    letters = [record async for page in log.read("dead-letters") for record in page]
    assert [one.letter.stage for one in fold_letters(letters).values()] == ["embed:ollama:2"]
