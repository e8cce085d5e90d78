"""Chunks as the consumer hands them on, with records that only have a place."""

from faust.types import TP

from streams.agents.transport import Chunk
from streams.ports import LogRecord

__all__ = ["chunk"]


def chunk(partition: int, count: int) -> Chunk:
    """The first `count` records of a partition."""
    made = Chunk("t", partition, count, 0.0, 0, None, b"", b"", None, tp=TP("t", partition))
    made.records = [LogRecord("t", partition, offset, None, b"") for offset in range(count)]
    return made
