"""A source's rows against its documents: values in, findings out.

Decides which document a row must have, by the normaliser's own decision, and what is the
matter where `documents` has another. It reads nothing itself, and one look proves nothing:
rows and documents go on changing while they are read.

What is expected and what is there are kept as bytes, since a table may have millions of rows:
16 of the text's hash and 8 of the metadata's, and of a document 8 more for its record's time.
"""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import orjson

from schemas import Document
from schemas.record import Record
from schemas.source_verify import SourceFinding
from streams.core.envelope import Refused, read_key
from streams.core.identity import document_id, parse_document_id
from streams.core.normalisation import Limits, Put, Rejected, Remove, normalise
from streams.core.source import Source

__all__ = [
    "NO_TEXT",
    "Comparison",
    "Expectation",
    "Newest",
    "Suspect",
    "expectation_of",
    "in_words",
    "is_expected",
    "judge",
    "key_of",
    "name_of",
    "packed",
    "reference_of",
    "source_prefix",
    "written_at",
]

Newest = dict[bytes, bytes]
"""Document id → packed document; deleted ids are left out."""

NO_TEXT: Final = b""
"""The expectation of a row whose text is empty: no document."""

_EXPECTED_BYTES: Final = 24
_METADATA_BYTES: Final = 8
_TIME_BYTES: Final = 8
_HASH_BYTES: Final = 16
_UNREADABLE: Final = bytes(_EXPECTED_BYTES)
_UNFIT: Final = b"!" * (_EXPECTED_BYTES + 1)  # longer than any document
_WITHOUT_ID: Final = b"\0"
_SEEN: Final = b""
# As long as what change events carry, so that the size of a record comes out the same.
_ORIGIN: Final = {"connector": "postgresql", "lsn": 0, "ts_ms": 1_000_000_000_000}


@dataclass(frozen=True, slots=True)
class Expectation:
    """What a row must be in `documents`.

    Attributes:
        reference: its document id; for a key that can have none, the key itself, marked.
        packed: the document; `NO_TEXT`; or, marked, why the row can not be a document.
    """

    reference: bytes
    packed: bytes


@dataclass(frozen=True, slots=True)
class Suspect:
    """A row or document that looked wrong. None: there is no row, or no document."""

    reference: bytes
    expected: bytes | None
    found: bytes | None


def expectation_of(
    row: Mapping[str, Any], source: Source, limits: Limits, metadata: Sequence[str]
) -> Expectation:
    """What the normaliser makes of a row, as if the connector had just read it.

    Args:
        row: values as change events spell them; holds the key's columns, the text's, and
            `metadata`.
        source: whose row it is.
        limits: the normaliser's.
        metadata: those of the source's metadata columns that the table has.
    """
    columns = {name: row[name] for name in source.key}
    after = {name: row[name] for name in (*source.template.columns, *metadata)}
    key = orjson.dumps(columns)
    event = {"op": "r", "after": after, "source": _ORIGIN}
    match normalise(key, orjson.dumps(event), source, limits):
        case Put(document):
            return Expectation(document.id.encode(), _expected(document))
        case Remove(id=identifier):
            return Expectation(identifier.encode(), NO_TEXT)
        case Rejected(reason, detail, identifier):
            why = _UNFIT + f"{reason}: {detail}".encode()
            if identifier is not None:
                return Expectation(identifier.encode(), why)
            return Expectation(_WITHOUT_ID + _canonical(columns), why)
        case other:
            raise TypeError(f"a row is no {type(other).__name__}")


def packed(value: bytes, timestamp: int) -> bytes:
    """A record's document, packed; one that nobody can read is like no row's.

    Args:
        value: of a record of `documents`.
        timestamp: of the record, ms since the epoch.
    """
    return _read(value) + max(timestamp, 0).to_bytes(_TIME_BYTES)


def _read(value: bytes) -> bytes:
    try:
        document = orjson.loads(value)
        if document.get("schema_version", Record.VERSION) != Record.VERSION:
            return _UNREADABLE
        text = bytes.fromhex(document["content_hash"])
        both = text + _digest(document.get("metadata", {}))
    except (ValueError, KeyError, TypeError, AttributeError):
        return _UNREADABLE
    return both if len(text) == _HASH_BYTES else _UNREADABLE


def _expected(document: Document) -> bytes:
    return bytes.fromhex(document.content_hash) + _digest(document.metadata)


