"""A vector store in memory, with the semantics of the one over Milvus.

Rows go through the same checks and the same encoding, so what Milvus refuses or changes (a
tuple in metadata becomes a list) is refused and changed here too.
"""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
import orjson

from schemas import Fingerprint
from schemas.filter import Filter
from streams.adapters.stored_rows import check_limit, encode_rows, safe_ids
from streams.core.filters import matches
from streams.errors import DriftError, InputRefused, LaneHalted
from streams.ports import Hit, Row, ScannedRow, StoredVersion

__all__ = ["MemoryStore"]

_PAGE = 500


@dataclass(slots=True)
class _Collection:
    fingerprint: Fingerprint
    rows: dict[str, dict[str, Any]] = field(default_factory=dict)


class MemoryStore:
    """See the module, and `streams.ports.VectorStore`."""

    def __init__(self) -> None:
        self._collections: dict[str, _Collection] = {}

    async def create(self, collection: str, fingerprint: Fingerprint) -> None:
        """See `streams.ports.VectorStore`."""
        there = self._collections.setdefault(collection, _Collection(fingerprint))
        if there.fingerprint != fingerprint:
            raise DriftError(f"collection {collection}", fingerprint.differences(there.fingerprint))

    async def fingerprint(self, collection: str) -> Fingerprint | None:
        """See `streams.ports.VectorStore`."""
        there = self._collections.get(collection)
        return there.fingerprint if there else None

    async def collections(self) -> list[str]:
        """See `streams.ports.VectorStore`."""
        return sorted(self._collections)

    async def versions(self, collection: str, ids: Sequence[str]) -> dict[str, StoredVersion]:
        """See `streams.ports.VectorStore`."""
        return {
            row["id"]: StoredVersion(row["version"], row["content_hash"])
            for row in self._get(collection, ids)
        }

    async def vectors(
        self, collection: str, ids: Sequence[str]
    ) -> dict[str, npt.NDArray[np.float32]]:
        """See `streams.ports.VectorStore`."""
        return {row["id"]: _vector(row) for row in self._get(collection, ids)}

    async def upsert(self, collection: str, rows: Sequence[Row]) -> None:
        """See `streams.ports.VectorStore`. Of an id that comes twice, the last row is written."""
        there = self._there(collection)
        for row in encode_rows(rows, there.fingerprint.dimensions):
            # The caller may change its array later; the store must not follow.
            there.rows[row["id"]] = row | {"embedding": row["embedding"].copy()}

    async def delete(self, collection: str, ids: Sequence[str]) -> None:
        """See `streams.ports.VectorStore`."""
        rows = self._there(collection).rows
        for each in safe_ids(ids):
            rows.pop(each, None)

    async def scan(
        self, collection: str, *, shard: int | None = None, vectors: bool = False
    ) -> AsyncIterator[Sequence[ScannedRow]]:
        """See `streams.ports.VectorStore`. Of the rows as they are when it begins, by id."""
        found = [
            ScannedRow(
                row["id"],
                row["shard"],
                row["version"],
                row["content_hash"],
                _vector(row) if vectors else None,
            )
            for _, row in sorted(self._there(collection).rows.items())
            if shard is None or row["shard"] == shard
        ]
        for start in range(0, len(found), _PAGE):
            yield found[start : start + _PAGE]

    async def search(
        self,
        collection: str,
        vector: npt.NDArray[np.float32],
        k: int,
        filter: Filter | None = None,  # noqa: A002 - the port's name
    ) -> list[Hit]:
        """See `streams.ports.VectorStore`. Exact; compares with every row."""
        check_limit(k)
        there = self._there(collection)
        dimensions = there.fingerprint.dimensions
        if vector.shape != (dimensions,):
            raise InputRefused(f"the vector has shape {vector.shape}, not ({dimensions},)")
        rows = [row for row in there.rows.values() if filter is None or _matches(filter, row)]
        if not rows:
            return []
        matrix = np.array([row["embedding"] for row in rows], dtype=np.float32)
        lengths = np.linalg.norm(matrix, axis=1) * np.linalg.norm(vector)
        scores = matrix @ vector / lengths
        return [
            Hit(
                rows[place]["id"],
                float(scores[place]),
                orjson.loads(rows[place]["key"]),
                orjson.loads(rows[place]["metadata"]),
            )
            for place in np.argsort(-scores, kind="stable")[:k]
        ]

    async def count(self, collection: str) -> int:
        """See `streams.ports.VectorStore`."""
        return len(self._there(collection).rows)

    async def hnsw_m(self) -> int | None:
        """See `streams.ports.VectorStore`. A search compares with every row."""
        return None

    async def drop(self, collection: str) -> None:
        """See `streams.ports.VectorStore`."""
        self._collections.pop(collection, None)

    async def close(self) -> None:
        """Nothing to let go of; what was stored stays."""

    def _there(self, collection: str) -> _Collection:
        there = self._collections.get(collection)
        if there is None:
            raise LaneHalted(f"collection {collection} not found")
        return there

    def _get(self, collection: str, ids: Sequence[str]) -> list[dict[str, Any]]:
        rows = self._there(collection).rows
        return [rows[each] for each in safe_ids(ids) if each in rows]


def _matches(wanted: Filter, row: dict[str, Any]) -> bool:
    return matches(wanted, row["source"], orjson.loads(row["metadata"]))


def _vector(row: dict[str, Any]) -> npt.NDArray[np.float32]:
    return np.array(row["embedding"], dtype=np.float32)
