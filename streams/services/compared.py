"""What is compared: one build of a lane, and `documents` up to a snapshot."""

from collections.abc import Mapping
from dataclasses import dataclass

from streams.config.kafka import TopicsConfig
from streams.ports import Log, VectorStore

__all__ = ["Compared"]


@dataclass(frozen=True, slots=True)
class Compared:
    """Where documents and rows are.

    Attributes:
        log: where the topics are.
        store: where the collection is.
        topics: names of `documents` and `dead-letters`.
        collection: of the build.
        stage: under which the build's dead letters stand.
        dimensions: of the vectors; None leaves vectors out.
        snapshot: partition → end offset of `documents`.
    """

    log: Log
    store: VectorStore
    topics: TopicsConfig
    collection: str
    stage: str
    dimensions: int | None
    snapshot: Mapping[int, int]
