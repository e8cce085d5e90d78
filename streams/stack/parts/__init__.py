"""The parts of the embedded stack, one module each."""

from streams.stack.part import Part
from streams.stack.parts.cloud import Cloud
from streams.stack.parts.connect import Connect
from streams.stack.parts.kafka import Kafka
from streams.stack.parts.milvus import Milvus
from streams.stack.parts.ollama import Ollama
from streams.stack.parts.postgres import Postgres

__all__ = ["parts"]


def parts(*, fast_compaction: bool) -> dict[str, Part]:
    """All parts by name, each after those it needs."""
    listed: tuple[Part, ...] = (
        Kafka(fast_compaction=fast_compaction),
        Connect(),
        Postgres(),
        Milvus(),
        Cloud(),
        Ollama(),
    )
    return {part.name: part for part in listed}
