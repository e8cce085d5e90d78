"""A lane that is filled by its own path, and damage that is planted in its rows."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from schemas import BuildStarted, Document
from streams.adapters.memory_embedder import MemoryEmbedder
from streams.adapters.memory_log import MemoryLog
from streams.adapters.memory_store import MemoryStore
from streams.config import Settings
from streams.core.role_names import embed_role_name
from streams.core.text import content_hash
from streams.ports import LogRecord, NewRecord, TopicSpec
from streams.services.budget import Budget
from streams.services.control import ControlLog
from streams.services.gate import Pace
from streams.services.lane_parts import lane_of
from streams.services.verify_and_repair import Repaired, verify_and_repair
from streams.services.verify_lane import Sample, Verified, verify_lane
from tests.unit.services.control_world import send

__all__ = ["COLLECTION", "SETTINGS", "Row", "World", "cosine"]

COLLECTION = "documents_ollama"
PARTITIONS = 3
SETTINGS = Settings.model_validate(
    {
        "kafka": {"topics": {"documents_partitions": PARTITIONS}},
        "sources": [{"name": "s", "topic": "cdc.s", "key": ["id"], "text": "{t}"}],
        "lanes": {"ollama": {"provider": "ollama", "hosts": ["http://h:1"], "model": "m"}},
    }
)
Row = dict[str, Any]


class World:
    """Documents, a build of lane `ollama`, and its worker, which works when it is told to."""

    def __init__(self, build: int = 1) -> None:
        self.number = build
        self.log, self.store = MemoryLog(), MemoryStore()
        self.embedder = MemoryEmbedder(8)
        self.control = ControlLog(self.log, "control")
        self.done = dict.fromkeys(range(PARTITIONS), 0)

    async def start(self) -> "World":
        """An empty collection, and its build in the control log."""
        for topic in ("control", "dead-letters"):
            await self.log.create(TopicSpec(topic, 1, 1))
        await self.log.create(TopicSpec("documents", PARTITIONS, 1))
        for number in range(1, self.number + 1):
            self.build = BuildStarted(
                id=f"build-{number}",
                by="t",
                lane="ollama",
                build=number,
                collection=COLLECTION if number == self.number else f"{COLLECTION}_{number}",
                fingerprint=await self.embedder.identify(),
                documents_partitions=PARTITIONS,
            )
            await self.store.create(self.build.collection, self.build.fingerprint)
            await send(self.log, self.build)
        await self.control.refresh()
        return self

    async def document(self, id_: str, text: str | None, **metadata: object) -> None:
        """Append a document, or its delete."""
        value = None
        if text is not None:
            value = Document(
                id=id_,
                source="s",
                key={"id": id_},
                text=text,
                content_hash=content_hash(text),
                metadata=metadata,
                position="1",
            ).encode()
        await self.log.append([NewRecord("documents", id_.encode(), value)])

    async def works(self) -> None:
        """The lane does all there is on `documents`."""
        lane = lane_of(
            SETTINGS,
            self.build,
            log=self.log,
            store=self.store,
            embedder=self.embedder,
            budget=Budget(),
            pace=Pace(lambda: None),
        )
        async for page in self.log.read("documents", since=self.done):
            await lane.process(page, lambda: None)
        self.done = await self.log.ends("documents")
        group = SETTINGS.group(embed_role_name("ollama", self.number))
        self.log.commit(group, "documents", self.done)

    async def filled(self, count: int = 40) -> "World":
        """Documents `s/00`, `s/01`, …, each with its row."""
        for number in range(count):
            await self.document(f"s/{number:02}", f"text {number}", number=number)
        await self.works()
        self.embedder.calls = self.embedder.texts = 0
        return self

    @property
    def rows(self) -> dict[str, Row]:
        """The store's own rows: what is changed here is changed."""
        return self.store._collections[COLLECTION].rows

    def frozen(self) -> dict[str, bytes]:
        """Every row, byte for byte."""
        return {
            id_: repr({**row, "embedding": np.asarray(row["embedding"]).tobytes()}).encode()
            for id_, row in self.rows.items()
        }

    async def records(self, id_: str) -> Sequence[LogRecord]:
        """All records of an id, oldest first."""
        return [
            record
            async for page in self.log.read("documents")
            for record in page
            if record.key == id_.encode()
        ]

    async def verified(self, size: int | None = 0, **more: object) -> Verified:
        """Verify; `size` documents are embedded again, None: all."""
        asked = {"wait_seconds": 0, "build": self.number, "sample": self._sample(size)} | more
        return await verify_lane(
            SETTINGS,
            "ollama",
            self.control,
            self.log,
            self.store,
            **asked,  # type: ignore[arg-type]
        )

    async def repaired(self, size: int | None = None, **more: object) -> Repaired:
        """Verify, mend, and verify again."""
        asked = {"wait_seconds": 0, "build": self.number, "sample": self._sample(size)} | more
        return await verify_and_repair(
            SETTINGS,
            "ollama",
            self.control,
            self.log,
            self.store,
            embedder=self.embedder,
            **asked,  # type: ignore[arg-type]
        )

    def _sample(self, size: int | None) -> Sample | None:
        return None if size == 0 else Sample(self.embedder, size, seed=7)

    def before_write(self, act: Callable[[], Any]) -> None:
        """Let `act` happen once, right before the next write of a row or a delete."""
        self._around("before", act)

    def after_write(self, act: Callable[[], Any]) -> None:
        """Let `act` happen once, right after the next write of a row or a delete."""
        self._around("after", act)

    def _around(self, when: str, act: Callable[[], Any]) -> None:
        real = (self.store.upsert, self.store.delete)

        async def once(index: int, *arguments: Any) -> None:
            self.store.upsert, self.store.delete = real  # type: ignore[method-assign]
            if when == "before":
                await act()
            await real[index](*arguments)
            if when == "after":
                await act()

        self.store.upsert = lambda *given: once(0, *given)  # type: ignore[method-assign]
        self.store.delete = lambda *given: once(1, *given)  # type: ignore[method-assign]


def cosine(row: Row, other: Row) -> float:
    """Of two rows' vectors."""
    return float(np.asarray(row["embedding"]) @ np.asarray(other["embedding"]))
