"""One shard of a lane against its documents, id by id: values in, findings out.

Decides what is the matter with an id. It reads nothing itself, and it judges twice: a
suspicion from one pass over the rows counts only after a second look, since documents and
rows go on changing while they are read.

Documents are kept as bytes, id → version and hash packed into 24, since a shard may hold
millions. Versions are offsets of `documents` within the shard, so the greater is the newer.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Protocol

import numpy as np
import numpy.typing as npt
import orjson

from schemas.record import Record
from schemas.verify import Finding
from streams.core.batch import StoredVersion

__all__ = [
    "LENGTH_TOLERANCE",
    "Newest",
    "Row",
    "ShardComparison",
    "Suspect",
    "expectation",
    "expected_version",
    "look_again",
    "malformed",
    "note",
]

Newest = dict[bytes, bytes]
"""Document id → its newest version and hash; deleted ids are left out."""

LENGTH_TOLERANCE: Final = 1e-3
"""How far the Euclidean length of a stored float32 vector may be from 1."""

_VERSION_BYTES = 8
_HASH_CHARACTERS = 32
_SEEN: Final = b""


class Row(Protocol):
    """What is compared of a row: `streams.ports.ScannedRow`."""

    @property
    def id(self) -> str: ...  # noqa: D102
    @property
    def version(self) -> int: ...  # noqa: D102
    @property
    def content_hash(self) -> str: ...  # noqa: D102
    @property
    def embedding(self) -> npt.NDArray[np.float32] | None: ...  # noqa: D102


@dataclass(frozen=True, slots=True)
class Suspect:
    """An id that looked wrong in the first pass. `expected` is packed; None: no document."""

    id: str
    finding: Finding
    expected: bytes | None
    found: str


def note(newest: Newest, key: bytes, value: bytes | None, version: int) -> None:
    """Take one record of `documents` into account; records come in order of their versions."""
    if value is None:
        newest.pop(key, None)
    else:
        newest[key] = version.to_bytes(_VERSION_BYTES) + _hash_of(value)


def _hash_of(value: bytes) -> bytes:
    """The document's hash; empty for what no lane can read and every lane dead-letters."""
    try:
        document = orjson.loads(value)
        found = document["content_hash"]
        if document.get("schema_version", Record.VERSION) == Record.VERSION:
            return bytes.fromhex(found) if len(found) == _HASH_CHARACTERS else b""
    except (ValueError, KeyError, TypeError, AttributeError):
        pass
    return b""


def _packed(version: int, content_hash: str) -> bytes:
    try:
        packed_hash = bytes.fromhex(content_hash)
    except ValueError:
        packed_hash = content_hash.encode()
    return version.to_bytes(_VERSION_BYTES, signed=True) + packed_hash


class ShardComparison:
    """The first pass: all rows of a shard against its documents.

    Args:
        newest: of the shard up to the snapshot; used up by the comparison.
        end: the snapshot: end offset of the shard's partition.
        dimensions: of the vectors; None leaves vectors out.
    """

    def __init__(self, newest: Newest, end: int, dimensions: int | None) -> None:
        self._newest = newest
        self._end = end
        self._dimensions = dimensions
        self._suspects: list[Suspect] = []
        self.documents = len(newest)
        self.rows = 0
        self.newer = 0
        self.greatest_version = -1

    def add(self, rows: Sequence[Row]) -> None:
        """Compare a page of rows, in any order."""
        newest, end = self._newest, self._end
        good: list[Row] = []
        for row in rows:
            key = row.id.encode()
            expected = newest.get(key)
            self.greatest_version = max(self.greatest_version, row.version)
            if row.version >= end:
                self.newer += 1
                if expected is not None:
                    newest[key] = _SEEN
            elif expected is None:
                self._suspect(row, Finding.EXTRA, None)
            elif expected is _SEEN:
                self._suspect(row, Finding.DUPLICATE, None)
            else:
                newest[key] = _SEEN
                if expected == _packed(row.version, row.content_hash):
                    good.append(row)
                else:
                    self._suspect(row, Finding.STALE, expected)
        self.rows += len(rows)
        if self._dimensions is not None and good:
            self._check_vectors(good, self._dimensions)

    def _suspect(self, row: Row, finding: Finding, expected: bytes | None) -> None:
        found = f"version {row.version}, hash {row.content_hash}"
        self._suspects.append(Suspect(row.id, finding, expected, found))

    def _check_vectors(self, rows: Sequence[Row], dimensions: int) -> None:
        for index, why in malformed([row.embedding for row in rows], dimensions).items():
            row = rows[index]
            expected = _packed(row.version, row.content_hash)
            self._suspects.append(Suspect(row.id, Finding.MALFORMED, expected, why))

    def suspects(self) -> Iterator[Suspect]:
        """Whatever looked wrong; once all rows are in."""
        yield from self._suspects
        for key, expected in self._newest.items():
            if expected is not _SEEN:
                id_ = key.decode("utf-8", "backslashreplace")
                yield Suspect(id_, Finding.MISSING, expected, "no row")


