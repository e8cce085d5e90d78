"""Comparing a lane with `documents`, id by id: what `hotswap verify` does.

Reads a snapshot of `documents` and the lane's rows shard by shard, so that the largest
shard bounds the memory. What differs is looked at again before it counts: documents keep
coming meanwhile, and whatever is newer than the snapshot is left out.
"""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from schemas.fingerprint import Fingerprint
from schemas.verify import Finding, ShardReport, VerifyReport, VerifySample
from streams.config.kafka import TopicsConfig
from streams.core.verification import (
    Newest,
    ShardComparison,
    Suspect,
    expectation,
    expected_version,
    note,
)
from streams.core.verify_report import Tally, conclude
from streams.errors import ConfigurationError, DriftError
from streams.ports import Log, VectorStore
from streams.services.catching_up import wait_for_group
from streams.services.dead_letters import read_letters
from streams.services.misplaced import OutOfPlace, judge_out_of_place, strays
from streams.services.second_look import Shard, second_look

__all__ = ["Phase", "Progress", "verify"]


class Phase(StrEnum):
    """What a verification is doing."""

    WAIT = "waiting for the lane"
    COMPARE = "comparing"


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a verification is.

    `done` and `total` count offsets while it waits, and offsets plus rows while it compares;
    `total` is an estimate. `lag`: partition → offsets that the lane has yet to do.
    """

    phase: Phase
    done: int
    total: int
    lag: Mapping[int, int] = field(default_factory=dict)


@dataclass(slots=True)
class _Run:
    """One verification: what it compares, and what it has found."""

    log: Log
    store: VectorStore
    topics: TopicsConfig
    collection: str
    stage: str
    dimensions: int | None
    snapshot: Mapping[int, int]
    on_progress: Callable[[Progress], None]
    total: int = 0
    done: int = 0
    tally: Tally = field(default_factory=Tally)
    shards: list[ShardReport] = field(default_factory=list)
    out_of_place: list[OutOfPlace] = field(default_factory=list)
    dead: set[tuple[int, int]] | None = None
    """Places on `documents` of the lane's dead letters, once they were needed."""

    def advance(self, steps: int) -> None:
        self.done += steps
        self.on_progress(Progress(Phase.COMPARE, self.done, max(self.total, self.done)))


async def verify(
    *,
    lane: str,
    collection: str,
    fingerprint: Fingerprint,
    group: str,
    topics: TopicsConfig,
    log: Log,
    store: VectorStore,
    wait_seconds: float,
    on_progress: Callable[[Progress], None],
    vectors: bool = True,
) -> VerifyReport:
    """Compare every id of a lane with `documents` as they are now.

    Args:
        lane: whose rows these are.
        collection: where they are.
        fingerprint: what the lane's build is pinned to.
        group: the lane's consumer group.
        topics: names of `documents` and `dead-letters`, and how many partitions they have.
        log: where the topics are.
        store: where the collection is.
        wait_seconds: how long to wait for the lane to get as far as the snapshot.
        on_progress: called often; must return at once.
        vectors: also read and check each vector.

    Raises:
        ConfigurationError: there is no such collection or topic.
        DriftError: `documents` is not the topic that the lane was filled from.
        TransientError: Kafka or Milvus can not be reached.
    """
    at, started = time.time_ns() // 1_000_000, time.monotonic()
    snapshot = await log.ends(topics.documents)
    _check_partitions(topics, snapshot)
    pinned_to = await store.fingerprint(collection)
    if pinned_to is None:
        raise ConfigurationError(f"collection {collection}", "is absent", "run `hotswap init`")
    total = sum(snapshot.values())
    lag = await wait_for_group(
        log,
        group,
        topics.documents,
        snapshot,
        wait_seconds=wait_seconds,
        on_lag=lambda lag: on_progress(
            Progress(Phase.WAIT, total - sum(lag.values()), total, dict(lag))
        ),
    )
    waited = time.monotonic() - started
    run = _Run(
        log,
        store,
        topics,
        collection,
        stage=f"embed:{lane}",
        dimensions=fingerprint.dimensions if vectors else None,
        snapshot=snapshot,
        on_progress=on_progress,
    )
    if not lag:
        await _compare(run)
    rows = sum(shard.rows for shard in run.shards)
    differences = {
        name: (str(expected), str(found))
        for name, (expected, found) in fingerprint.differences(pinned_to).items()
    }
    if differences:
        run.tally.count(Finding.WRONG_FINGERPRINT, 0, rows)
    documents = sum(shard.documents for shard in run.shards)
    counts = run.tally.totals()
    verdict, reason = conclude(
        documents=documents, counts=counts, lag=lag, fingerprint_differences=differences
    )
    return VerifyReport(
        lane=lane,
        collection=collection,
        fingerprint=fingerprint.short,
        group=group,
        at=at,
        snapshot=dict(snapshot),
        lag=lag,
        vectors_checked=vectors,
        documents=documents,
        rows=rows,
        newer=sum(shard.newer for shard in run.shards),
        counts=counts,
        samples=run.tally.samples(),
        fingerprint_differences=differences,
        shards=_with_counts(run),
        waited_seconds=waited,
        compared_seconds=time.monotonic() - started - waited,
        verdict=verdict,
        reason=reason,
    )


