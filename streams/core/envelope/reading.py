"""JSON as Kafka Connect writes it, read strictly and without rounding.

Decides what the payload of a record is; knows nothing of what it means.

orjson refuses what Milvus and the embedders could not take: NaN, 1e400, lone surrogates,
bytes that are not UTF-8, more than 1,024 levels. Of a name that stands twice in an object it
keeps the last value, like most readers; in a key, where that would be a guess at which row is
meant, `read_key` refuses it. An integer beyond 64 bits it reads as a float: `read_exactly` is
the way to its digits.
"""

import binascii
import json
import re
from collections.abc import Callable
from typing import Any

import orjson

from schemas import Reason
from streams.core.envelope.refusal import Refused

__all__ = ["INT64", "read", "read_exactly", "read_key"]

INT64 = range(-(2**63), 2**63)
"""The integers that a Milvus JSON field holds exactly."""

_INT64_DIGITS = 20  # the most that one takes, with its sign
_WRAPPINGS = 4  # schema around a string around a schema around the payload, and the last look
_STRING_OR_NUMBER = re.compile(
    r'"[^"\\]*(?:\\.[^"\\]*)*"|-?[0-9]+(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?'
)

_Loads = Callable[[bytes | str], object]


def read(raw: bytes | str) -> object:
    """The payload of a record's value, None if it is null.

    With or without `{"schema", "payload"}` around it, and also if a converter for bytes or
    strings has wrapped the JSON text into a JSON string, in base64 or as it is.

    Raises: Refused with NOT_JSON or TEXT_NOT_UNICODE.
    """
    return _payload(_loads(raw), _loads)


def read_exactly(raw: bytes | str) -> object:
    """Like `read`, but integers beyond 64 bits with sign are strings of all their digits.

    Slow; for records that `read` has read, but with a float that may be a rounded integer.
    """
    return _payload(_loads_exactly(raw), _loads_exactly)


def read_key(raw: bytes) -> dict[str, Any] | None:
    """The columns of a record's key, None if it is null.

    Raises: Refused with NOT_JSON, also if a name stands twice, TEXT_NOT_UNICODE, or
        KEY_INCOMPLETE if it names no columns.
    """
    key = _payload(_loads_once(raw), _loads_once)
    if key is None or isinstance(key, dict):
        return key
    raise Refused(Reason.KEY_INCOMPLETE, "the key is a bare value; it names no columns")


def _payload(document: object, loads: _Loads) -> object:
    for _ in range(_WRAPPINGS):
        if isinstance(document, dict) and _has_schema(document):
            document = document["payload"]
        elif isinstance(document, str) and (packed := _unpacked(document)) is not None:
            document = loads(packed)
        else:
            break
    return document


def _has_schema(document: dict[str, Any]) -> bool:
    # A row without schema may have columns of these names, but no object in `schema`.
    return (
        len(document) == 2  # noqa: PLR2004 -- JsonConverter's ENVELOPE_SCHEMA has two fields
        and "payload" in document
        and isinstance(document.get("schema", ""), dict | None)
    )


def _unpacked(text: str) -> bytes | str | None:
    if text.startswith("{"):
        return text
    try:
        data = binascii.a2b_base64(text, strict_mode=True)
    except ValueError:
        return None
    return data if data.startswith(b"{") else None


def _loads(raw: bytes | str) -> object:
    try:
        return orjson.loads(raw)
    except orjson.JSONDecodeError as error:
        lone = "surrogate" in error.msg and _is_utf8(raw)
        raise Refused(Reason.TEXT_NOT_UNICODE if lone else Reason.NOT_JSON, str(error)) from error


def _is_utf8(raw: bytes | str) -> bool:
    try:
        return bool(raw if isinstance(raw, str) else raw.decode())
    except UnicodeDecodeError:
        return False


def _loads_once(raw: bytes | str) -> object:
    document = _loads(raw)
    text = raw if isinstance(raw, str) else raw.decode()
    try:
        # Compact JSON that is written back as it was lost nothing: no name stood twice.
        lost_nothing = orjson.dumps(document) == text.encode()
    except orjson.JSONEncodeError as error:  # after 254 levels
        raise Refused(Reason.NOT_JSON, "the key is nested too deep") from error
    if not lost_nothing:
        _REFUSING_TWINS.decode(text)
    return document


def _without_twins(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    names = dict(pairs)
    if len(names) != len(pairs):
        raise Refused(Reason.NOT_JSON, "a name stands twice in the key")
    return names


_REFUSING_TWINS = json.JSONDecoder(object_pairs_hook=_without_twins)


def _loads_exactly(raw: bytes | str) -> object:
    return _loads(_STRING_OR_NUMBER.sub(_exact, raw if isinstance(raw, str) else raw.decode()))


def _exact(match: re.Match[str]) -> str:
    token = match[0]
    if not token.lstrip("-").isdigit():
        return token
    return token if len(token) <= _INT64_DIGITS and int(token) in INT64 else f'"{token}"'