def look_again(
    suspect: Suspect, stored: StoredVersion | None, end: int, *, elsewhere: bool
) -> Finding | None:
    """What a suspect is, given what the store holds of it now; None: nothing is wrong.

    Duplicates and malformed vectors can not be told from a version; they stay what they are
    as long as the row does.

    Args:
        suspect: from the first pass.
        stored: what the store holds of this id at the second look.
        end: the snapshot.
        elsewhere: the id belongs to another shard.
    """
    if stored is not None and stored.version >= end:
        return None
    if suspect.expected is None:
        return _without_document(suspect, stored, elsewhere=elsewhere)
    if stored is None:
        return Finding.MISSING
    if _packed(stored.version, stored.content_hash) != suspect.expected:
        return Finding.STALE
    # A row that is there, but was not among its shard's rows, is another shard's finding.
    return Finding.MALFORMED if suspect.finding is Finding.MALFORMED else None


def _without_document(
    suspect: Suspect, stored: StoredVersion | None, *, elsewhere: bool
) -> Finding | None:
    if stored is None:
        return None
    if suspect.finding is Finding.EXTRA and elsewhere:
        return Finding.MISPLACED
    return suspect.finding


def expectation(suspect: Suspect) -> str:
    """What the newest document asks for, in words."""
    if suspect.expected is None:
        return "one row" if suspect.finding is Finding.DUPLICATE else "no row"
    version = int.from_bytes(suspect.expected[:_VERSION_BYTES])
    content_hash = suspect.expected[_VERSION_BYTES:].hex()
    return f"version {version}, " + (f"hash {content_hash}" if content_hash else "unreadable")


def expected_version(suspect: Suspect) -> int | None:
    """The offset of the newest document, if there is one."""
    if suspect.expected is None:
        return None
    return int.from_bytes(suspect.expected[:_VERSION_BYTES])


def malformed(
    vectors: Sequence[npt.NDArray[np.float32] | None], dimensions: int
) -> Mapping[int, str]:
    """Index → why that vector is not a finite one of length 1 and `dimensions`."""
    broken: dict[int, str] = {}
    whole: dict[int, npt.NDArray[np.float32]] = {}
    for index, vector in enumerate(vectors):
        if vector is None:
            broken[index] = "no vector"
        elif vector.shape != (dimensions,):
            broken[index] = f"{vector.size} dimensions, not {dimensions}"
        else:
            whole[index] = vector
    if whole:
        matrix = np.stack(list(whole.values())).astype(np.float64)
        with np.errstate(over="ignore", invalid="ignore"):
            lengths = np.sqrt(np.einsum("ij,ij->i", matrix, matrix))
            odd = ~(np.abs(lengths - 1.0) <= LENGTH_TOLERANCE)
        places = list(whole)
        for place in np.flatnonzero(odd):
            finite = np.isfinite(matrix[place]).all()
            length = f"length {lengths[place]:.6g}, not 1"
            broken[places[place]] = length if finite else "holds NaN or an infinity"
    return dict(sorted(broken.items()))
