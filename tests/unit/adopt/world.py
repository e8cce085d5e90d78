"""Everything that adopting touches, in memory."""

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from schemas import BuildStarted, Command, Document, Pause, Resume, WorkerReport, WorkerState
from streams.adapters.memory_embedder import MemoryEmbedder
from streams.adapters.memory_foreign import MemoryForeign
from streams.adapters.memory_log import MemoryLog
from streams.adapters.memory_store import MemoryStore
from streams.config import Settings
from streams.core.batch import StoredVersion
from streams.core.identity import document_id
from streams.core.text import content_hash
from streams.ports import ForeignId, ForeignRow, ForeignShape, NewRecord, TopicSpec
from streams.services.adopt import AdoptionParts, AdoptionWish, adopt
from streams.services.adopt_outcome import Adoption
from streams.services.control import ControlLog
from streams.services.live_model import new_canaries
from tests.unit.services.control_world import send

__all__ = ["COLLECTION", "NOW", "World"]

COLLECTION = "documents_cloud_1"
DIMENSIONS = 8
NOW = 1_000_000

SETTINGS: dict[str, Any] = {
    "kafka": {"topics": {"documents_partitions": 2}},
    "sources": [
        {"name": "articles", "topic": "cdc.articles", "key": ["id"], "text": "{t}"},
        {"name": "parts", "topic": "cdc.parts", "key": ["book", "number"], "text": "{t}"},
    ],
    "lanes": {
        "cloud": {
            "provider": "openai",
            "model": "hash",
            "dimensions": DIMENSIONS,
            "api_key": {"env": "CLOUD_KEY"},
            "call_inputs": 20,
            "price_per_million_tokens": 2.0,
        },
        "ollama": {"provider": "ollama", "hosts": ["http://127.0.0.1:1"], "model": "m"},
    },
}


class World:
    """The cloud lane is empty and paused; workers and documents are for the tests to bring."""

    def __init__(self) -> None:
        self.settings = Settings.model_validate(SETTINGS)
        self.log, self.store = MemoryLog(clock=lambda: NOW), MemoryStore()
        self.embedder = MemoryEmbedder(DIMENSIONS)
        self.foreign = MemoryForeign("old", ForeignShape(numbers=True, dimensions=DIMENSIONS))

    async def start(self, *, canaries: bool = False) -> "World":
        for name, partitions in (("documents", 2), ("control", 1), ("observations", 1)):
            await self.log.create(TopicSpec(name, partitions, 1))
        fingerprint = await self.embedder.identify()
        await self.store.create(COLLECTION, fingerprint)
        await self.command(
            BuildStarted(
                id="build",
                by="init",
                lane="cloud",
                build=1,
                collection=COLLECTION,
                fingerprint=fingerprint,
                documents_partitions=2,
                canaries=await new_canaries(self.embedder) if canaries else (),
            )
        )
        await self.command(Pause(id="pause", by="ann", lane="cloud", reason="adopting"))
        return self

    async def command(self, command: Command) -> None:
        await send(self.log, command)

    async def resume(self) -> None:
        await self.command(Resume(id="resume", by="bob", lane="cloud"))

    async def documents(self, texts: Mapping[ForeignId, str | None]) -> dict[str, tuple[int, int]]:
        """Append documents under their keys, or deletes; id → (shard, version)."""
        records = []
        for key, text in texts.items():
            id_ = document_id("articles", [key])
            document = text and Document(
                id=id_,
                source="articles",
                key={"id": key},
                text=text,
                content_hash=content_hash(text),
                metadata={"n": key},
                position="1",
            )
            records.append(
                NewRecord("documents", id_.encode(), document.encode() if document else None)
            )
        places = await self.log.append(records)
        return {
            (record.key or b"").decode(): place
            for record, place in zip(records, places, strict=True)
        }

    async def old_rows(self, texts: Mapping[ForeignId, str], *, length: float = 3.0) -> None:
        """Rows of the original, as the lane's model makes them, of any length."""
        vectors = await MemoryEmbedder(DIMENSIONS).embed(list(texts.values()))
        self.foreign.held += [
            ForeignRow(key, np.asarray(vector * length, dtype=np.float32), text)
            for (key, text), vector in zip(texts.items(), vectors, strict=True)
        ]

    async def worker(self, version: int, state: WorkerState = WorkerState.PAUSED, **more: Any):
        report = WorkerReport(
            worker="embed-cloud-1",
            role="embed:cloud",
            at=NOW,
            state=state,
            control_version=version,
            **more,
        )
        await self.log.append([NewRecord("observations", b"cloud", report.encode())])

    def parts(self, **changes: Any) -> AdoptionParts:
        values: dict[str, Any] = {
            "settings": self.settings,
            "log": self.log,
            "control": ControlLog(self.log, "control"),
            "store": self.store,
            "embedder": self.embedder,
            "foreign": self.foreign,
            "now_ms": lambda: NOW,
        }
        return AdoptionParts(**values | changes)

    async def adopt(self, **wish: Any) -> Adoption:
        changes = wish.pop("parts", {})
        values: dict[str, Any] = {"lane": "cloud", "source": "articles", "sample": 10} | wish
        return await adopt(AdoptionWish(**values), self.parts(**changes))

    async def stored(self, ids: Iterable[str]) -> dict[str, StoredVersion]:
        return await self.store.versions(COLLECTION, list(ids))
