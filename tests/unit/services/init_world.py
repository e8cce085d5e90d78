"""The systems around `init`, in memory, and what it does to them."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from schemas import BuildStarted
from streams.adapters.memory_connect import MemoryConnect
from streams.adapters.memory_embedder import MemoryEmbedder
from streams.adapters.memory_log import MemoryLog
from streams.adapters.memory_store import MemoryStore
from streams.config import (
    ConnectConfig,
    KafkaConfig,
    MilvusConfig,
    OllamaConfig,
    SecretRef,
    Settings,
    SourceConfig,
)
from streams.ports import Row
from streams.services.connector import POSTGRES
from streams.services.control import ControlLog
from streams.services.initialise import initialise
from streams.services.steps import Step

TOPICS = ["documents", "control", "observations", "dead-letters", "cdc.public.articles"]


def wanted(**connect: str) -> Settings:
    lane = OllamaConfig(provider="ollama", hosts=("http://h:1",), model="m")
    return Settings(
        kafka=KafkaConfig(),
        milvus=MilvusConfig(),
        sources=(
            SourceConfig(name="articles", topic="cdc.public.articles", key=("id",), text="{t}"),
        ),
        lanes={"cloud": lane, "ollama": lane},
        connect=ConnectConfig(
            config={"database.hostname": "db", **connect},
            secrets={"database.password": SecretRef(env="DB_PASSWORD")},
        ),
    )


@dataclass
class World:
    """The systems around, in memory."""

    settings: Settings = field(default_factory=wanted)
    log: MemoryLog = field(default_factory=MemoryLog)
    store: MemoryStore = field(default_factory=MemoryStore)
    connect: MemoryConnect = field(default_factory=lambda: MemoryConnect([POSTGRES]))
    embedders: dict[str, MemoryEmbedder] = field(
        default_factory=lambda: {
            "cloud": MemoryEmbedder(8, model="big"),
            "ollama": MemoryEmbedder(16, model="small"),
        }
    )

    async def init(self, *, dry_run: bool = False, force: bool = False) -> dict[str, Step]:
        steps = await initialise(
            self.settings,
            self.log,
            self.store,
            self.embedders,
            self.connect,
            dry_run=dry_run,
            force=force,
            by="test",
        )
        return {step.name: step for step in steps}

    async def builds(self) -> Mapping[str, BuildStarted]:
        state = await ControlLog(self.log, "control").refresh()
        return {name: lane.pinned for name, lane in state.lanes.items()}

    async def everything(self) -> object:
        """All that `init` could have changed."""
        topics = {name: await self.log.describe(name) for name in TOPICS}
        ends = {name: await self.log.ends(name) for name, spec in topics.items() if spec}
        return topics, ends, await self.store.collections(), await self.connect.get("hotswap")

    async def fill(self, lane: str) -> str:
        """Put one row into the lane's collection, as a worker would."""
        collection = (await self.builds())[lane].collection
        dimensions = (await self.builds())[lane].fingerprint.dimensions
        vector = np.eye(1, dimensions, dtype=np.float32)[0]
        row = Row("articles/1", vector, "articles", {"id": 1}, 0, 7, "0" * 32, {}, 1, 1)
        await self.store.upsert(collection, [row])
        return collection
