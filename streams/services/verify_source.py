"""Comparing the source database itself with `documents`: what `hotswap verify --source` does.

Reads the newest documents, then every row of every table, and holds them in packed form: so
many bytes for each document, whatever its text. What differs is looked at again before it
counts, since rows and documents go on changing.
"""

import asyncio
import time
from collections.abc import Callable, Mapping
from contextlib import aclosing
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from schemas.source_verify import SourceFinding, SourceReport, SourceResult
from streams.config import Settings
from streams.core.normalisation import Limits
from streams.core.source_comparison import (
    Comparison,
    Newest,
    Suspect,
    expectation_of,
    judge,
    packed,
    source_prefix,
    written_at,
)
from streams.core.source_report import SourceTally, conclude
from streams.ports import Database, Log
from streams.services.connector import connector_config
from streams.services.shards import shard_by_shard
from streams.services.source_letters import Letters, read_source_letters
from streams.services.source_looks import Ground, Looks, Place, look_until_still, normaliser_lag
from streams.services.source_tables import SourceTable, source_tables

__all__ = ["SourcePhase", "SourceProgress", "verify_source"]

_SLASH: Final = b"/"


class SourcePhase(StrEnum):
    """What a comparison is doing."""

    WAIT = "waiting for the normaliser"
    DOCUMENTS = "reading documents"
    ROWS = "reading rows"
    AGAIN = "looking at differences again"


@dataclass(frozen=True, slots=True)
class SourceProgress:
    """How far a comparison is.

    `source` is empty where it is about all of them. `done` and `total` count change events,
    offsets, rows or differences, by phase. The total of rows is the database's estimate; None: it
    has none, or one that was passed.
    """

    phase: SourcePhase
    source: str
    done: int
    total: int | None


_OnProgress = Callable[[SourceProgress], None]


@dataclass(slots=True)
class _Found:
    """What was found of one source."""

    comparison: Comparison
    tally: SourceTally = field(default_factory=SourceTally)
    changing: int = 0
    unsettled: int = 0


async def verify_source(
    settings: Settings,
    log: Log,
    database: Database,
    *,
    wait_seconds: float,
    on_progress: _OnProgress,
) -> SourceReport:
    """Compare every row of every source with its document.

    Args:
        settings: name the sources, the topics and the normaliser's group.
        log: where the topics are.
        database: the one that the connector reads.
        wait_seconds: how long to wait for the normaliser, and as long again for differences
            to go away or stand still.
        on_progress: called often; must return at once.

    Raises:
        ConfigurationError: a source is no table that can be compared, or there is no such topic.
        TransientError: Kafka or the database can not be reached.
    """
    at, started = time.time_ns() // 1_000_000, time.monotonic()
    tables = await source_tables(settings, database)
    ground = Ground(settings, log, database, _limits(settings), {t.source.name: t for t in tables})
    version = await database.version()

    most = 0

    def waiting(lag: Mapping[str, int]) -> None:
        nonlocal most
        left = sum(lag.values())
        most = max(most, left)
        on_progress(SourceProgress(SourcePhase.WAIT, "", most - left, most))

    lag = await normaliser_lag(ground, wait_seconds=wait_seconds, on_lag=waiting)
    sources: tuple[SourceResult, ...] = ()
    other = 0
    if not lag:
        sources, other, lag = await _compare(ground, wait_seconds, on_progress)
    verdict, reason = conclude(sources, lag=lag, stream=await _stream_problem(settings, database))
    return SourceReport(
        at=at,
        database=version,
        lag=lag,
        sources=sources,
        other_documents=other,
        seconds=time.monotonic() - started,
        verdict=verdict,
        reason=reason,
    )


def _limits(settings: Settings) -> Limits:
    return Limits(
        text_budget_bytes=settings.text_budget_bytes,
        metadata_bytes=settings.limits.metadata_bytes,
        record_bytes=settings.limits.record_bytes,
    )


