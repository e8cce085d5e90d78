"""The ports: what Hotswap asks of the systems around it.

Each has a real adapter and an in-memory one under `streams/adapters`, and one conformance
suite under `tests/contract` that runs over all of them. All methods raise only errors of
`streams.errors`.
"""

from streams.core.batch import StoredVersion
from streams.core.records import LogRecord, NewRecord
from streams.ports.connect import Connect, ConnectorStatus
from streams.ports.database import (
    Database,
    Publication,
    ReplicaIdentity,
    ReplicationSlot,
    Table,
)
from streams.ports.embedder import Embedder, OnTokens, Purpose, Vectors
from streams.ports.foreign import (
    ForeignCollection,
    ForeignFields,
    ForeignId,
    ForeignRow,
    ForeignShape,
)
from streams.ports.log import Log, TopicSpec
from streams.ports.store import Hit, Row, ScannedRow, VectorStore

__all__ = [
    "Connect",
    "ConnectorStatus",
    "Database",
    "Embedder",
    "ForeignCollection",
    "ForeignFields",
    "ForeignId",
    "ForeignRow",
    "ForeignShape",
    "Hit",
    "Log",
    "LogRecord",
    "NewRecord",
    "OnTokens",
    "Publication",
    "Purpose",
    "ReplicaIdentity",
    "ReplicationSlot",
    "Row",
    "ScannedRow",
    "StoredVersion",
    "Table",
    "TopicSpec",
    "VectorStore",
    "Vectors",
]
