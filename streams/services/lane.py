"""One lane: documents in, rows of one Milvus collection out.

`process` may be killed, retried or run twice at any await: every step is repeatable, and
nothing is acknowledged in here. It returns only when each record's effect is durable and
was read back, or stands on `dead-letters`.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from schemas import BuildStarted, Document, Reason
from streams.config.settings import TopicsConfig
from streams.core.batch import BatchPlan, Change, StoredVersion, newest, plan_batch
from streams.core.dead_letters import dead_letter_record
from streams.core.role_names import embed_role_name
from streams.errors import InputRefused, LaneHalted, MalformedVector, TransientError
from streams.ports import Embedder, Log, LogRecord, NewRecord, Row, VectorStore
from streams.services.change_reader import read_change
from streams.services.document_row import document_row
from streams.services.embedding import BatchEmbedder, Vector
from streams.services.isolation import isolate
from streams.services.live_model import live_differences
from streams.services.pinned import in_words, way_on

__all__ = ["Lane", "LaneParts"]


@dataclass(frozen=True, slots=True)
class LaneParts:
    """What a lane works with."""

    store: VectorStore
    log: Log
    embedder: Embedder
    batch: BatchEmbedder
    topics: TopicsConfig
    record_bytes: int
    now_ms: Callable[[], int]
    monotonic: Callable[[], float]


class Lane:
    """Brings one collection up to date with `documents`, batch by batch."""

    IDENTIFY_EVERY_SECONDS = 30.0

    def __init__(self, build: BuildStarted, parts: LaneParts) -> None:
        self._build = build
        self._parts = parts
        self._identified_at: float | None = None
        self.counters: Counter[str] = Counter()

    async def process(self, records: Sequence[LogRecord], check: Callable[[], None]) -> None:
        """Make the effect of all records durable.

        Args:
            records: of `documents`, in order within each partition.
            check: raises OwnershipLost if a partition was taken away, and LanePaused if the
                lane is to rest; called before each embedding call and right before each write.

        Raises:
            TransientError: run it again with the same records.
            LaneHalted: an operator must act; then run it again.
            OwnershipLost, LanePaused: what was not written yet is left.
        """
        await self._check_identity()
        plan, letters = await self._plan(records)
        vectors = await self._vectors(plan, check)
        rows = [
            document_row(change, _document(change), vector, self._parts.now_ms())
            for change, vector in vectors
            if not isinstance(vector, InputRefused)
        ]
        letters += [
            self._letter(change, vector, records)
            for change, vector in vectors
            if isinstance(vector, InputRefused)
        ]
        letters += await self._write(rows, plan.delete, records, check)
        if letters:
            check()
            await self._parts.log.append(letters)
        self._parts.batch.forget()
        self._count(plan, len(rows), len(letters), len(records))
        self.counters["embedded"] = self._parts.batch.embedded
        self.counters["calls"] = self._parts.batch.calls

    async def rehearse(self, records: Sequence[LogRecord]) -> None:
        """Count what `process` would do with these records, and do nothing of it.

        What the embedder or the store would refuse counts as embedded and written.

        Raises: TransientError, LaneHalted.
        """
        await self._check_identity()
        plan, letters = await self._plan(records)
        self._count(plan, len(plan.embed) + len(plan.rewrite), len(letters), len(records))
        self.counters["embedded"] += len({_document(one).content_hash for one in plan.embed})

    async def _check_identity(self) -> None:
        now = self._parts.monotonic()
        if (
            self._identified_at is not None
            and now - self._identified_at < self.IDENTIFY_EVERY_SECONDS
        ):
            return
        differences = await live_differences(self._build, self._parts.embedder)
        if differences:
            # What was embedded for records that come again may be the other model's.
            self._parts.batch.forget()
            lane = self._build.lane
            raise LaneHalted(
                f"lane {lane}, build {self._build.build}: the live model is not the one that"
                f" filled {self._build.collection}: {in_words(differences)}; vectors of two models"
                f" are never mixed\n  remedy: {way_on(lane)}"
            )
        self._identified_at = now

    async def _plan(self, records: Sequence[LogRecord]) -> tuple[BatchPlan, list[NewRecord]]:
        """What is to be done, and the dead letters of records that are no documents."""
        changes, letters = self._decode(records)
        stored = await self._parts.store.versions(self._build.collection, list(changes))
        plan = plan_batch(changes.values(), stored, await self._ends(changes, stored))
        self._refuse_impossible(plan, stored)
        return plan, letters

    def _decode(self, records: Sequence[LogRecord]) -> tuple[dict[str, Change], list[NewRecord]]:
        # Only an id's last record counts; records without a key each stand for themselves.
        last = {record.key or (record.partition, record.offset): record for record in records}
        changes: list[Change] = []
        letters: list[NewRecord] = []
        for record in last.values():
            decoded = read_change(record)
            if isinstance(decoded, Change):
                changes.append(decoded)
            else:
                letters.append(self._record(record, *decoded, document_id=None))
        return newest(changes), letters

    async def _ends(
        self, changes: dict[str, Change], stored: dict[str, StoredVersion]
    ) -> dict[int, int]:
        """Ends of the log, asked for only when something stored looks newer than the log."""
        if any(stored[id_].version > changes[id_].version for id_ in stored):
            return await self._parts.log.ends(self._parts.topics.documents)
        return {}

    def _refuse_impossible(self, plan: BatchPlan, stored: dict[str, StoredVersion]) -> None:
        if plan.impossible:
            change = plan.impossible[0]
            raise LaneHalted(
                f"lane {self._build.lane}: {change.id} is stored in version"
                f" {stored[change.id].version} but the topic {self._parts.topics.documents} has"
                " not got that far: it was made anew\n  remedy: `hotswap build start"
                f" {self._build.lane}`"
            )

    async def _vectors(
        self, plan: BatchPlan, check: Callable[[], None]
    ) -> list[tuple[Change, Vector | InputRefused]]:
        kept = await self._parts.store.vectors(
            self._build.collection, [change.id for change in plan.rewrite]
        )
        # A row can vanish between the two reads; its text is then embedded like a new one.
        gone = [change for change in plan.rewrite if change.id not in kept]
        embed = [*plan.embed, *gone]
        made = await self._parts.batch.embed(
            {_document(change).content_hash: _document(change).text for change in embed}, check
        )
        return [
            *((change, kept[change.id]) for change in plan.rewrite if change.id in kept),
            *((change, made[_document(change).content_hash]) for change in embed),
        ]

    async def _write(
        self,
        rows: Sequence[Row],
        deletes: Sequence[Change],
        records: Sequence[LogRecord],
        check: Callable[[], None],
    ) -> list[NewRecord]:
        store, collection = self._parts.store, self._build.collection

        async def upsert(part: Sequence[Row]) -> Sequence[Row]:
            # A refused batch is written in many parts, which may take longer than a rebalance.
            check()
            await store.upsert(collection, part)
            return part

        async def confirm() -> None:
            await store.fingerprint(collection)

        outcomes = await isolate(rows, upsert, confirm=confirm)
        written = [row for row in outcomes if isinstance(row, Row)]
        if deletes:
            check()
            await store.delete(collection, [change.id for change in deletes])
        await self._read_back(written, deletes)
        return [
            self._letter(
                Change(row.id, row.shard, row.version, None),
                outcome,
                records,
                reason=Reason.REFUSED_BY_STORE,
            )
            for row, outcome in zip(rows, outcomes, strict=True)
            if isinstance(outcome, InputRefused)
        ]

    async def _read_back(self, written: Sequence[Row], deletes: Sequence[Change]) -> None:
        if not written and not deletes:
            return
        found = await self._parts.store.versions(
            self._build.collection,
            [*(row.id for row in written), *(change.id for change in deletes)],
        )
        wrong = [
            row.id
            for row in written
            if found.get(row.id) != StoredVersion(row.version, row.content_hash)
        ]
        wrong += [change.id for change in deletes if change.id in found]
        if wrong:
            self.counters["mismatched"] += len(wrong)
            raise TransientError(
                f"lane {self._build.lane}: {len(wrong)} rows were not stored as written,"
                f" for example {wrong[0]}"
            )

    def _letter(
        self,
        change: Change,
        refusal: InputRefused,
        records: Sequence[LogRecord],
        reason: Reason | None = None,
    ) -> NewRecord:
        original = next(
            record
            for record in records
            if record.partition == change.shard and record.offset == change.version
        )
        if reason is None:
            malformed = isinstance(refusal, MalformedVector)
            reason = Reason.MALFORMED_VECTOR if malformed else Reason.REFUSED_BY_EMBEDDER
        return self._record(original, reason, str(refusal), document_id=change.id)

    def _record(
        self, original: LogRecord, reason: Reason, detail: str, document_id: str | None
    ) -> NewRecord:
        return dead_letter_record(
            self._parts.topics.dead_letters,
            original,
            stage=embed_role_name(self._build.lane, self._build.build),
            reason=reason,
            detail=detail,
            document_id=document_id,
            max_bytes=self._parts.record_bytes,
        )

    def _count(self, plan: BatchPlan, rows: int, letters: int, records: int) -> None:
        self.counters.update(
            records=records,
            written=rows,
            deleted=len(plan.delete),
            rewritten=len(plan.rewrite),
            settled=len(plan.settled),
            dead_lettered=letters,
        )


def _document(change: Change) -> Document:
    assert change.document is not None  # noqa: S101 - the plan puts deletes elsewhere
    return change.document