def _with_counts(run: _Run) -> tuple[ShardReport, ...]:
    """What is out of place is only known once all shards have been read."""
    return tuple(
        report.model_copy(update={"counts": run.tally.shard(report.shard)}) for report in run.shards
    )


def _check_partitions(topics: TopicsConfig, snapshot: Mapping[int, int]) -> None:
    if len(snapshot) != topics.documents_partitions:
        raise DriftError(
            f"topic {topics.documents}",
            {"partitions": (topics.documents_partitions, len(snapshot))},
            "shards are partitions, for life: start a new build",
        )


async def _compare(run: _Run) -> None:
    run.total = sum(run.snapshot.values()) + await run.store.count(run.collection)
    for shard in sorted(run.snapshot):
        await _compare_shard(run, shard)
    seen = sum(shard.rows for shard in run.shards)
    if await run.store.count(run.collection) > seen:
        run.out_of_place += await strays(run.store, run.collection, run.snapshot)
    if run.out_of_place:
        judged = await judge_out_of_place(
            run.log, run.topics.documents, run.snapshot, run.out_of_place
        )
        for finding, sample in judged:
            run.tally.add(finding, sample)


async def _compare_shard(run: _Run, index: int) -> None:
    end = run.snapshot[index]
    comparison = ShardComparison(await _read_documents(run, index), end, run.dimensions)
    async for page in run.store.scan(
        run.collection, shard=index, vectors=run.dimensions is not None
    ):
        comparison.add(page)
        run.advance(len(page))
    if comparison.greatest_version >= end:
        await _check_version(run, index, comparison.greatest_version)
    shard = Shard(
        log=run.log,
        store=run.store,
        topic=run.topics.documents,
        collection=run.collection,
        index=index,
        end=end,
        partitions=len(run.snapshot),
        dimensions=run.dimensions,
    )
    wrong, newer = await second_look(shard, comparison.suspects())
    for suspect in wrong:
        if suspect.finding is Finding.MISPLACED:
            run.out_of_place.append(OutOfPlace(suspect.id, index, suspect.found))
            continue
        sample = VerifySample(
            id=suspect.id, shard=index, expected=expectation(suspect), found=suspect.found
        )
        run.tally.add(await _explained(run, index, suspect), sample)
    run.shards.append(
        ShardReport(
            shard=index,
            documents=comparison.documents,
            rows=comparison.rows,
            newer=comparison.newer + newer,
        )
    )


async def _check_version(run: _Run, index: int, version: int) -> None:
    """Versions are offsets: one that the log has not reached comes from another log."""
    end = (await run.log.ends(run.topics.documents))[index]
    if version >= end:
        raise DriftError(
            f"collection {run.collection}",
            {f"versions of shard {index}": (f"below {end}, the end of its partition", version)},
            f"topic {run.topics.documents} was deleted and made again: start a new build",
        )


async def _explained(run: _Run, index: int, suspect: Suspect) -> Finding:
    """The finding, unless the newest document could not be embedded and is a dead letter.

    Discarded letters explain as well: by discarding, an operator accepts the gap.
    """
    version = expected_version(suspect)
    if version is None or suspect.finding not in (Finding.MISSING, Finding.STALE):
        return suspect.finding
    if run.dead is None:
        letters = await read_letters(
            run.log,
            run.topics.dead_letters,
            wanted=lambda one: (
                one.letter.stage == run.stage and one.letter.topic == run.topics.documents
            ),
        )
        run.dead = {(one.letter.partition, one.letter.offset) for one in letters}
    return Finding.DEAD_LETTERED if (index, version) in run.dead else suspect.finding


async def _read_documents(run: _Run, shard: int) -> Newest:
    newest: Newest = {}
    at = 0
    async for page in run.log.read(run.topics.documents, until=run.snapshot, partitions=[shard]):
        for record in page:
            if record.key is not None:
                note(newest, record.key, record.value, record.offset)
        run.advance(page[-1].offset + 1 - at)
        at = page[-1].offset + 1
    run.advance(run.snapshot[shard] - at)
    return newest
