"""Comparing a build of a lane with `documents`, id by id: what `hotswap verify` does.

Reads a snapshot of `documents` into packed arrays, then all rows in one pass. What differs is
looked at again before it counts: documents keep coming meanwhile, and whatever is newer than
the snapshot is left out.
"""

import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from schemas.fingerprint import Fingerprint
from schemas.verify import Finding, SampleReport, ShardReport, VerifyReport
from streams.config.kafka import TopicsConfig
from streams.core.batch import StoredVersion
from streams.core.newest_documents import Documents, Noted, content_hash_of
from streams.core.role_names import embed_role_name
from streams.core.stored_vectors import malformed
from streams.core.verification import Comparison, Suspect
from streams.core.verify_report import conclude
from streams.errors import ConfigurationError, DriftError
from streams.ports import Log, LogRecord, ScannedRow, VectorStore
from streams.services.ahead import ahead
from streams.services.catching_up import wait_for_group
from streams.services.compared import Compared
from streams.services.findings import Findings
from streams.services.places import records_at
from streams.services.sampling import Sampling, sampled

__all__ = ["Phase", "Progress", "verify"]

_PAGES_AHEAD = 2


class Phase(StrEnum):
    """What a verification is doing."""

    WAIT = "waiting for the lane"
    COMPARE = "comparing"
    SAMPLE = "embedding again"
    MEND = "mending"


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a verification is.

    `done` and `total` count offsets while it waits, offsets plus rows while it compares, and
    documents while it embeds or mends; `total` is an estimate. `lag`: partition → offsets that
    the lane has yet to do.
    """

    phase: Phase
    done: int
    total: int
    lag: Mapping[int, int] = field(default_factory=dict)


@dataclass(slots=True)
class _Run:
    """One verification: what it compares, and how far it is."""

    compared: Compared
    sampling: Sampling | None
    findings: Findings
    on_progress: Callable[[Progress], None]
    total: int = 0
    done: int = 0
    documents: int = 0
    rows: int = 0
    shards: list[ShardReport] = field(default_factory=list)
    sample: SampleReport | None = None

    def advance(self, steps: int) -> None:
        self.done += steps
        self.on_progress(Progress(Phase.COMPARE, self.done, max(self.total, self.done)))


async def verify(
    *,
    lane: str,
    build: int = 1,
    collection: str,
    fingerprint: Fingerprint,
    group: str,
    topics: TopicsConfig,
    log: Log,
    store: VectorStore,
    wait_seconds: float,
    on_progress: Callable[[Progress], None],
    vectors: bool = True,
    sampling: Sampling | None = None,
    on_found: Callable[[Sequence[Suspect]], None] = lambda _found: None,
) -> VerifyReport:
    """Compare every id of a build with `documents` as they are now.

    Args:
        lane: whose rows these are.
        build: and of which build.
        collection: where they are.
        fingerprint: what the build is pinned to.
        group: the build's consumer group.
        topics: names of `documents` and `dead-letters`, and how many partitions they have.
        log: where the topics are.
        store: where the collection is.
        wait_seconds: how long to wait for the lane to get as far as the snapshot.
        on_progress: called often; must return at once.
        vectors: also read and check each vector.
        sampling: which documents to embed again; None: none.
        on_found: told of all differences, lot by lot.

    Raises:
        ConfigurationError: there is no such collection or topic.
        DriftError: `documents` is not the topic that the lane was filled from.
        TransientError: Kafka, Milvus or the embedder can not be reached.
        LaneHalted: the embedder refuses to work.
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
    compared = Compared(
        log,
        store,
        topics,
        collection,
        stage=embed_role_name(lane, build),
        dimensions=fingerprint.dimensions if vectors else None,
        snapshot=snapshot,
    )
    run = _Run(compared, sampling, Findings(compared, on_found), on_progress)
    if not lag:
        await _compare(run)
    differences = {
        name: (str(expected), str(found))
        for name, (expected, found) in fingerprint.differences(pinned_to).items()
    }
    tally = run.findings.tally
    if differences:
        tally.count(Finding.WRONG_FINGERPRINT, 0, run.rows)
    counts = tally.totals()
    verdict, reason = conclude(
        documents=run.documents, counts=counts, lag=lag, fingerprint_differences=differences
    )
    return VerifyReport(
        lane=lane,
        build=build,
        collection=collection,
        fingerprint=fingerprint.short,
        group=group,
        at=at,
        snapshot=dict(snapshot),
        lag=lag,
        vectors_checked=vectors,
        sample=run.sample,
        documents=run.documents,
        rows=run.rows,
        newer=run.findings.newer.total(),
        counts=counts,
        samples=tally.samples(),
        fingerprint_differences=differences,
        shards=tuple(
            shard.model_copy(update={"counts": tally.shard(shard.shard)}) for shard in run.shards
        ),
        waited_seconds=waited,
        compared_seconds=time.monotonic() - started - waited,
        verdict=verdict,
        reason=reason,
    )


