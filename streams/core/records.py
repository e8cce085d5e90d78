"""Records of a log as plain values, so that pure code can read and build them."""

from dataclasses import dataclass

__all__ = ["LogRecord", "NewRecord"]


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
