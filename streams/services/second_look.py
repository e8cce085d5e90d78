"""The second look at what a first pass over the rows found suspicious.

The rows are read again first and the end of `documents` afterwards: whatever the lane wrote
in between stems from a document that the second reading then sees. An id with a newer
document is left out, since the lane may be working on it. A row that only says it is newer
than the snapshot, and has no such document, is wrong.
"""

from collections import Counter
from collections.abc import AsyncIterator, Mapping, Sequence

from schemas.document import is_document_id
from schemas.verify import Finding
from streams.adapters.partitioning import partition_of
from streams.core.stored_vectors import malformed
from streams.core.verification import Suspect, look_again
from streams.errors import DriftError
from streams.services.compared import Compared

__all__ = ["second_look"]

_AT_ONCE = 500


async def second_look(
    compared: Compared, suspects: Sequence[Suspect]
) -> tuple[list[Suspect], Counter[int]]:
    """Those that are still wrong, as they are now; and of the others: shard → newer documents.

    Raises: TransientError; DriftError if a row is newer than the log, which is then another one.
    """
    wrong = [suspect for suspect in suspects if suspect.claimed is not None]
    rest = [suspect for suspect in suspects if suspect.claimed is None]
    wrong += [suspect async for suspect in _still_wrong(compared, rest)]
    wrong = _each_once(await _without_false_doubles(compared, wrong))
    if not wrong:
        return [], Counter()
    ends = await compared.log.ends(compared.topics.documents)
    _refuse_another_log(compared, wrong, ends)
    changed = await _changed_since(compared, ends, {suspect.id.encode() for suspect in wrong})
    newer = Counter(suspect.shard for suspect in wrong if suspect.id.encode() in changed)
    return [suspect for suspect in wrong if suspect.id.encode() not in changed], newer


async def _still_wrong(compared: Compared, suspects: Sequence[Suspect]) -> AsyncIterator[Suspect]:
    for start in range(0, len(suspects), _AT_ONCE):
        lot = suspects[start : start + _AT_ONCE]
        # Only ids of the safe alphabet may reach a store's filter; others are no documents.
        for suspect in lot:
            if not is_document_id(suspect.id):
                yield suspect
        safe = [suspect for suspect in lot if is_document_id(suspect.id)]
        ids = sorted({suspect.id for suspect in safe})
        stored = await compared.store.versions(compared.collection, ids) if ids else {}
        healed = await _healed(compared, safe)
        for suspect in safe:
            end = compared.snapshot.get(_home(compared, suspect), 0)
            now = look_again(suspect, stored.get(suspect.id), end)
            if now is not None and suspect.id not in healed:
                yield now


async def _healed(compared: Compared, suspects: Sequence[Suspect]) -> set[str]:
    """Ids whose vector was malformed and is not any more."""
    ids = [suspect.id for suspect in suspects if suspect.finding is Finding.MALFORMED]
    if not ids or compared.dimensions is None:
        return set()
    vectors = await compared.store.vectors(compared.collection, ids)
    broken = malformed(list(vectors.values()), compared.dimensions)
    return {id_ for index, id_ in enumerate(vectors) if index not in broken}


async def _without_false_doubles(compared: Compared, suspects: list[Suspect]) -> list[Suspect]:
    """Leave out what is not there twice: a scan may meet one row before and after a write."""
    doubles = {suspect.id for suspect in suspects if suspect.finding is Finding.DUPLICATE}
    if not doubles:
        return suspects
    met: Counter[str] = Counter()
    async for page in compared.store.scan(compared.collection):
        met.update(row.id for row in page if row.id in doubles)
    return [s for s in suspects if s.finding is not Finding.DUPLICATE or met[s.id] > 1]


def _each_once(suspects: Sequence[Suspect]) -> list[Suspect]:
    """An id that is there twice, once as it should not be, is a duplicate and no more."""
    first: dict[str, Suspect] = {}
    for suspect in suspects:
        if suspect.id not in first or suspect.finding is Finding.DUPLICATE:
            first[suspect.id] = suspect
    return list(first.values())


def _refuse_another_log(
    compared: Compared, suspects: Sequence[Suspect], ends: Mapping[int, int]
) -> None:
    """Versions are offsets: one that the log has not reached comes from another log."""
    for suspect in suspects:
        home = _home(compared, suspect)
        # A row without a document that stands in a foreign shard is no witness of any log.
        if suspect.claimed is not None and suspect.shard == home and suspect.claimed >= ends[home]:
            expected = f"below {ends[home]}, the end of its partition"
            raise DriftError(
                f"collection {compared.collection}",
                {f"version of {suspect.id}, in shard {home}": (expected, suspect.claimed)},
                f"topic {compared.topics.documents} was deleted and made again: start a new build",
            )


def _home(compared: Compared, suspect: Suspect) -> int:
    """The shard of an id; a row without a document may name any."""
    if suspect.expected is not None:
        return suspect.shard
    return partition_of(suspect.id.encode(), len(compared.snapshot))


async def _changed_since(
    compared: Compared, ends: Mapping[int, int], keys: set[bytes]
) -> set[bytes]:
    """Those of `keys` that have a record of `documents` after the snapshot."""
    changed: set[bytes] = set()
    if ends == compared.snapshot:
        return changed
    pages = compared.log.read(compared.topics.documents, since=compared.snapshot, until=ends)
    async for page in pages:
        changed |= keys & {record.key for record in page if record.key is not None}
    return changed
