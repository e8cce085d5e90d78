"""Query ids: what a search says of itself, so that feedback can be joined to it anywhere.

An id carries the facts, so any process behind a load balancer reads what another one issued.
Its tag tells an issued id from a garbled or made-up one. It is no security boundary: its key
is the migration's salt, which everybody who reads the control log knows.
"""

import base64
import binascii
import hashlib
import hmac
import struct
from dataclasses import dataclass

__all__ = ["NONCE_BYTES", "QueryId", "decode", "encode"]

NONCE_BYTES = 8
"""Random bytes in an id: two searches of the same millisecond differ."""

_PREFIX = "q1."
_FIXED = struct.Struct(f">qqI{NONCE_BYTES}s")
_TAG_BYTES = 8
_CONTEXT = b"hotswap-query-id-v1\0"


@dataclass(frozen=True, slots=True)
class QueryId:
    """What an id says.

    Attributes:
        lane: the lane that answered.
        flag_version: version of the flag that the route came from.
        issued_at: by the issuing process's clock, ms since the epoch.
        k: how many hits were asked for.
        nonce: NONCE_BYTES random bytes.
    """

    lane: str
    flag_version: int
    issued_at: int
    k: int
    nonce: bytes


def encode(query: QueryId, salt: str) -> str:
    """The id, of characters that are safe in a URL."""
    payload = (
        _FIXED.pack(query.flag_version, query.issued_at, query.k, query.nonce) + query.lane.encode()
    )
    return _PREFIX + base64.urlsafe_b64encode(payload + _tag(payload, salt)).decode().rstrip("=")


def decode(text: str, salt: str) -> QueryId | None:
    """What an id says; None if it was not issued, as it stands, under this salt."""
    if not text.startswith(_PREFIX) or not text.isascii():
        return None
    coded = text.removeprefix(_PREFIX)
    try:
        data = base64.b64decode(coded + "=" * (-len(coded) % 4), altchars=b"-_", validate=True)
    except binascii.Error:
        return None
    # Several texts decode to the same bytes; only the one that `encode` writes is an id.
    if base64.urlsafe_b64encode(data).decode().rstrip("=") != coded:
        return None
    payload, tag = data[:-_TAG_BYTES], data[-_TAG_BYTES:]
    if len(payload) < _FIXED.size or not hmac.compare_digest(tag, _tag(payload, salt)):
        return None
    flag_version, issued_at, k, nonce = _FIXED.unpack_from(payload)
    return QueryId(payload[_FIXED.size :].decode(), flag_version, issued_at, k, nonce)


def _tag(payload: bytes, salt: str) -> bytes:
    key = salt.encode("utf-8", "surrogatepass")
    return hmac.digest(key, _CONTEXT + payload, hashlib.sha256)[:_TAG_BYTES]
