"""The vector store port: the collections of one Milvus."""

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol

import numpy as np
import numpy.typing as npt

from schemas import Fingerprint
from schemas.filter import Filter
from streams.core.batch import StoredVersion

__all__ = ["Hit", "Row", "ScannedRow", "VectorStore"]


@dataclass(frozen=True, slots=True)
class Row:
    """One row to write. `metadata` and `key` are JSON objects."""

    id: str
    embedding: npt.NDArray[np.float32]
    source: str
    key: Mapping[str, Any]
    shard: int
    version: int
    content_hash: str
    metadata: Mapping[str, Any]
    text_bytes: int
    embedded_at: int


class ScannedRow(NamedTuple):
    """One row as verification reads it. `embedding` only if it was asked for."""

    id: str
    shard: int
    version: int
    content_hash: str
    embedding: npt.NDArray[np.float32] | None = None


@dataclass(frozen=True, slots=True)
class Hit:
    """One answer to a search. `score`: cosine similarity, higher is nearer."""

    id: str
    score: float
    key: Mapping[str, Any]
    metadata: Mapping[str, Any]


class VectorStore(Protocol):
    """The collections of one Milvus. Ids are document ids (`schemas.document.DocumentId`)."""

    async def create(self, collection: str, fingerprint: Fingerprint) -> None:
        """Make the collection unless it is there.

        Raises: DriftError if it is there with another fingerprint or another schema.
        """
        ...

    async def fingerprint(self, collection: str) -> Fingerprint | None:
        """The fingerprint in the collection's description; None if there is no collection.

        Raises: DriftError if the collection was not made by Hotswap.
        """
        ...

    async def collections(self) -> list[str]:
        """Names of all collections, sorted."""
        ...

    async def versions(self, collection: str, ids: Sequence[str]) -> dict[str, StoredVersion]:
        """What is stored of `ids`; absent ids are left out. Strongly consistent."""
        ...

    async def vectors(
        self, collection: str, ids: Sequence[str]
    ) -> dict[str, npt.NDArray[np.float32]]:
        """The stored vectors of `ids`; absent ids are left out. Strongly consistent."""
        ...

    async def upsert(self, collection: str, rows: Sequence[Row]) -> None:
        """Write whole rows; ids are unique within `rows`.

        Raises: InputRefused if the store refuses a row for what it holds.
        """
        ...

    async def delete(self, collection: str, ids: Sequence[str]) -> None:
        """Delete by id; absent ids are no error."""
        ...

    def scan(
        self, collection: str, *, shard: int | None = None, vectors: bool = False
    ) -> AsyncIterator[Sequence[ScannedRow]]:
        """All rows (of one shard), in pages. Strongly consistent."""
        ...

    async def search(
        self,
        collection: str,
        vector: npt.NDArray[np.float32],
        k: int,
        filter: Filter | None = None,  # noqa: A002 - its name in a request
    ) -> list[Hit]:
        """The k nearest rows, nearest first; with a filter, the k nearest among those that match.

        What a filter matches: `streams.core.filters.matches`.
        """
        ...

    async def count(self, collection: str) -> int:
        """Number of live rows, counted, strongly consistent."""
        ...

    async def hnsw_m(self) -> int | None:
        """M of the HNSW graph that collections get; None: they get none."""
        ...

    async def drop(self, collection: str) -> None:
        """Drop the collection; absent is no error."""
        ...

    async def close(self) -> None:
        """Let go of connections."""
        ...
