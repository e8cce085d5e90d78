"""The second look at what a first pass over a shard found suspicious.

The rows are read again first and the end of `documents` afterwards: whatever the lane wrote
in between stems from a document that the second reading then sees. An id with a newer
document is left out, since the lane may be working on it.
"""

from collections.abc import AsyncIterator, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice

from schemas.document import is_document_id
from schemas.verify import Finding
from streams.adapters.partitioning import partition_of
from streams.core.batch import StoredVersion
from streams.core.verification import Suspect, look_again, malformed
from streams.ports import Log, VectorStore

__all__ = ["Shard", "second_look"]

_AT_ONCE = 500


@dataclass(frozen=True, slots=True)
class Shard:
    """Where a shard's documents and rows are. `end`: the snapshot; `partitions`: of all."""

    log: Log
    store: VectorStore
    topic: str
    collection: str
    index: int
    end: int
    partitions: int
    dimensions: int | None


async def second_look(shard: Shard, suspects: Iterable[Suspect]) -> tuple[list[Suspect], int]:
    """Those that are still wrong, as they are now, and how many have newer documents.

    Raises: TransientError.
    """
    wrong = [suspect async for suspect in _still_wrong(shard, suspects)]
    wrong = await _without_false_doubles(shard, wrong)
    if not wrong:
        return [], 0
    changed = await _changed_since(shard, {suspect.id.encode() for suspect in wrong})
    settled = [suspect for suspect in wrong if suspect.id.encode() not in changed]
    return settled, len(wrong) - len(settled)


async def _still_wrong(shard: Shard, suspects: Iterable[Suspect]) -> AsyncIterator[Suspect]:
    for lot in _lots(suspects):
        # Only ids of the safe alphabet may reach a store's filter; others are no documents.
        safe = [suspect for suspect in lot if is_document_id(suspect.id)]
        for suspect in lot:
            if not is_document_id(suspect.id):
                yield suspect
        ids = sorted({suspect.id for suspect in safe})
        stored = await shard.store.versions(shard.collection, ids) if ids else {}
        healed = await _healed(shard, safe)
        for suspect in safe:
            now = stored.get(suspect.id)
            home = partition_of(suspect.id.encode(), shard.partitions)
            finding = look_again(suspect, now, shard.end, elsewhere=home != shard.index)
            if finding is not None and suspect.id not in healed:
                yield _as_it_is(suspect, finding, now)


def _as_it_is(suspect: Suspect, finding: Finding, now: StoredVersion | None) -> Suspect:
    found = suspect.found
    if now is None:
        found = "no row"
    elif finding in (Finding.STALE, Finding.EXTRA, Finding.MISPLACED):
        found = f"version {now.version}, hash {now.content_hash}"
    return replace(suspect, finding=finding, found=found)


async def _healed(shard: Shard, suspects: Sequence[Suspect]) -> set[str]:
    """Ids whose vector was malformed and is not any more."""
    ids = [suspect.id for suspect in suspects if suspect.finding is Finding.MALFORMED]
    if not ids or shard.dimensions is None:
        return set()
    vectors = await shard.store.vectors(shard.collection, ids)
    broken = malformed(list(vectors.values()), shard.dimensions)
    return {id_ for index, id_ in enumerate(vectors) if index not in broken}


async def _without_false_doubles(shard: Shard, suspects: list[Suspect]) -> list[Suspect]:
    """Leave out what is not there twice: a scan may meet one row before and after a write."""
    doubles = {suspect.id for suspect in suspects if suspect.finding is Finding.DUPLICATE}
    if not doubles:
        return suspects
    seen: set[str] = set()
    twice: set[str] = set()
    async for page in shard.store.scan(shard.collection, shard=shard.index):
        ids = [row.id for row in page if row.id in doubles]
        twice |= {id_ for place, id_ in enumerate(ids) if id_ in seen or id_ in ids[:place]}
        seen.update(ids)
    return [s for s in suspects if s.finding is not Finding.DUPLICATE or s.id in twice]


async def _changed_since(shard: Shard, keys: set[bytes]) -> set[bytes]:
    """Those of `keys` that have a record of `documents` after the snapshot."""
    ends = await shard.log.ends(shard.topic)
    changed: set[bytes] = set()
    pages = shard.log.read(
        shard.topic, since={shard.index: shard.end}, until=ends, partitions=[shard.index]
    )
    async for page in pages:
        changed |= keys & {record.key for record in page if record.key is not None}
    return changed


def _lots(suspects: Iterable[Suspect]) -> Iterator[list[Suspect]]:
    rest = iter(suspects)
    while lot := list(islice(rest, _AT_ONCE)):
        yield lot
