"""A verification, against one bare pass over the same collection with pymilvus' query iterator.

The pass reads the same fields, in the iterator's own pages of 1,000 rows, and does nothing with
them; the verification also reads all of `documents`, and compares. Memory is that of a process
which does nothing else, from where it is connected to its peak.
"""

import asyncio
import sys
import time
from asyncio.subprocess import PIPE
from dataclasses import dataclass
from functools import partial

import numpy as np
import orjson
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.structs import OffsetAndMetadata
from pymilvus import MilvusClient

from schemas import Document, Fingerprint, Verdict
from streams.adapters.kafka_client import client_options
from streams.adapters.kafka_errors import kafka_errors
from streams.adapters.memory_embedder import MemoryEmbedder
from streams.bench.measure import Measure, Pair, compare, within
from streams.bench.rounds import Progress, Run, alternate
from streams.bench.site import Site, open_site
from streams.bench.texts import document_records, documents
from streams.bench.verifying import Asked
from streams.config import OllamaConfig
from streams.errors import TransientError
from streams.ports import Row
from streams.services.verification import verify
from streams.stack.status import Endpoints

__all__ = ["bench_verify"]

_DIMENSIONS = 384
_DIFFERENT = 1_000
_PAGE = 2_000
_MILLION = 1e6
_MARK_MB = 250.0
_GROUP = "bench-verify"
_LANE = OllamaConfig(
    provider="ollama", hosts=("http://127.0.0.1:1",), model="in-memory"
)  # nobody asks it: the embedder is in memory


@dataclass(frozen=True, slots=True)
class _Filled:
    """A collection that holds what `documents` holds."""

    site: Site
    collection: str
    fingerprint: Fingerprint
    rows: int


async def bench_verify(
    endpoints: Endpoints, count: int, progress: Progress, *, rounds: int = 3
) -> list[Measure]:
    """Rows per second without and with vectors, to a bare pass; and MB per million documents."""
    async with open_site(endpoints) as site:
        filled = await _fill(site, count, progress)
        found = []
        for vectors in (False, True):
            name = "with vectors" if vectors else "without vectors"
            bare = f"bare iterator, {name}"
            rates = await alternate(
                Run(f"verify, {name}", partial(_verify, filled, progress, vectors=vectors)),
                [Run(bare, partial(_bare, filled, progress, vectors=vectors))],
                progress,
                documents=count,
                warm_up=0,  # what filled the collection warmed all up
                rounds=rounds,
            )
            measure = f"verify {name}, to a bare iterator pass"
            found.append(compare(measure, rates.beside(bare), reach=0.5, unit="rows/s"))
            if vectors:
                grown = await _memory(filled)
                measure = f"verify, memory per million documents, to {_MARK_MB:g} MB"
                found.append(within(measure, [Pair(grown, _MARK_MB)], unit="MB"))
    return found


async def _fill(site: Site, count: int, progress: Progress) -> _Filled:
    some = documents(_DIFFERENT)
    embedder = MemoryEmbedder(_DIMENSIONS)
    _, _, collection = await site.lane(_LANE, embedder)
    random = np.random.default_rng(0)
    progress.begin("filling", count)
    for start in range(0, count, _PAGE):
        made = [
            some[number % _DIFFERENT].model_copy(update={"id": f"articles/{number}"})
            for number in range(start, min(start + _PAGE, count))
        ]
        places = await site.log.append(document_records(site.documents, made))
        vectors = random.standard_normal((len(made), _DIMENSIONS)).astype(np.float32)
        vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
        rows = [
            _row(document, vector, *place)
            for document, vector, place in zip(made, vectors, places, strict=True)
        ]
        await site.store.upsert(collection, rows)
        progress.advance(len(made))
    await _commit(site)
    return _Filled(site, collection, await embedder.identify(), count)


def _row(document: Document, vector: np.ndarray, shard: int, version: int) -> Row:
    return Row(
        id=document.id,
        embedding=vector,
        source=document.source,
        key=document.key,
        shard=shard,
        version=version,
        content_hash=document.content_hash,
        metadata=document.metadata,
        text_bytes=len(document.text.encode()),
        embedded_at=time.time_ns() // 1_000_000,
    )


async def _commit(site: Site) -> None:
    """Say that the lane's group has done all there is."""
    ends = await site.log.ends(site.documents)
    offsets = {
        TopicPartition(site.documents, partition): OffsetAndMetadata(end, "")
        for partition, end in ends.items()
    }
    consumer = AIOKafkaConsumer(
        **client_options(site.settings.kafka), group_id=_group(site), enable_auto_commit=False
    )
    with kafka_errors(f"committing for consumer group {_group(site)}"):
        await consumer.start()
        try:
            consumer.assign(list(offsets))
            await consumer.commit(offsets)
        finally:
            await consumer.stop()


def _group(site: Site) -> str:
    return site.settings.group(_GROUP)


async def _verify(filled: _Filled, progress: Progress, rows: int, *, vectors: bool) -> float:
    site = filled.site
    began = time.monotonic()
    report = await verify(
        lane="measured",
        collection=filled.collection,
        fingerprint=filled.fingerprint,
        group=_group(site),
        topics=site.settings.kafka.topics,
        log=site.log,
        store=site.store,
        wait_seconds=0,
        on_progress=lambda _progress: None,
        vectors=vectors,
    )
    taken = time.monotonic() - began
    _check(report.verdict, report.reason)
    progress.advance(rows)
    return report.rows / taken


async def _bare(filled: _Filled, progress: Progress, wanted: int, *, vectors: bool) -> float:
    fields = ["id", "shard", "version", "content_hash", *(["embedding"] if vectors else [])]

    def read() -> float:
        client = MilvusClient(filled.site.endpoints.milvus_uri, timeout=60, dedicated=True)
        try:
            began, rows = time.monotonic(), 0
            pages = client.query_iterator(
                filled.collection,
                output_fields=fields,
                timeout=60,
                consistency_level="Strong",
                strict_float32=True,
            )
            while page := pages.next():
                rows += len(page)
                progress.advance(len(page))
            pages.close()
            if rows != wanted:
                raise TransientError(f"the bare pass saw {rows} of {wanted} rows")
            return rows / (time.monotonic() - began)
        finally:
            client.close()

    return await asyncio.to_thread(read)


async def _memory(filled: _Filled) -> float:
    """MB for a million documents, as a process of its own takes them for those that there are."""
    settings = filled.site.settings
    asked = Asked(
        kafka=settings.kafka,
        milvus=settings.milvus,
        collection=filled.collection,
        fingerprint=filled.fingerprint,
        group=_group(filled.site),
        vectors=True,
    )
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "streams.bench.verifying", stdin=PIPE, stdout=PIPE
    )
    try:
        out, _ = await process.communicate(asked.model_dump_json(exclude_none=True).encode())
    except BaseException:
        process.kill()
        await process.wait()
        raise
    if process.returncode:
        raise TransientError("the process that was to verify ended; see above")
    said = orjson.loads(out)
    _check(Verdict(said["verdict"]), "")
    return float(said["bytes"]) / filled.rows * _MILLION / 1e6


def _check(verdict: Verdict, reason: str) -> None:
    if verdict is not Verdict.CLEAN:
        raise TransientError(f"the bench's own rows are {verdict}: {reason}")
