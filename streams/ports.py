"""The ports: what Hotswap asks of the systems around it.

Each has a real adapter and an in-memory one under `streams/adapters`, and one conformance
suite under `tests/contract` that runs over all of them. All methods raise only errors of
`streams.errors`.
"""

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from schemas import Fingerprint

__all__ = [
    "Embedder",
    "Hit",
    "Log",
    "LogRecord",
    "NewRecord",
    "Purpose",
    "Row",
    "ScannedRow",
    "StoredVersion",
    "TopicSpec",
    "VectorStore",
    "Vectors",
]

Vectors = npt.NDArray[np.float32]
"""Shape (texts, dimensions), C-contiguous, each row of Euclidean length 1."""


class Purpose(StrEnum):
    """What a text is embedded for; some models want different prefixes."""

    DOCUMENT = "document"
    QUERY = "query"


class Embedder(Protocol):
    """One embedding model behind one provider."""

    async def identify(self) -> Fingerprint:
        """Ask the live server what it is.

        Raises: TransientError, LaneHalted.
        """
        ...

    async def embed(self, texts: Sequence[str], purpose: Purpose = Purpose.DOCUMENT) -> Vectors:
        """Embed all of `texts`, in their order, in one call to the provider.

        Returns L2-normalised vectors of the fingerprint's dimensions.

        Raises:
            InputRefused: at least one text was refused; which one is not known.
            MalformedVector: a subclass of InputRefused; the answer was not n finite,
                non-zero vectors of the right length.
            TransientError: try again later.
            LaneHalted: quota, key or model; only an operator can help.
        """
        ...

    async def close(self) -> None:
        """Let go of connections."""
        ...


@dataclass(frozen=True, slots=True)
class StoredVersion:
    """What a store holds of one id, without the vector."""

    version: int
    content_hash: str


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


@dataclass(frozen=True, slots=True)
class ScannedRow:
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

    async def search(self, collection: str, vector: npt.NDArray[np.float32], k: int) -> list[Hit]:
        """The k nearest rows, nearest first."""
        ...

    async def count(self, collection: str) -> int:
        """Number of live rows, counted, strongly consistent."""
        ...

    async def drop(self, collection: str) -> None:
        """Drop the collection; absent is no error."""
        ...

    async def close(self) -> None:
        """Let go of connections."""
        ...


@dataclass(frozen=True, slots=True)
class LogRecord:
    """A record as it stands on a topic."""

    topic: str
    partition: int
    offset: int
    key: bytes | None
    value: bytes | None
    timestamp: int = 0
    headers: tuple[tuple[str, bytes], ...] = ()


@dataclass(frozen=True, slots=True)
class NewRecord:
    """A record to append. `partition` None: by the key's hash (murmur2, as Kafka's own)."""

    topic: str
    key: bytes | None
    value: bytes | None
    headers: tuple[tuple[str, bytes], ...] = ()
    partition: int | None = None


@dataclass(frozen=True, slots=True)
class TopicSpec:
    """A topic as it must be. `config`: only the entries that Hotswap cares about."""

    name: str
    partitions: int
    replication_factor: int
    config: Mapping[str, str] = field(default_factory=dict)


class Log(Protocol):
    """Kafka without consumer groups: create, describe, append, and read a known range."""

    async def create(self, spec: TopicSpec) -> bool:
        """Create the topic; False if there is one of that name. Does not compare."""
        ...

    async def describe(self, topic: str) -> TopicSpec | None:
        """The topic as it is, with all its configuration; None if there is none."""
        ...

    async def ends(self, topic: str) -> dict[int, int]:
        """Partition → the offset that the next record will get."""
        ...

    async def committed(self, group: str, topic: str) -> dict[int, int]:
        """Partition → committed offset of a consumer group; 0 where it has none."""
        ...

    async def append(self, records: Sequence[NewRecord]) -> list[tuple[int, int]]:
        """Append all, and return (partition, offset) of each once all are durable (acks=all).

        Raises: TransientError; some may have been appended.
        """
        ...

    def read(
        self,
        topic: str,
        *,
        since: Mapping[int, int] | None = None,
        until: Mapping[int, int] | None = None,
        partitions: Sequence[int] | None = None,
    ) -> AsyncIterator[Sequence[LogRecord]]:
        """All records with since ≤ offset < until, in pages, in order within a partition.

        Defaults: from the start of the log, up to the ends as they are at the call. Ends
        when every partition's position has reached `until`, also across compaction gaps.
        """
        ...

    async def close(self) -> None:
        """Let go of connections."""
        ...
