"""The ports: what Hotswap asks of the systems around it.

Each has a real adapter and an in-memory one under `streams/adapters`, and one conformance
suite under `tests/contract` that runs over all of them. All methods raise only errors of
`streams.errors`.
"""

from collections.abc import AsyncGenerator, AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt
from pydantic import SecretStr

from schemas import Fingerprint
from schemas.filter import Filter
from streams.core.batch import StoredVersion
from streams.core.records import LogRecord, NewRecord

__all__ = [
    "Connect",
    "ConnectorStatus",
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

    async def drop(self, collection: str) -> None:
        """Drop the collection; absent is no error."""
        ...

    async def close(self) -> None:
        """Let go of connections."""
        ...


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
    ) -> AsyncGenerator[Sequence[LogRecord], None]:
        """All records with since ≤ offset < until, in pages, in order within a partition.

        Defaults: from the start of the log, up to the ends as they are at the call. Ends
        when every partition's position has reached `until`, also across compaction gaps.
        Who stops early closes it (`contextlib.aclosing`).

        Raises: TransientError, ConfigurationError; DriftError if `until` lies beyond the end.
        """
        ...

    def follow(
        self, topic: str, since: Mapping[int, int]
    ) -> AsyncGenerator[tuple[Sequence[LogRecord], Mapping[int, int]], None]:
        """All records with since ≤ offset, and every later one as soon as it is appended.

        In pages, in order within a partition, each with partition → the offset after it;
        partitions without a `since` from their start. A page is empty if only offsets without
        a record were passed. Never ends: who has enough closes it (`contextlib.aclosing`).
        While the log can not be reached it waits, and goes on where it was.

        Raises: TransientError or ConfigurationError at the beginning only; DriftError if the
            topic was deleted and made again.
        """
        ...

    async def close(self) -> None:
        """Let go of connections."""
        ...


@dataclass(frozen=True, slots=True)
class ConnectorStatus:
    """A connector's and its tasks' RUNNING, PAUSED, FAILED, …; the first failure in one line."""

    state: str
    tasks: tuple[str, ...] = ()
    problem: str = ""


class Connect(Protocol):
    """Kafka Connect: the connectors that read the source databases."""

    async def plugins(self) -> frozenset[str]:
        """Class names of the connectors that can be registered."""
        ...

    async def get(self, name: str) -> dict[str, str] | None:
        """A connector's configuration, secrets included; None if there is no such connector."""
        ...

    async def put(
        self, name: str, config: Mapping[str, str], secrets: Mapping[str, SecretStr]
    ) -> None:
        """Register a connector, or replace its configuration. Errors repeat no secret."""
        ...

    async def status(self, name: str) -> ConnectorStatus | None:
        """How the connector and its tasks are; None if there is no such connector yet."""
        ...

    async def restart(self, name: str) -> None:
        """Start what has failed of the connector and its tasks again."""
        ...

    async def delete(self, name: str) -> None:
        """Remove the connector; absent is no error."""
        ...

    async def close(self) -> None:
        """Let go of connections."""
        ...
