"""What a row must be before any store takes it, and how it is split into requests.

Milvus and the server inside milvus-lite differ in what they check (the latter takes NaN, long
strings and an id twice), so every store adapter checks here, and all refuse the same rows.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import orjson

from schemas.document import is_document_id
from streams.errors import InputRefused
from streams.ports import Row

__all__ = [
    "ID_BYTES",
    "JSON_BYTES",
    "NAME_BYTES",
    "check_limit",
    "encode_rows",
    "in_requests",
    "safe_ids",
]

ID_BYTES = 512
NAME_BYTES = 64
"""Longest `source` and `content_hash`."""
JSON_BYTES = 65_536
"""Milvus' own limit for a JSON field (common.JSONMaxLength)."""
HITS = 16_384
"""Milvus' own limit for one search (quotaAndLimits.limits.topK)."""

_LARGEST = 2**63 - 1

_REQUEST_BYTES = 8 * 1024 * 1024
"""Upserts stay well below the 64 MB that Milvus accepts in one call."""


def safe_ids(ids: Iterable[str]) -> list[str]:
    """The ids without repetition, in their order.

    pymilvus pastes ids into a filter expression: one with a quote in it could select, or
    delete, every row. None but document ids may reach it.

    Raises: InputRefused.
    """
    unique = list(dict.fromkeys(ids))
    for each in unique:
        if not is_document_id(each):
            raise InputRefused(f"{each[:80]!r} is not a document id")
    return unique


def check_limit(k: int) -> None:
    """Refuse to search for fewer than 1 or more than 16,384 rows.

    Raises: InputRefused.
    """
    if not 1 <= k <= HITS:
        raise InputRefused(f"k is {k}, not 1 to {HITS}")


def encode_rows(rows: Sequence[Row], dimensions: int) -> list[dict[str, Any]]:
    """Rows as Milvus takes them: vectors as arrays, JSON as text.

    Milvus would keep both rows of an id that comes twice, so only the last one is left.

    Raises: InputRefused, naming the row.
    """
    newest = {row.id: row for row in rows}
    safe_ids(newest)
    return [_encode(row, dimensions) for row in newest.values()]


def in_requests(
    rows: Iterable[dict[str, Any]], limit: int = _REQUEST_BYTES
) -> Iterator[list[dict[str, Any]]]:
    """Split encoded rows so that no request is longer than `limit` bytes, or holds one row."""
    request: list[dict[str, Any]] = []
    length = 0
    for row in rows:
        size = _encoded_bytes(row)
        if request and length + size > limit:
            yield request
            request, length = [], 0
        request.append(row)
        length += size
    if request:
        yield request


def _encode(row: Row, dimensions: int) -> dict[str, Any]:
    if row.embedding.shape != (dimensions,):
        raise InputRefused(
            f"row {row.id}: the vector has shape {row.embedding.shape}, not ({dimensions},)"
        )
    if not np.isfinite(row.embedding).all() or not row.embedding.any():
        raise InputRefused(f"row {row.id}: the vector is zero, or holds NaN or an infinity")
    for name, value in (("source", row.source), ("content_hash", row.content_hash)):
        if len(value.encode(errors="replace")) > NAME_BYTES:
            raise InputRefused(f"row {row.id}: {name} is longer than {NAME_BYTES} bytes")
    if any(
        abs(each) > _LARGEST for each in (row.shard, row.version, row.text_bytes, row.embedded_at)
    ):
        raise InputRefused(f"row {row.id}: a number is larger than 64 bits hold")
    return {
        "id": row.id,
        # As it is: of a list, pymilvus would make an array first.
        "embedding": row.embedding,
        "source": row.source,
        "key": _json(row, "key", row.key),
        "shard": row.shard,
        "version": row.version,
        "content_hash": row.content_hash,
        "metadata": _json(row, "metadata", row.metadata),
        "text_bytes": row.text_bytes,
        "embedded_at": row.embedded_at,
    }


def _json(row: Row, name: str, value: Mapping[str, Any]) -> str:
    """JSON text. pymilvus takes it as it is, faster than an object that it walks itself."""
    try:
        encoded = orjson.dumps(value if isinstance(value, dict) else dict(value))
    except TypeError as error:
        raise InputRefused(f"row {row.id}: {name} is no JSON: {error}") from error
    if len(encoded) > JSON_BYTES:
        raise InputRefused(
            f"row {row.id}: {name} takes {len(encoded)} bytes as JSON; Milvus takes {JSON_BYTES}"
        )
    return encoded.decode()


def _encoded_bytes(row: Mapping[str, Any]) -> int:
    """An upper bound of the row's size in a request (protobuf, text in UTF-8)."""
    texts = len(row["id"]) + len(row["source"]) + len(row["content_hash"])
    # No character takes more than four bytes in UTF-8.
    json = 4 * (len(row["key"]) + len(row["metadata"]))
    return 4 * len(row["embedding"]) + texts + json + 100
