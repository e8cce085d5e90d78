"""Copying the vectors of a foreign collection into a lane's, under their document ids.

Reads `documents` once more, shard by shard, and copies a row when it meets the newest version of
its document, so that only one batch is in memory. Each batch can be cut off and run again.
"""

from collections.abc import Awaitable, Callable, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field

from schemas import Document
from streams.core.adoption import IdIs, foreign_id, same_text, unpack
from streams.core.batch import Change, StoredVersion
from streams.errors import InputRefused, TransientError
from streams.ports import ForeignCollection, Log, LogRecord, Row, VectorStore
from streams.services.adopt_proof import row_of, unit_vector
from streams.services.adopt_survey import AdoptProgress, Sides, Survey
from streams.services.change_reader import read_change
from streams.services.document_row import document_row
from streams.services.isolation import isolate

__all__ = ["Copied", "Copier"]


@dataclass(slots=True)
class Copied:
    """What became of the rows that were to be adopted.

    Attributes:
        adopted: ids of documents whose row was written and read back.
        already: rows that somebody else had written meanwhile.
        out_of_date: rows whose own text is not the document's any more.
        unusable: rows that are gone, are there twice, or hold no vector.
        refused: rows that Milvus did not take.
    """

    adopted: set[bytes] = field(default_factory=set)
    already: set[bytes] = field(default_factory=set)
    out_of_date: int = 0
    unusable: int = 0
    refused: int = 0


@dataclass(frozen=True, slots=True)
class Copier:
    """What copying needs.

    Attributes:
        dimensions: of the lane's vectors.
        compare_texts: leave out rows whose own text is not the document's.
        budget_bytes: what the normaliser cuts texts to.
        left_out: document ids that the proof found to be out of date.
        batch: rows that are written at a time.
        check: called before each batch; raises if the lane's workers may write.
        now_ms: the clock, ms since the epoch.
        dry_run: look at every row, and write none.
    """

    sides: Sides
    dimensions: int
    compare_texts: bool
    budget_bytes: int
    left_out: frozenset[bytes]
    batch: int
    check: Callable[[], Awaitable[None]]
    now_ms: Callable[[], int]
    dry_run: bool = False

    async def copy(self, found: Survey, on_progress: Callable[[AdoptProgress], None]) -> Copied:
        """Copy all rows that are wanted.

        Raises:
            TransientError: run it again; what was written stays.
            ConfigurationError: the lane is not paused any more.
        """
        copied = Copied(out_of_date=len(self.left_out & found.wanted))
        done, total = 0, len(found.wanted)
        for shard in sorted(self.sides.snapshot):
            batch: list[Change] = []
            pages = self._log.read(self.sides.topic, until=self.sides.snapshot, partitions=[shard])
            async with aclosing(pages):
                async for page in pages:
                    batch += [change for record in page if (change := self._due(found, record))]
                    while len(batch) >= self.batch:
                        await self._copy(batch[: self.batch], copied)
                        del batch[: self.batch]
                        done += self.batch
                        on_progress(AdoptProgress("adopting rows", done, total))
            if batch:
                await self._copy(batch, copied)
                done += len(batch)
                on_progress(AdoptProgress("adopting rows", done, total))
        return copied

    @property
    def _log(self) -> Log:
        return self.sides.log

    @property
    def _store(self) -> VectorStore:
        return self.sides.store

    @property
    def _foreign(self) -> ForeignCollection:
        return self.sides.foreign

    @property
    def _id_is(self) -> IdIs:
        return self.sides.id_is

    def _due(self, found: Survey, record: LogRecord) -> Change | None:
        """The document, if this record is the newest of one that is wanted."""
        key = record.key
        if key is None or key not in found.wanted or key in self.left_out:
            return None
        place = unpack(found.held[key])
        if (place.shard, place.version) != (record.partition, record.offset):
            return None
        change = read_change(record)
        return change if isinstance(change, Change) and change.document is not None else None

    async def _copy(self, changes: Sequence[Change], copied: Copied) -> None:
        await self.check()
        rows = await self._rows(changes, copied)
        stored = await self._store.versions(self.sides.collection, [row.id for row in rows])
        fresh = [row for row in rows if not _is_newer(stored.get(row.id), row.version)]
        copied.already.update({row.id.encode() for row in rows} - {r.id.encode() for r in fresh})
        written = fresh if self.dry_run else await self._write(fresh, copied)
        copied.adopted.update(row.id.encode() for row in written)

    async def _rows(self, changes: Sequence[Change], copied: Copied) -> list[Row]:
        numbers = (await self._foreign.shape()).numbers
        asked = {foreign_id(change.id, self._id_is, numbers=numbers): change for change in changes}
        found = row_of(await self._foreign.rows(list(asked)))
        rows = []
        for id_, change in asked.items():
            row, document = found.get(id_), _document(change)
            vector = None if row is None else unit_vector(row, self.dimensions)
            if row is None or vector is None:
                copied.unusable += 1
                continue
            if self.compare_texts and not same_text(
                row.text, document.content_hash, self.budget_bytes
            ):
                copied.out_of_date += 1
                continue
            rows.append(document_row(change, document, vector, self.now_ms()))
        return rows

    async def _write(self, rows: Sequence[Row], copied: Copied) -> list[Row]:
        collection = self.sides.collection

        async def upsert(part: Sequence[Row]) -> Sequence[Row]:
            await self._store.upsert(collection, part)
            return part

        async def confirm() -> None:
            await self._store.fingerprint(collection)

        outcomes = await isolate(rows, upsert, confirm=confirm)
        copied.refused += sum(isinstance(outcome, InputRefused) for outcome in outcomes)
        written = [outcome for outcome in outcomes if isinstance(outcome, Row)]
        found = await self._store.versions(collection, [row.id for row in written])
        wrong = [
            row.id
            for row in written
            if found.get(row.id) != StoredVersion(row.version, row.content_hash)
        ]
        if wrong:
            raise TransientError(
                f"{len(wrong)} rows of {collection} were not stored as written, for example"
                f" {wrong[0]}\n  remedy: run the command again; it goes on where it was"
            )
        return written


def _is_newer(stored: StoredVersion | None, version: int) -> bool:
    return stored is not None and stored.version >= version


def _document(change: Change) -> Document:
    assert change.document is not None  # noqa: S101 - `_due` lets none pass
    return change.document