async def _compare(
    ground: Ground, wait_seconds: float, on_progress: _OnProgress
) -> tuple[tuple[SourceResult, ...], int, dict[str, int]]:
    """What was found of each source, documents of no source, and the normaliser's lag."""
    snapshot = await ground.log.ends(ground.settings.kafka.topics.documents)
    newest, other = await _read_documents(ground, snapshot, on_progress)
    found: dict[str, _Found] = {}
    letters = await _letters(ground)
    suspects: dict[Place, Suspect] = {}
    for name, table in ground.tables.items():
        one = found[name] = _Found(Comparison(newest.pop(name)))
        await _read_rows(ground, table, one.comparison, on_progress)
        for suspect in one.comparison.suspects():
            if _is_explained(suspect, table, letters):
                one.tally.add(SourceFinding.DEAD_LETTERED, suspect)
            else:
                suspects[name, suspect.reference] = suspect

    total = len(suspects)

    def looked(left: int) -> None:
        on_progress(SourceProgress(SourcePhase.AGAIN, "", total - left, total))

    looks = await look_until_still(
        ground, suspects, snapshot, wait_seconds=wait_seconds, on_look=looked
    )
    await _count(ground, looks, found)
    results = tuple(_result(table, found[name]) for name, table in ground.tables.items())
    return results, other, looks.lag


async def _count(ground: Ground, looks: Looks, found: Mapping[str, _Found]) -> None:
    letters = await _letters(ground) if looks.wrong else {}
    for name, suspect in looks.wrong:
        finding = judge(suspect.expected, suspect.found)
        if finding is None:
            continue
        explained = _is_explained(suspect, ground.tables[name], letters)
        found[name].tally.add(SourceFinding.DEAD_LETTERED if explained else finding, suspect)
    for name in looks.changing:
        found[name].changing += 1
    for name in looks.unsettled:
        found[name].unsettled += 1


def _result(table: SourceTable, found: _Found) -> SourceResult:
    return SourceResult(
        source=table.source.name,
        table=table.table.name,
        rows=found.comparison.rows,
        without_text=found.comparison.without_text,
        documents=found.comparison.documents,
        changing=found.changing,
        unsettled=found.unsettled,
        counts=found.tally.counts(),
        samples=found.tally.samples(),
    )


async def _read_documents(
    ground: Ground, snapshot: Mapping[int, int], on_progress: _OnProgress
) -> tuple[dict[str, Newest], int]:
    """Source → its newest documents, and how many documents are of no source."""
    newest: dict[str, Newest] = {name: {} for name in ground.tables}
    by_prefix = {source_prefix(name): documents for name, documents in newest.items()}
    others: set[bytes] = set()

    def read(done: int, total: int) -> None:
        on_progress(SourceProgress(SourcePhase.DOCUMENTS, "", done, total))

    topic = ground.settings.kafka.topics.documents
    pages = shard_by_shard(ground.log, topic, snapshot, read)
    async with aclosing(pages):
        async for _, page in pages:
            for record in page:
                key, value = record.key, record.value
                if key is None:
                    continue
                documents = by_prefix.get(key[: key.find(_SLASH) + 1])
                if value is None:
                    others.discard(key)
                    if documents is not None:
                        documents.pop(key, None)
                elif documents is None:
                    others.add(key)
                else:
                    documents[key] = packed(value, record.timestamp)
    return newest, len(others)


async def _read_rows(
    ground: Ground, table: SourceTable, comparison: Comparison, on_progress: _OnProgress
) -> None:
    name, estimate = table.source.name, table.table.estimated_rows

    def read(rows: int, total: int | None) -> None:
        on_progress(SourceProgress(SourcePhase.ROWS, name, rows, total))

    pages = ground.database.rows(table.table.name, table.columns)
    async with aclosing(pages):
        async for page in pages:
            for row in page:
                one = expectation_of(row, table.source, ground.limits, table.metadata)
                comparison.add(one)
            rows = comparison.rows
            read(rows, estimate if estimate and rows < estimate else None)
            await asyncio.sleep(0)
    read(comparison.rows, comparison.rows)


async def _letters(ground: Ground) -> Letters:
    topics = {table.topic for table in ground.tables.values()}
    return await read_source_letters(ground.log, ground.settings.kafka.topics.dead_letters, topics)


def _is_explained(suspect: Suspect, table: SourceTable, letters: Letters) -> bool:
    """Whether the row's last change event is a dead letter: one that is newer than its document."""
    written = letters.get((table.topic, suspect.reference))
    if written is None:
        return False
    return suspect.found is None or written >= written_at(suspect.found)


async def _stream_problem(settings: Settings, database: Database) -> str:
    """Why changes may not arrive at all, in words; empty if nothing speaks for it."""
    if not settings.connect.config:  # registered elsewhere, with a slot of any name
        return ""
    name = connector_config(settings).get("slot.name", "")
    slot = await database.slot(name)
    if slot is None:
        return f"the connector has no replication slot {name} in the database"
    if slot.lost:
        return f"the database no longer holds what the connector must read next (slot {name})"
    return "" if slot.active else f"the connector does not read the database (slot {name} is idle)"
