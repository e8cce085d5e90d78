"""Where a bench works: topics, lanes and collections of its own on a running stack.

All names start with a fresh one, so that a bench disturbs nobody and can be repeated; at the
end it deletes what it made.
"""

import time
import uuid
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

from aiokafka.admin import AIOKafkaAdminClient
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource

from streams.adapters.kafka_client import client_options
from streams.adapters.kafka_errors import kafka_errors
from streams.bench.texts import BUDGET_BYTES, SOURCE
from streams.config import LaneConfig, OllamaConfig, Settings
from streams.errors import HotswapError
from streams.ports import Embedder, Log, NewRecord, TopicSpec, VectorStore
from streams.services.builds import Plan, ensure_build
from streams.services.open import open_control, open_log, open_store
from streams.services.topics import own_topics
from streams.stack.status import Endpoints

__all__ = ["Site", "open_site"]

_PAGE = 2_000
"""Records appended at a time while a topic is filled."""


class _Given(Settings):
    """Settings as they are given: what a user's environment says is for another system."""

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Nothing but what the constructor is given."""
        del settings_cls, env_settings, dotenv_settings, file_secret_settings
        return (init_settings,)


@dataclass(frozen=True, slots=True)
class Site:
    """A Hotswap of a bench's own.

    Attributes:
        endpoints: the stack.
        settings: of this site; its lanes are those that `lane` adds for one run each.
        log: open.
        store: open, and connected once it is used.
    """

    endpoints: Endpoints
    settings: Settings
    log: Log
    store: VectorStore
    _made: list[str] = field(default_factory=list)
    _topics: list[str] = field(default_factory=list)

    @property
    def documents(self) -> str:
        """The topic of documents."""
        return self.settings.kafka.topics.documents

    @property
    def changes(self) -> str:
        """The topic of change events."""
        return self.settings.sources[0].topic

    async def create(self, spec: TopicSpec) -> None:
        """Make a topic that is deleted at the end."""
        self._topics.append(spec.name)
        await self.log.create(spec)

    async def fill(self, records: Sequence[NewRecord]) -> None:
        """Append records and wait until they are durable."""
        for start in range(0, len(records), _PAGE):
            await self.log.append(records[start : start + _PAGE])

    async def lane(self, config: LaneConfig, embedder: Embedder) -> tuple[Settings, str, str]:
        """A lane without rows or offsets: settings that hold it, its name, its collection."""
        name = f"lane_{uuid.uuid4().hex[:8]}"
        settings = self.settings.model_copy(update={"lanes": {name: config}})
        control = open_control(settings, self.log)
        plan = Plan(
            state=await control.refresh(),
            collection_prefix=settings.milvus.collection_prefix,
            documents_partitions=settings.kafka.topics.documents_partitions,
            groups={name: settings.group(f"embed:{name}")},
            committed={name: 0},
            by="hotswap bench",
            dry_run=False,
        )
        await ensure_build(name, embedder, self.store, control, plan)
        collection = control.state.lanes[name].pinned.collection
        self._made.append(collection)
        return settings, name, collection

    def another_group(self) -> Settings:
        """The same site under another consumer group, which has read nothing yet."""
        prefix = f"{self.settings.kafka.group_prefix}-{uuid.uuid4().hex[:8]}"
        kafka = self.settings.kafka.model_copy(update={"group_prefix": prefix})
        return self.settings.model_copy(update={"kafka": kafka})

    async def drop(self, collection: str) -> None:
        """Drop a collection, so that its rows do not slow down what comes after it."""
        await self.store.drop(collection)
        if collection in self._made:
            self._made.remove(collection)

    async def clear(self) -> None:
        """Delete all collections and topics."""
        for collection in list(self._made):
            await self.drop(collection)
        admin = AIOKafkaAdminClient(**client_options(self.settings.kafka))
        with kafka_errors("deleting the bench's topics"):
            await admin.start()
            try:
                await admin.delete_topics(self._topics)
            finally:
                await admin.close()


@asynccontextmanager
async def open_site(endpoints: Endpoints) -> AsyncIterator[Site]:
    """A site with empty topics and no lanes; it is deleted at the end, however that comes."""
    settings = _settings(endpoints, f"bench_{time.strftime('%H%M%S')}_{uuid.uuid4().hex[:6]}")
    log, store = open_log(settings), open_store(settings)
    site = Site(endpoints, settings, log, store)
    try:
        for spec in _topics(settings):
            await site.create(spec)
        yield site
    except BaseException:
        # What went wrong first is what to tell.
        with suppress(HotswapError):
            await site.clear()
        raise
    else:
        await site.clear()
    finally:
        await log.close()
        await store.close()


def _topics(settings: Settings) -> Iterable[TopicSpec]:
    yield from own_topics(settings)
    # One partition: as Connect makes it, unless it is told otherwise.
    yield TopicSpec(settings.sources[0].topic, 1, 1, {})


def _settings(endpoints: Endpoints, name: str) -> Settings:
    given: dict[str, Any] = {
        "kafka": {
            "bootstrap": endpoints.kafka_bootstrap,
            "group_prefix": name,
            "topics": {
                "documents": f"{name}-documents",
                "control": f"{name}-control",
                "observations": f"{name}-observations",
                "dead_letters": f"{name}-dead-letters",
            },
        },
        "milvus": {"uri": endpoints.milvus_uri, "collection_prefix": name},
        "sources": [
            {
                "name": SOURCE,
                "topic": f"{name}-changes",
                "key": ["id"],
                "text": "{title}\n\n{body}",
                "metadata": ["title", "module", "kind"],
            }
        ],
        # For its text budget; the lanes that run are added one by one.
        "lanes": {"unused": _lane(endpoints)},
    }
    return _Given(**given)


def _lane(endpoints: Endpoints) -> OllamaConfig:
    return OllamaConfig(
        provider="ollama",
        hosts=(endpoints.ollama_url,),
        model=endpoints.ollama_model,
        text_budget_bytes=BUDGET_BYTES,
    )
