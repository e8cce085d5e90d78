"""What there is to adopt: the rows of a foreign collection against `documents` and the lane.

Reads both sides once, in pages, and changes nothing. What it keeps in memory grows with the
number of documents of one source, some 200 bytes each.
"""

from collections.abc import Callable, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field
from itertools import islice

from streams.core.adoption import Held, IdIs, adopted_id, note, unpack
from streams.ports import ForeignCollection, ForeignId, Log, VectorStore
from streams.services.shards import shard_by_shard

__all__ = ["MAX_SAMPLES", "AdoptProgress", "Survey", "survey"]

MAX_SAMPLES = 10
_IDS_IN_A_CALL = 1_000


@dataclass(frozen=True, slots=True)
class AdoptProgress:
    """How far a phase is: `done` of `total`, in offsets of `documents` or in rows."""

    phase: str
    done: int
    total: int


@dataclass(slots=True)
class Survey:
    """What was found.

    Attributes:
        held: the source's documents, as of the snapshot.
        rows: rows of the foreign collection.
        wanted: document ids whose rows are to be adopted.
        already: document ids whose rows the lane has in that version or a newer one.
        paid: documents whose present text the lane has a vector of, in whatever version.
        unmatched: rows whose id leads to no document.
        unmatched_samples: at most ten of their ids.
        ambiguous: document ids with several rows; which is the document's can not be told.
    """

    held: Held
    rows: int = 0
    wanted: set[bytes] = field(default_factory=set)
    already: set[bytes] = field(default_factory=set)
    paid: set[bytes] = field(default_factory=set)
    unmatched: int = 0
    unmatched_samples: list[ForeignId | None] = field(default_factory=list)
    ambiguous: set[bytes] = field(default_factory=set)


@dataclass(frozen=True, slots=True)
class Sides:
    """The two sides, and what joins them.

    Attributes:
        topic: `documents`.
        snapshot: partition → end offset; what comes later is the lane's own work.
        collection: the lane's.
    """

    log: Log
    topic: str
    snapshot: Mapping[int, int]
    store: VectorStore
    collection: str
    foreign: ForeignCollection
    source: str
    id_is: IdIs


async def survey(
    sides: Sides,
    *,
    on_progress: Callable[[AdoptProgress], None],
    on_unmatched: Callable[[Sequence[ForeignId | None]], None] = lambda _ids: None,
) -> Survey:
    """Match all rows with all documents of the source, and both with what the lane holds.

    Args:
        sides: where everything is.
        on_progress: called often; must return at once.
        on_unmatched: given the ids of rows without a document, page by page.

    Raises: TransientError, ConfigurationError.
    """
    found = Survey(await _documents(sides, on_progress))
    total = await sides.foreign.count()
    async for page in sides.foreign.ids():
        unmatched = [each for each in page if not _matched(found, sides, each)]
        found.rows += len(page)
        found.unmatched += len(unmatched)
        found.unmatched_samples += unmatched[: MAX_SAMPLES - len(found.unmatched_samples)]
        if unmatched:
            on_unmatched(unmatched)
        on_progress(AdoptProgress("matching rows", found.rows, max(total, found.rows)))
    found.wanted -= found.ambiguous
    await _look_at_lane(found, sides, on_progress)
    return found


def _matched(found: Survey, sides: Sides, foreign: ForeignId | None) -> bool:
    identifier = adopted_id(foreign, sides.source, sides.id_is)
    key = b"" if identifier is None else identifier.encode()
    if key not in found.held:
        return False
    (found.ambiguous if key in found.wanted else found.wanted).add(key)
    return True


async def _documents(sides: Sides, on_progress: Callable[[AdoptProgress], None]) -> Held:
    held: Held = {}
    prefix = f"{sides.source}/".encode()

    def read(done: int, total: int) -> None:
        on_progress(AdoptProgress("reading documents", done, total))

    pages = shard_by_shard(sides.log, sides.topic, sides.snapshot, read)
    async with aclosing(pages):
        async for _, page in pages:
            for record in page:
                if record.key is not None and record.key.startswith(prefix):
                    note(held, record.key, record.value, record.partition, record.offset)
    return held


async def _look_at_lane(
    found: Survey, sides: Sides, on_progress: Callable[[AdoptProgress], None]
) -> None:
    rest = iter(found.held)
    done = 0
    while some := list(islice(rest, _IDS_IN_A_CALL)):
        stored = await sides.store.versions(sides.collection, [key.decode() for key in some])
        for key in some:
            there = stored.get(key.decode())
            if there is None:
                continue
            place = unpack(found.held[key])
            if there.version >= place.version:
                found.paid.add(key)
                if key in found.wanted:
                    found.wanted.remove(key)
                    found.already.add(key)
            elif there.content_hash == place.content_hash:
                found.paid.add(key)
        done += len(some)
        on_progress(AdoptProgress("looking at the lane", done, len(found.held)))
