"""The pipeline alone: Kafka → lane → Milvus, with an embedder that answers at once.

Against the slower of its two ends by themselves: reading the same topic with aiokafka, and
upserting the same rows with pymilvus in batches of the same size.
"""

import asyncio
import time
from collections.abc import Sequence
from typing import Any

from aiokafka import AIOKafkaConsumer, TopicPartition
from pymilvus import MilvusClient

from streams.adapters.kafka_client import client_options
from streams.adapters.memory_embedder import MemoryEmbedder
from streams.bench.lane_run import empty_lane
from streams.bench.measure import Measure, compare
from streams.bench.rounds import Progress, Run, alternate
from streams.bench.rows import encoded_rows
from streams.bench.site import Site, open_site
from streams.bench.texts import document_records, documents
from streams.config import OllamaConfig
from streams.errors import TransientError
from streams.stack.status import Endpoints

__all__ = ["bench_pipeline"]

_DIMENSIONS = 384
_BATCH = 256
_LANE = OllamaConfig(
    provider="ollama",
    hosts=("http://127.0.0.1:1",),  # nobody asks it: the embedder is in memory
    model="in-memory",
    batch_records=_BATCH,
    call_inputs=_BATCH,
)


async def bench_pipeline(
    endpoints: Endpoints, count: int, progress: Progress, *, rounds: int = 5
) -> list[Measure]:
    """Documents per second through the lane, to those of its slower end."""
    async with open_site(endpoints) as site:
        made = documents(count)
        await site.fill(document_records(site.documents, made))
        vectors = await MemoryEmbedder(_DIMENSIONS).embed([each.text for each in made])
        rows = encoded_rows(made, vectors)

        async def lane(wanted: int) -> float:
            return await _lane(site, wanted, progress)

        async def read(wanted: int) -> float:
            return await _read(site, wanted, progress)

        async def upsert(wanted: int) -> float:
            return await _upsert(site, rows[:wanted], progress)

        rates = await alternate(
            Run("the pipeline", lane),
            (Run("bare getmany", read), Run("bare Milvus upsert", upsert)),
            progress,
            documents=count,
            warm_up=max(1, count // 10),
            rounds=rounds,
        )
    slower = rates.slowest
    return [compare(f"pipeline, to {slower}", rates.beside(slower), reach=0.6)]


async def _lane(site: Site, wanted: int, progress: Progress) -> float:
    async with empty_lane(site, _LANE, MemoryEmbedder(_DIMENSIONS)) as run:
        rate = await run.fill(wanted, progress)
        if run.embedder.texts < wanted:
            raise TransientError(f"only {run.embedder.texts} texts were embedded")
        return rate


async def _read(site: Site, wanted: int, progress: Progress) -> float:
    count = site.settings.kafka.topics.documents_partitions
    partitions = [TopicPartition(site.documents, number) for number in range(count)]
    consumer = AIOKafkaConsumer(**client_options(site.settings.kafka), enable_auto_commit=False)
    try:
        await consumer.start()
        began, done = time.monotonic(), 0
        consumer.assign(partitions)
        await consumer.seek_to_beginning(*partitions)
        while done < wanted:
            fetched = await consumer.getmany(timeout_ms=100, max_records=_BATCH)
            got = sum(map(len, fetched.values()))
            done += got
            progress.advance(got)
        return done / (time.monotonic() - began)
    finally:
        await consumer.stop()


async def _upsert(site: Site, rows: Sequence[dict[str, Any]], progress: Progress) -> float:
    _, _, collection = await site.lane(_LANE, MemoryEmbedder(_DIMENSIONS))

    def upsert() -> float:
        client = MilvusClient(site.endpoints.milvus_uri, timeout=60, dedicated=True)
        try:
            began = time.monotonic()
            for start in range(0, len(rows), _BATCH):
                batch = list(rows[start : start + _BATCH])
                client.upsert(collection, batch, timeout=60)
                progress.advance(len(batch))
            return len(rows) / (time.monotonic() - began)
        finally:
            client.close()

    rate = await asyncio.to_thread(upsert)
    await site.drop(collection)
    return rate