def _digest(metadata: Mapping[str, Any]) -> bytes:
    return hashlib.blake2b(_canonical(metadata), digest_size=_METADATA_BYTES).digest()


def _canonical(columns: Mapping[str, Any]) -> bytes:
    return orjson.dumps(columns, option=orjson.OPT_SORT_KEYS)


def written_at(found: bytes) -> int:
    """When the record of a packed document was written, ms since the epoch."""
    return int.from_bytes(found[_EXPECTED_BYTES:])


def source_prefix(source: str) -> bytes:
    """What the ids of a source's documents begin with."""
    return document_id(source, [""]).encode()


def reference_of(identifier: str | None, key: bytes | None) -> bytes | None:
    """What a dead letter is about: a document id, or the key of one that can have none.

    Args:
        identifier: of the letter.
        key: of the letter's record, the change event's own.
    """
    if identifier is not None:
        return identifier.encode()
    try:
        columns = None if key is None else read_key(key)
    except Refused:
        return None
    return None if columns is None else _WITHOUT_ID + _canonical(columns)


def key_of(reference: bytes, source: Source) -> tuple[Any, ...] | None:
    """The key's columns in the source's order, as values or as their text in the id.

    None if a row of this source never has this reference.
    """
    if reference.startswith(_WITHOUT_ID):
        columns = orjson.loads(reference[len(_WITHOUT_ID) :])
        return tuple(columns[name] for name in source.key)
    try:
        _, key = parse_document_id(reference.decode())
    except ValueError:
        return None
    return key if len(key) == len(source.key) else None


def name_of(reference: bytes) -> str:
    """The document id, or the key as JSON, for people."""
    return reference.removeprefix(_WITHOUT_ID).decode("utf-8", "backslashreplace")


def is_expected(expected: bytes | None, found: bytes | None) -> bool:
    """Whether what is there is what a row, or none, asks for."""
    return judge(expected, found) is None


def judge(expected: bytes | None, found: bytes | None) -> SourceFinding | None:
    """What the matter is; None: nothing. A row that is no document needs a dead letter."""
    if expected is None or expected == NO_TEXT:
        return None if found is None else SourceFinding.EXTRA
    if found is None:
        return SourceFinding.MISSING
    if expected[:_HASH_BYTES] != found[:_HASH_BYTES] or expected.startswith(_UNFIT):
        return SourceFinding.STALE
    same = expected == found[:_EXPECTED_BYTES]
    return None if same else SourceFinding.METADATA


def in_words(expected: bytes | None, found: bytes | None) -> tuple[str, str]:
    """What was expected and what was found, for people."""
    return _wanted(expected), "no document" if found is None else _shown(found)


def _wanted(expected: bytes | None) -> str:
    if expected is None:
        return "no document: there is no row"
    if expected == NO_TEXT:
        return "no document: the row has no text"
    if expected.startswith(_UNFIT):
        return f"a dead letter: {expected[len(_UNFIT) :].decode()}"
    return _shown(expected)


def _shown(document: bytes) -> str:
    if document.startswith(_UNREADABLE):
        return "unreadable"
    text, metadata = document[:_HASH_BYTES], document[_HASH_BYTES:_EXPECTED_BYTES]
    return f"hash {text.hex()}, metadata {metadata.hex()}"


class Comparison:
    """The first pass: all rows of a source against its documents.

    Args:
        newest: the source's documents; used up by the comparison.
    """

    def __init__(self, newest: Newest) -> None:
        self._newest = newest
        self._suspects: list[Suspect] = []
        self.documents = len(newest)
        self.rows = 0
        self.without_text = 0

    def add(self, row: Expectation) -> None:
        """Compare one row, in any order. Of a document's second row nothing is known."""
        self.rows += 1
        self.without_text += row.packed == NO_TEXT
        found = self._newest.get(row.reference)
        if found == _SEEN:
            return
        if found is not None:
            self._newest[row.reference] = _SEEN
        if not is_expected(row.packed, found):
            self._suspects.append(Suspect(row.reference, row.packed, found))

    def suspects(self) -> Iterator[Suspect]:
        """Whatever looked wrong; once all rows are in."""
        yield from self._suspects
        for reference, found in self._newest.items():
            if found != _SEEN:
                yield Suspect(reference, None, found)
