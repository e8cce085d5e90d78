"""Document ids: how a source and a primary key become the primary key in every collection.

An id is `<source>/<column>|<column>…`. Each part is percent-encoded, so that `/` and `|` only
ever stand between parts and an id can be pasted into a Milvus filter. Knows nothing of where
a key comes from.
"""

import re
from collections.abc import Sequence

__all__ = [
    "MAX_BYTES",
    "KeyNotScalar",
    "KeyNotUnicode",
    "KeyRefused",
    "KeyTooLong",
    "Scalar",
    "document_id",
    "parse_document_id",
]

Scalar = str | int | bool
"""What a key column may hold. Decimals, UUIDs and bytes arrive as strings."""

MAX_BYTES = 512
"""Longest id; Milvus counts the bytes of a VARCHAR."""

_UNSAFE = re.compile(r"[^A-Za-z0-9._:-]")
_PART = re.compile(r"(?:[A-Za-z0-9._:-]|%[0-9A-F]{2})*")
_ESCAPE = re.compile(r"%([0-9A-F]{2})")


class KeyRefused(ValueError):
    """This key can not become a document id."""


class KeyTooLong(KeyRefused):
    """The id would be longer than `MAX_BYTES`."""


class KeyNotScalar(KeyRefused):
    """A key column holds null, a fraction, a list or an object."""


class KeyNotUnicode(KeyRefused):
    """A key column holds half a surrogate pair, which has no UTF-8 form."""


def document_id(source: str, key: Sequence[Scalar]) -> str:
    """The id of the row of `source` whose key columns hold `key`, in the configured order.

    Injective over sources and keys of one column type per column: 1 and "1" are the same id,
    since a column of a database holds only one of the two. Nothing is normalised: look-alike
    characters stay different keys, as they are in the database. An empty string is a part of
    length 0, so ("",) and ("", "") differ.

    Raises:
        KeyTooLong: more than 512 bytes.
        KeyNotScalar: a value is not a string, integer or boolean, or there is none.
        KeyNotUnicode: a lone surrogate.
    """
    if not key:
        raise KeyNotScalar("a key has at least one column")
    identifier = f"{_encode(source)}/{'|'.join([_encode(value) for value in key])}"
    if len(identifier) > MAX_BYTES:
        raise KeyTooLong(f"the id takes {len(identifier)} bytes, more than {MAX_BYTES}")
    return identifier


def parse_document_id(identifier: str) -> tuple[str, tuple[str, ...]]:
    """The source and the key columns, as text, that `document_id` made this id of.

    Raises: ValueError if `document_id` never gives this id.
    """
    source, slash, key = identifier.partition("/")
    parts = (source, *key.split("|"))
    if not slash or len(identifier) > MAX_BYTES or not all(map(_PART.fullmatch, parts)):
        raise ValueError(f"not a document id: {identifier[:MAX_BYTES]!r}")
    name, *columns = [_decode(part) for part in parts]
    if document_id(name, columns) != identifier:
        raise ValueError(f"not in canonical form: {identifier!r}")
    return name, tuple(columns)


def _encode(value: object) -> str:
    if isinstance(value, str):
        if len(value) > MAX_BYTES:
            raise KeyTooLong(f"a key column of {len(value)} characters")
        return value if _UNSAFE.search(value) is None else _UNSAFE.sub(_escape, value)
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        if value.bit_length() > 4 * MAX_BYTES:  # more digits than an id has bytes
            raise KeyTooLong("a key column with an integer of more than 512 digits")
        return str(value)
    raise KeyNotScalar(f"a key column holds {_kind(value)}")


def _escape(match: re.Match[str]) -> str:
    try:
        encoded = match[0].encode()
    except UnicodeEncodeError as error:
        raise KeyNotUnicode("a key column holds half a surrogate pair") from error
    return "".join([f"%{byte:02X}" for byte in encoded])


def _decode(part: str) -> str:
    data = _ESCAPE.sub(lambda match: chr(int(match[1], 16)), part).encode("latin-1")
    return data.decode()


def _kind(value: object) -> str:
    if value is None:
        return "null"
    if isinstance(value, float):
        return "a number that is not a 64-bit integer (decimal.handling.mode=string keeps it exact)"
    return "a list" if isinstance(value, list) else "an object"