def _check_partitions(topics: TopicsConfig, snapshot: Mapping[int, int]) -> None:
    if len(snapshot) != topics.documents_partitions:
        raise DriftError(
            f"topic {topics.documents}",
            {"partitions": (topics.documents_partitions, len(snapshot))},
            "shards are partitions, for life: start a new build",
        )


async def _compare(run: _Run) -> None:
    compared = run.compared
    run.total = sum(compared.snapshot.values()) + await compared.store.count(compared.collection)
    rows = compared.store.scan(compared.collection, vectors=compared.dimensions is not None)
    async with ahead(rows, _PAGES_AHEAD) as pages:
        documents = await _read_documents(run)
        comparison = Comparison(documents, compared.snapshot)
        async for page in pages:
            suspects, right = comparison.add(page)
            await run.findings.suspect(suspects)
            await run.findings.suspect(_malformed(run, comparison, page, right))
            run.advance(len(page))
    await _name_the_missing(run, documents, comparison)
    if run.sampling is not None:
        await _compare_sample(run, run.sampling, documents, comparison)
    await run.findings.settle()
    run.documents, run.rows = len(documents), comparison.rows
    run.shards = [
        ShardReport(
            shard=shard,
            documents=comparison.documents_of(shard),
            rows=comparison.rows_of(shard),
            newer=run.findings.newer[shard],
        )
        for shard in sorted(compared.snapshot)
    ]


async def _read_documents(run: _Run) -> Documents:
    noted = Noted(run.sampling.seed if run.sampling is not None else 0)
    snapshot = run.compared.snapshot
    at = dict.fromkeys(snapshot, 0)
    before = 0
    async for page in run.compared.log.read(run.compared.topics.documents, until=snapshot):
        noted.take(page)
        at |= {record.partition: record.offset + 1 for record in page}
        now = sum(at.values())
        run.advance(now - before)
        before = now
    run.advance(sum(snapshot.values()) - before)
    return noted.documents()


def _malformed(
    run: _Run, comparison: Comparison, page: Sequence[ScannedRow], right: Sequence[int]
) -> list[Suspect]:
    dimensions = run.compared.dimensions
    if dimensions is None or not right:
        return []
    broken = malformed([page[index].embedding for index in right], dimensions)
    return [
        comparison.suspected(page[right[place]], Finding.MALFORMED, why)
        for place, why in broken.items()
    ]


async def _name_the_missing(run: _Run, documents: Documents, comparison: Comparison) -> None:
    """Read the documents without a row again: their ids stand only in the log."""
    missing = comparison.missing()
    shards = documents.shards[missing]
    gone = Counter(shards.tolist())
    topic = run.compared.topics.documents
    async for page in records_at(run.compared.log, topic, shards, documents.versions[missing]):
        gone.subtract(record.partition for record in page)
        await run.findings.suspect(_missing(record) for record in page)
    # Compaction has taken these meanwhile, as it does when there is a newer one.
    run.findings.newer.update(gone)


def _missing(record: LogRecord) -> Suspect:
    return Suspect(
        id=(record.key or b"").decode("utf-8", "backslashreplace"),
        finding=Finding.MISSING,
        shard=record.partition,
        expected=StoredVersion(record.offset, content_hash_of(record.value or b"")),
        found="no row",
    )


async def _compare_sample(
    run: _Run, sampling: Sampling, documents: Documents, comparison: Comparison
) -> None:
    places = comparison.sample(sampling.size)
    embedded, least = 0, 1.0
    run.on_progress(Progress(Phase.SAMPLE, 0, len(places)))
    async for lot in sampled(run.compared, documents, places, sampling):
        await run.findings.suspect(lot.suspects)
        embedded += lot.embedded
        least = min([least, *lot.cosines])
        run.on_progress(Progress(Phase.SAMPLE, embedded, len(places)))
    run.sample = SampleReport(
        wanted=sampling.size,
        seed=sampling.seed,
        embedded=embedded,
        similarity=sampling.similarity,
        least=least if embedded else None,
    )
