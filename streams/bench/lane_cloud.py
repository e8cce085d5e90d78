"""The cloud lane, against its budget and against one record at a time.

The server answers after 80 ms and refuses whoever exceeds so many tokens a minute. It lets a
burst of five seconds' worth through at once, so the soonest that anybody can be done is when it
has taken the other tokens at the budget's rate. That is the ceiling.

One record at a time is how a sink without batches works, such as Debezium's FieldToEmbedding:
take a record, ask for its vector, upsert its row, and only then take the next.
"""

import asyncio
import time

import numpy as np
from aiokafka import AIOKafkaConsumer, TopicPartition
from pydantic import SecretStr
from pymilvus import MilvusClient

from schemas import Document
from streams.adapters.kafka_client import client_options
from streams.adapters.openai_embedder import OpenAIEmbedder
from streams.bench.cloud_server import CloudServer, open_cloud
from streams.bench.lane_run import empty_lane
from streams.bench.measure import Measure, Pair, compare, none
from streams.bench.rounds import Progress, Run, alternate
from streams.bench.rows import encoded_rows
from streams.bench.site import Site, open_site
from streams.bench.texts import document_records, documents
from streams.config import OpenAIConfig, SecretRef
from streams.stack.status import Endpoints

__all__ = ["bench_lane_cloud"]

_LATENCY_MS = 80.0
_BURST_SECONDS = 5.0
_ONE_BY_ONE = "one record at a time"


async def bench_lane_cloud(
    endpoints: Endpoints,
    count: int,
    progress: Progress,
    *,
    rounds: int = 3,
    seconds: float = 20.0,
) -> list[Measure]:
    """Documents per second of the lane, to the ceiling and to one record at a time; refusals.

    Args:
        endpoints: the stack.
        count: documents in each run.
        progress: told how far it is.
        rounds: how often the lane runs.
        seconds: the soonest that anybody can be done, by which the budget is set.
    """
    made = documents(count)
    async with open_site(endpoints) as site, open_cloud(endpoints) as server:
        await site.fill(document_records(site.documents, made))
        tokens = await server.tokens([document.text for document in made])
        per_minute = round(tokens * 60 / (seconds + _BURST_SECONDS))
        config = _config(endpoints, per_minute)
        embedder = OpenAIEmbedder(config, SecretStr(endpoints.cloud_api_key))

        calls: list[int] = []
        failed: list[int] = []

        async def limit() -> None:
            await server.limit(
                latency_ms=_LATENCY_MS, tokens_per_minute=per_minute, burst_seconds=_BURST_SECONDS
            )

        async def lane(wanted: int) -> float:
            await limit()
            async with empty_lane(site, config, embedder) as run:
                rate = await run.fill(wanted, progress)
            calls.append(run.embedder.calls)
            failed.append(run.embedder.failed)
            return rate

        async def one_by_one(wanted: int) -> float:
            await limit()
            _, _, collection = await site.lane(config, embedder)
            rate = await _one_by_one(site, server, collection, wanted, progress)
            await site.drop(collection)
            return rate

        try:
            rates = await alternate(
                Run("lane cloud", lane),
                [Run(_ONE_BY_ONE, one_by_one, share=0.01)],
                progress,
                documents=count,
                warm_up=max(1, count // 20),
                rounds=rounds,
            )
        finally:
            await embedder.close()
    ceiling = [Pair(rate, count / seconds) for rate in rates.measured]
    return [
        compare("lane cloud, to its budget's ceiling", ceiling, reach=0.95),
        compare(f"lane cloud, to {_ONE_BY_ONE}", rates.beside(_ONE_BY_ONE), reach=20),
        none("lane cloud, calls that were refused", failed, max(calls), unit="calls"),
    ]


def _config(endpoints: Endpoints, per_minute: int) -> OpenAIConfig:
    return OpenAIConfig(
        provider="openai",
        base_url=endpoints.cloud_url,
        model=endpoints.cloud_model,
        dimensions=endpoints.cloud_dimensions,
        api_key=SecretRef(env="UNUSED"),  # the embedder is given the stand-in's key
        tokens_per_minute=per_minute,
    )


async def _one_by_one(
    site: Site, server: CloudServer, collection: str, wanted: int, progress: Progress
) -> float:
    partitions = [
        TopicPartition(site.documents, number)
        for number in range(site.settings.kafka.topics.documents_partitions)
    ]
    uri = site.endpoints.milvus_uri
    # Of its own: pymilvus would look for one among those that others have used and closed.
    store = await asyncio.to_thread(MilvusClient, uri, timeout=60, dedicated=True)
    consumer = AIOKafkaConsumer(**client_options(site.settings.kafka), enable_auto_commit=False)
    try:
        await consumer.start()
        consumer.assign(partitions)
        await consumer.seek_to_beginning(*partitions)
        began = time.monotonic()
        for _ in range(wanted):
            record = await consumer.getone()
            document = Document.decode(record.value)
            vector = await server.embed([document.text])
            (row,) = encoded_rows([document], np.array([vector], np.float32))
            await asyncio.to_thread(store.upsert, collection, [row], timeout=60)
            progress.advance(1)
        return wanted / (time.monotonic() - began)
    finally:
        await consumer.stop()
        await asyncio.to_thread(store.close)
