"""A lane against its documents, id by id: values in, findings out.

Decides what is the matter with an id. It reads nothing itself, and it judges twice: a
suspicion from one pass over the rows counts only after a second look, since documents and
rows go on changing while they are read.

Works on pages of rows as arrays. Versions are offsets of `documents` within a shard, so of one
id the greater is the newer.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final, Protocol

import numpy as np
import numpy.typing as npt

from schemas.verify import Finding
from streams.core.batch import StoredVersion
from streams.core.newest_documents import Documents, hashes_of

__all__ = ["Comparison", "Row", "Suspect", "expectation", "look_again"]

_UNSEEN, _SEEN, _RIGHT = range(3)


class Row(Protocol):
    """What is compared of a row: `streams.ports.ScannedRow`."""

    @property
    def id(self) -> str: ...  # noqa: D102
    @property
    def shard(self) -> int: ...  # noqa: D102
    @property
    def version(self) -> int: ...  # noqa: D102
    @property
    def content_hash(self) -> str: ...  # noqa: D102


@dataclass(frozen=True, slots=True)
class Suspect:
    """An id that looked wrong.

    Attributes:
        id: the document's, or the row's.
        finding: what seems to be the matter.
        shard: where its document is; of an id without a document, what its row says.
        expected: what the row should hold; None: there should be none, or just one.
        found: what was found, in words.
        claimed: the version of a row that says it is newer than the snapshot. It is right if a
            document of this id came after the snapshot.
    """

    id: str
    finding: Finding
    shard: int
    expected: StoredVersion | None
    found: str
    claimed: int | None = None


class Comparison:
    """The first pass: all rows of a lane against its documents.

    Args:
        documents: up to the snapshot.
        ends: the snapshot: shard → end offset of its partition.
    """

    def __init__(self, documents: Documents, ends: Mapping[int, int]) -> None:
        self._documents = documents
        self._ends = np.array([ends[shard] for shard in sorted(ends)], dtype=np.int64)
        self._state = np.zeros(len(documents), dtype=np.uint8)
        self._rows = np.zeros(len(ends), dtype=np.int64)
        self.rows = 0

    def add(self, rows: Sequence[Row]) -> tuple[list[Suspect], list[int]]:
        """Compare a page of rows, in any order.

        Returns: what looks wrong, and the indices of rows that are right but for their vectors.
        """
        places = self._documents.find([row.id for row in rows])
        known = places >= 0
        versions = np.array([row.version for row in rows], dtype=np.int64)
        shards = np.array([row.shard for row in rows], dtype=np.int64)
        homes = shards.copy()
        homes[known] = self._documents.shards[places[known]]
        newer = self._is_newer(homes, versions)
        doubled = self._doubled(places, known) & ~newer
        compared = np.flatnonzero(known & ~newer & ~doubled)
        newest = self._holds_the_newest(rows, compared, versions, places)
        stale, right = compared[~newest], compared[newest]
        misplaced = right[shards[right] != homes[right]]
        right = right[shards[right] == homes[right]]
        self._state[places[known]] = np.maximum(self._state[places[known]], _SEEN)
        self._state[places[right]] = _RIGHT
        self._state[places[doubled]] = _SEEN
        self._count(homes)
        found: list[tuple[Finding, npt.NDArray[np.int64]]] = [
            (Finding.EXTRA, np.flatnonzero(~known & ~newer)),
            (Finding.DUPLICATE, np.flatnonzero(doubled)),
            (Finding.STALE, stale),
            (Finding.MISPLACED, misplaced),
        ]
        suspects = [
            self._suspect(rows[index], finding, int(places[index]))
            for finding, indices in found
            for index in indices.tolist()
        ]
        for index in np.flatnonzero(newer).tolist():
            finding = Finding.STALE if known[index] else Finding.EXTRA
            suspect = self._suspect(rows[index], finding, int(places[index]))
            suspects.append(replace(suspect, claimed=rows[index].version))
        return suspects, right.tolist()

    def suspected(self, row: Row, finding: Finding, found: str) -> Suspect:
        """A row that was right at first, and now is not."""
        place = int(self._documents.find([row.id])[0])
        self._state[place] = _SEEN
        return replace(self._suspect(row, finding, place), found=found)

    def missing(self) -> npt.NDArray[np.int64]:
        """Places of the documents without a row, once all rows are in."""
        return np.flatnonzero(self._state == _UNSEEN)

    def sample(self, size: int | None) -> npt.NDArray[np.int64]:
        """Places of some documents whose rows are right, drawn by the documents' seed.

        Each shard has its share, as near as whole documents allow. None: all of them.
        """
        right = np.flatnonzero(self._state == _RIGHT)
        if size is None or size >= len(right):
            return right
        shards = self._documents.shards[right]
        by_shard = np.argsort(shards, kind="stable")
        counts = np.bincount(shards, minlength=1)
        starts = np.cumsum(counts) - counts
        rank = np.empty(len(right), dtype=np.float64)
        rank[by_shard] = np.arange(len(right)) - starts[shards[by_shard]]
        order = np.argsort((rank + 0.5) / counts[shards], kind="stable")
        return np.sort(right[order[:size]])

    def documents_of(self, shard: int) -> int:
        """How many live documents a shard has."""
        return int(np.count_nonzero(self._documents.shards == shard))

    def rows_of(self, shard: int) -> int:
        """How many rows were seen of a shard."""
        return int(self._rows[shard])

    def _is_newer(
        self, homes: npt.NDArray[np.int64], versions: npt.NDArray[np.int64]
    ) -> npt.NDArray[np.bool_]:
        newer = np.zeros(len(homes), dtype=np.bool_)
        there = (homes >= 0) & (homes < len(self._ends))
        newer[there] = versions[there] >= self._ends[homes[there]]
        return newer

    def _doubled(
        self, places: npt.NDArray[np.int64], known: npt.NDArray[np.bool_]
    ) -> npt.NDArray[np.bool_]:
        """Rows of documents that had a row before, on an earlier page or on this one."""
        doubled = np.zeros(len(places), dtype=np.bool_)
        indices = np.flatnonzero(known)
        doubled[indices] = True
        _, first = np.unique(places[indices], return_index=True)
        doubled[indices[first]] = self._state[places[indices[first]]] != _UNSEEN
        return doubled

    def _holds_the_newest(
        self,
        rows: Sequence[Row],
        compared: npt.NDArray[np.int64],
        versions: npt.NDArray[np.int64],
        places: npt.NDArray[np.int64],
    ) -> npt.NDArray[np.bool_]:
        at = places[compared]
        hashes, odd = hashes_of([rows[index].content_hash.encode() for index in compared.tolist()])
        same: npt.NDArray[np.bool_] = (
            (versions[compared] == self._documents.versions[at])
            & (hashes == self._documents.hashes[at]).all(axis=1)
            & self._documents.readable[at]
            & ~odd
        )
        return same

    def _count(self, homes: npt.NDArray[np.int64]) -> None:
        self.rows += len(homes)
        there = homes[(homes >= 0) & (homes < len(self._ends))]
        self._rows += np.bincount(there, minlength=len(self._ends))

    def _suspect(self, row: Row, finding: Finding, place: int) -> Suspect:
        found = f"version {row.version}, hash {row.content_hash}"
        if finding is Finding.MISPLACED:
            found = f"shard {row.shard}"
        if place < 0:
            return Suspect(row.id, finding, row.shard, None, found)
        documents = self._documents
        expected = StoredVersion(int(documents.versions[place]), documents.hash_at(place))
        return Suspect(row.id, finding, int(documents.shards[place]), expected, found)


_SEEN_ONLY_IN_A_SCAN: Final = {
    Finding.DUPLICATE,
    Finding.MISPLACED,
    Finding.MALFORMED,
    Finding.WRONG_VECTOR,
}
"""What can not be told from a version."""


def look_again(suspect: Suspect, stored: StoredVersion | None, end: int) -> Suspect | None:
    """The suspect as it is now, given what the store holds of its id; None: nothing is wrong.

    What can not be told from a version stays what it was, as long as the row does.

    Args:
        suspect: from the first pass; without a claim.
        stored: what the store holds of this id at the second look.
        end: the snapshot, in the suspect's shard.
    """
    expected = suspect.expected
    if stored is None:
        if expected is None:
            return None
        return replace(suspect, finding=Finding.MISSING, found="no row")
    found = f"version {stored.version}, hash {stored.content_hash}"
    if stored.version >= end:
        finding = Finding.STALE if expected else Finding.EXTRA
        return replace(suspect, finding=finding, found=found, claimed=stored.version)
    if expected is None:
        return replace(suspect, finding=Finding.EXTRA, found=found)
    # Of two rows, the store shows either.
    if stored != expected and suspect.finding is not Finding.DUPLICATE:
        return replace(suspect, finding=Finding.STALE, found=found)
    return suspect if suspect.finding in _SEEN_ONLY_IN_A_SCAN else None


def expectation(suspect: Suspect) -> str:
    """What the newest document asks for, in words."""
    if suspect.finding is Finding.DUPLICATE:
        return "one row"
    if suspect.expected is None:
        return "no row"
    if suspect.finding is Finding.MISPLACED:
        return f"shard {suspect.shard}"
    content_hash = suspect.expected.content_hash
    return f"version {suspect.expected.version}, " + (
        f"hash {content_hash}" if content_hash else "unreadable"
    )
