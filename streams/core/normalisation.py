"""Normalisation: from one record of a change topic to what it does to `documents`.

The whole decision, as a function of the record's bytes: it knows Debezium's envelopes, but no
Kafka, no clock and no other record. What differs from record to record of one source, such as
the order of a truncate and a late change, is for the caller, by `is_older`.

Where the change event leaves a choice, Hotswap takes the one that loses nothing silently:

- A key is what the connector put into the record's key; its columns must be exactly the
  configured ones. One more would mean that two rows share an id, so the record is rejected.
- A key column is a string, an integer or a boolean. Fractions are not: a decimal key
  converted to a double may be rounded, and so may an integer beyond 64 bits.
- In the text, null is empty, numbers and booleans stand as in JSON, lists and objects are
  rejected.
- A metadata column that the row does not have is left out: dropping a column upstream must
  not stop documents. Integers that Milvus can not hold (64 bits with sign) become strings.
- An empty text removes the document: there is nothing to embed.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import orjson

from schemas import Document, Reason
from streams.core.envelope import (
    Beside,
    Change,
    Delete,
    Refused,
    Rounded,
    Truncate,
    as_metadata,
    as_text,
    change_of,
    is_older,
    may_be_older,
    read,
    read_exactly,
    read_key,
)
from streams.core.identity import (
    KeyNotScalar,
    KeyNotUnicode,
    KeyRefused,
    KeyTooLong,
    document_id,
)
from streams.core.source import Source
from streams.core.text import MIN_BUDGET_BYTES, clean, content_hash

__all__ = [
    "Ignored",
    "Limits",
    "Outcome",
    "Put",
    "Rejected",
    "Remove",
    "RemoveOlder",
    "is_older",
    "may_be_older",
    "normalise",
]

_REASON = {
    KeyTooLong: Reason.KEY_TOO_LONG,
    KeyNotScalar: Reason.KEY_NOT_SCALAR,
    KeyNotUnicode: Reason.TEXT_NOT_UNICODE,
}

_MOST_ESCAPED = 6  # bytes that JSON takes for one character, such as \u0001
_FRAME_BYTES = 512  # field names, hash and numbers of a document as JSON

_Reader = Callable[[bytes | str], object]


@dataclass(frozen=True, slots=True)
class Limits:
    """Sizes in bytes: of a text, of its metadata as JSON, of a whole record."""

    text_budget_bytes: int
    metadata_bytes: int
    record_bytes: int

    def __post_init__(self) -> None:
        """Refuse a budget that a single character can exceed."""
        if self.text_budget_bytes < MIN_BUDGET_BYTES:
            raise ValueError(f"a text budget below {MIN_BUDGET_BYTES} bytes cuts texts to nothing")


@dataclass(frozen=True, slots=True)
class Put:
    """The row's document is now this."""

    document: Document


@dataclass(frozen=True, slots=True)
class Remove:
    """The row, or all its text, is gone. `position` None if the record does not tell."""

    id: str
    position: str | None


@dataclass(frozen=True, slots=True)
class RemoveOlder:
    """A truncate: whatever of `source` is older than `position` is gone."""

    source: str
    position: str


@dataclass(frozen=True, slots=True)
class Ignored:
    """The record says nothing of a row."""

    why: str


@dataclass(frozen=True, slots=True)
class Rejected:
    """The record can not be processed and belongs with the dead letters."""

    reason: Reason
    detail: str
    document_id: str | None = None


Outcome = Put | Remove | RemoveOlder | Ignored | Rejected


def normalise(key: bytes | None, value: bytes | None, source: Source, limits: Limits) -> Outcome:
    """What a record of the source's topic does to `documents`. Total: never raises."""
    try:
        try:
            return _outcome(key, value, source, limits, read)
        except Rounded:
            return _outcome(key, value, source, limits, read_exactly)
    except Refused as refused:
        return Rejected(refused.reason, refused.detail, _known_id(key, source))


def _outcome(
    key: bytes | None, value: bytes | None, source: Source, limits: Limits, reader: _Reader
) -> Outcome:
    match change_of(None if value is None else reader(value), reader):
        case Change() as change:
            return _put(change, key, source, limits, exact=reader is read_exactly)
        case Delete(position):
            return Remove(_identity(key, source)[0], position)
        case Truncate(position):
            return RemoveOlder(source.name, position)
        case Beside(what, heartbeat):
            if heartbeat and not _is_heartbeat(key):
                raise Refused(Reason.NOT_AN_ENVELOPE, "only a time, without a heartbeat's key")
            return Ignored(what)


def _put(
    change: Change, key: bytes | None, source: Source, limits: Limits, *, exact: bool
) -> Put | Remove:
    identifier, columns = _identity(key, source)
    row, template = change.row, source.template
    raw = template.fill(
        {name: as_text(name, row.value(name), exact=exact) for name in template.columns}
    )
    text = clean(raw, limits.text_budget_bytes)
    if not text.value:
        return Remove(identifier, change.position or None)
    metadata = {
        name: as_metadata(row.value(name), exact=exact)
        for name in source.metadata
        if name in row.after
    }
    metadata_bytes = len(orjson.dumps(metadata))
    if metadata_bytes > limits.metadata_bytes:
        raise Refused(
            Reason.METADATA_TOO_LARGE,
            f"{metadata_bytes} bytes of metadata, more than {limits.metadata_bytes}",
        )
    document = Document(
        id=identifier,
        source=source.name,
        key=columns,
        text=text.value,
        content_hash=content_hash(text.value),
        metadata=metadata,
        position=change.position,
        changed_at=change.changed_at,
        cut_bytes=text.cut_bytes,
    )
    most = metadata_bytes + len(orjson.dumps(columns)) + _FRAME_BYTES + 2 * len(identifier)
    most += _MOST_ESCAPED * (len(text.value) + len(change.position))
    if most > limits.record_bytes and (size := len(document.encode())) > limits.record_bytes:
        raise Refused(
            Reason.RECORD_TOO_LARGE, f"a document of {size} bytes, more than {limits.record_bytes}"
        )
    return Put(document)


def _identity(key: bytes | None, source: Source) -> tuple[str, dict[str, Any]]:
    """The document id and the key's columns as JSON that Milvus can hold."""
    columns = None if key is None else read_key(key)
    if columns is None:
        raise Refused(Reason.NULL_KEY, "the record has no key; the table needs a primary key")
    missing = [name for name in source.key if name not in columns]
    if missing or len(columns) != len(source.key):
        extra = [name for name in columns if name not in source.key]
        raise Refused(
            Reason.KEY_INCOMPLETE,
            f"the key's columns are not those configured: missing {missing}, extra {extra}"[:250],
        )
    values = [columns[name] for name in source.key]
    try:
        identifier = document_id(source.name, values)
    except KeyRefused as error:
        raise Refused(_REASON[type(error)], str(error)) from error
    # What an id takes holds no fraction, so nothing can have been rounded.
    return identifier, {name: as_metadata(columns[name], exact=True) for name in source.key}


def _known_id(key: bytes | None, source: Source) -> str | None:
    try:
        return _identity(key, source)[0]
    except Refused:
        return None


def _is_heartbeat(key: bytes | None) -> bool:
    columns = None if key is None else read_key(key)
    return columns is not None and columns.keys() == {"serverName"}
