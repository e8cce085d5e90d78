"""Signatures on control records.

HMAC-SHA256, in hex, over the record's canonical form: the JSON object without `signature`, keys
sorted by code point, no white space, nothing escaped that need not be, numbers as Python prints
them. For plain numbers that is what `jq -cSj 'del(.signature)'` prints. Several keys may be
valid at once, so that a key can be replaced without a gap.

Python's own `json`, since a signature has to hold for as long as the log does: faster libraries
have changed how they print numbers.
"""

import hmac
import json
from collections.abc import Sequence
from typing import Any, NamedTuple

__all__ = ["MIN_KEY_BYTES", "NO_KEYS", "Keyring", "RetiredKey", "canonical", "is_signed", "sign"]

MIN_KEY_BYTES = 16
"""A shorter key could be guessed."""

_FIELD = "signature"


class RetiredKey(NamedTuple):
    """A key that signs no more. What it signed is history, and stays valid.

    Attributes:
        key: the key.
        before: offset from which on it no longer counts.
    """

    key: bytes
    before: int


class Keyring(NamedTuple):
    """The control keys that a process was given; without any, no signature is asked for.

    Attributes:
        keys: that count for new records; the first one signs.
        retired: that count for old ones only.
        signed_from: offset from which on records have to be signed.
    """

    keys: tuple[bytes, ...] = ()
    retired: tuple[RetiredKey, ...] = ()
    signed_from: int = 0


NO_KEYS = Keyring()
"""No signature is asked for."""

_encode = json.JSONEncoder(
    ensure_ascii=False, allow_nan=False, sort_keys=True, separators=(",", ":")
).encode


def canonical(record: bytes) -> bytes:
    """What is signed of a record.

    Raises: ValueError if it is not a JSON object, or nested too deep.
    """
    fields = _fields(record)
    fields.pop(_FIELD, None)
    return _content(fields)


def sign(record: bytes, key: bytes) -> bytes:
    """The record with its signature by `key` in place of any other.

    Raises: ValueError if it is not a JSON object, or nested too deep.
    """
    fields = _fields(record)
    fields.pop(_FIELD, None)
    return _content({**fields, _FIELD: _digest(_content(fields), key)})


def is_signed(record: bytes, keys: Sequence[bytes]) -> bool:
    """Whether the record bears a signature by one of the keys."""
    try:
        fields = _fields(record)
        signature = fields.pop(_FIELD, None)
        content = _content(fields)
    except ValueError:
        return False
    if not isinstance(signature, str) or not signature.isascii():
        return False
    # Every key is tried, whatever the first ones say: the time taken tells nothing.
    valid = [hmac.compare_digest(_digest(content, key), signature) for key in keys]
    return any(valid)


def _fields(record: bytes) -> dict[str, Any]:
    try:
        fields = json.loads(record.decode())
    except RecursionError as error:
        raise ValueError("the record is nested too deep") from error
    if not isinstance(fields, dict):
        raise ValueError("a control record is a JSON object")  # noqa: TRY004 - bad bytes, not types
    return fields


def _content(fields: dict[str, Any]) -> bytes:
    return _encode(fields).encode()


def _digest(content: bytes, key: bytes) -> str:
    return hmac.digest(key, content, "sha256").hex()
