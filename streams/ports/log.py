"""The log port: Kafka without consumer groups."""

from collections.abc import AsyncGenerator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from streams.core.records import LogRecord, NewRecord

__all__ = ["Log", "TopicSpec"]


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
