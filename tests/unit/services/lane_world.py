"""A lane with its surroundings in memory: store, log and embedder."""

from itertools import count

from schemas import BuildStarted, DeadLetter, Document
from streams.adapters.memory_embedder import MemoryEmbedder
from streams.adapters.memory_log import MemoryLog
from streams.adapters.memory_store import MemoryStore
from streams.config import OllamaConfig, TopicsConfig
from streams.core.dead_letters import LETTER_HEADER
from streams.core.text import content_hash
from streams.ports import LogRecord, TopicSpec
from streams.services.budget import Budget
from streams.services.embedding import BatchEmbedder
from streams.services.gate import Pace
from streams.services.lane import Lane, LaneParts
from streams.services.live_model import new_canaries

__all__ = ["COLLECTION", "World", "owned"]

COLLECTION = "documents_l_00000000_1"


def owned() -> None:
    """The partition is ours."""


class World:
    """A lane with its surroundings in memory."""

    def __init__(self) -> None:
        self.log, self.store, self.embedder = MemoryLog(), MemoryStore(), MemoryEmbedder(4)
        self.now = 0.0
        self.offsets = count()

    async def start(self) -> "World":
        for name in ("documents", "dead-letters"):
            await self.log.create(TopicSpec(name, 1, 1, {}))
        await self.store.create(COLLECTION, await self.embedder.identify())
        self.lane = await self.new_lane()
        return self

    async def new_lane(self, *, canaries: bool = True) -> Lane:
        build = BuildStarted(
            id="1",
            by="t",
            lane="l",
            build=1,
            collection=COLLECTION,
            fingerprint=await self.embedder.identify(),
            documents_partitions=1,
            canaries=await new_canaries(self.embedder) if canaries else (),
        )
        limits = OllamaConfig.model_validate(
            {"provider": "ollama", "hosts": ["http://h:1"], "model": "m"}
        )
        parts = LaneParts(
            store=self.store,
            log=self.log,
            embedder=self.embedder,
            batch=BatchEmbedder(self.embedder, limits, Budget(), Pace(lambda: None)),
            topics=TopicsConfig(),
            record_bytes=10_000,
            now_ms=lambda: 0,
            monotonic=lambda: self.now,
        )
        return Lane(build, parts)

    def record(self, id_: str, text: str | None, views: int = 0) -> LogRecord:
        value = (
            text
            and Document(
                id=id_,
                source="articles",
                key={"id": id_},
                text=text,
                content_hash=content_hash(text),
                metadata={"views": views},
                position="1",
            ).encode()
        )
        return LogRecord("documents", 0, next(self.offsets), id_.encode(), value or None)

    async def process(self, *records: LogRecord) -> None:
        await self.lane.process(records, owned)

    async def ids(self) -> dict[str, int]:
        return {row.id: row.version async for page in self.store.scan(COLLECTION) for row in page}

    async def letters(self) -> list[DeadLetter]:
        return [
            DeadLetter.decode(dict(record.headers)[LETTER_HEADER])
            async for page in self.log.read("dead-letters")
            for record in page
        ]
