"""One lane on a site: filled from empty, or over again."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, nullcontext
from dataclasses import dataclass

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.structs import OffsetAndMetadata

from streams.adapters.kafka_client import client_options
from streams.adapters.kafka_errors import kafka_errors
from streams.agents.roles import embed_role
from streams.bench.rounds import Progress
from streams.bench.running import Counted, run_until
from streams.bench.site import Site
from streams.config import LaneConfig, Settings
from streams.errors import TransientError
from streams.ports import Embedder
from streams.services.open import open_follower
from streams.services.yielding import yielding_of

__all__ = ["LaneRun", "empty_lane"]


@dataclass(frozen=True, slots=True)
class LaneRun:
    """A lane whose embedder is counted; `settings` hold it under `name`."""

    site: Site
    settings: Settings
    name: str
    collection: str
    embedder: Counted

    async def fill(self, wanted: int, progress: Progress, *, yields: bool = False) -> float:
        """Work from where the lane's group stands; documents per second.

        `yields`: to queries, as a worker does.

        Raises: TransientError if the rows are not what was asked for.
        """
        site = self.site
        yielding = yielding_of(self.settings, self.name, site.log) if yields else None
        async with (
            yielding or nullcontext(),
            open_follower(self.settings, site.log) as control,
        ):
            await control.caught_up()
            role = await embed_role(
                self.settings,
                self.name,
                control,
                log=site.log,
                store=site.store,
                embedder=self.embedder,
                yielding=yielding,
            )
            rate = await run_until(role, self.settings, site.log, wanted, progress)
        rows = await site.store.count(self.collection)
        if rows < wanted:
            raise TransientError(f"{wanted} documents made only {rows} rows")
        return rate

    async def rewind(self) -> None:
        """Let the lane's group begin again at offset 0 of every partition."""
        site = self.site
        partitions = [
            TopicPartition(site.documents, number)
            for number in range(self.settings.kafka.topics.documents_partitions)
        ]
        group = self.settings.group(f"embed:{self.name}")
        consumer = AIOKafkaConsumer(
            **client_options(self.settings.kafka), group_id=group, enable_auto_commit=False
        )
        with kafka_errors(f"rewinding consumer group {group}"):
            await consumer.start()
            try:
                consumer.assign(partitions)
                await consumer.commit({each: OffsetAndMetadata(0, "") for each in partitions})
            finally:
                await consumer.stop()


@asynccontextmanager
async def empty_lane(site: Site, config: LaneConfig, embedder: Embedder) -> AsyncIterator[LaneRun]:
    """A lane without rows or offsets; its collection is dropped at the end."""
    counted = Counted(embedder)
    settings, name, collection = await site.lane(config, counted)
    yield LaneRun(site, settings, name, collection, counted)
    await site.drop(collection)
