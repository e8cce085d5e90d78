"""The normaliser: change events → documents.

Against a loop written by hand for this one table: aiokafka's getmany, orjson, produce. It takes
as many at a time as the role, makes the same records, byte for byte, and checks nothing.
"""

import asyncio
import hashlib
import time
import uuid
from typing import Any

import orjson
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer

from streams.adapters.kafka_client import client_options
from streams.agents.roles import NORMALISE_RECORDS, normalise_role
from streams.bench.envelopes import changes
from streams.bench.measure import Measure, compare
from streams.bench.rounds import Progress, Run, alternate
from streams.bench.running import run_until
from streams.bench.site import Site, open_site
from streams.bench.texts import SOURCE
from streams.errors import TransientError
from streams.services.open import open_follower
from streams.stack.status import Endpoints

__all__ = ["bench_normalise", "document_by_hand"]

_BY_HAND = "loop by hand"


async def bench_normalise(
    endpoints: Endpoints, count: int, progress: Progress, *, rounds: int = 5
) -> list[Measure]:
    """Events per second of the role, to the loop by hand; without and with schemas."""
    return [
        await _compare(endpoints, count, progress, rounds, schema=schema)
        for schema in (False, True)
    ]


async def _compare(
    endpoints: Endpoints, count: int, progress: Progress, rounds: int, *, schema: bool
) -> Measure:
    what = "normalise, with schemas" if schema else "normalise"
    async with open_site(endpoints) as site:
        await site.fill(changes(site.changes, count, schema=schema))

        async def role(wanted: int) -> float:
            return await _role(site, wanted, progress)

        async def by_hand(wanted: int) -> float:
            return await _by_hand(site, wanted, progress)

        rates = await alternate(
            Run(what, role),
            [Run(_BY_HAND, by_hand)],
            progress,
            documents=count,
            warm_up=max(1, count // 10),
            rounds=rounds,
        )
    return compare(
        f"{what}, to a loop by hand",
        rates.beside(_BY_HAND),
        reach=0.6,
        unit="events/s",
    )


async def _role(site: Site, wanted: int, progress: Progress) -> float:
    settings = site.another_group()
    async with open_follower(settings, site.log) as control:
        await control.caught_up()
        role = normalise_role(settings, site.log, control)
        rate = await run_until(role, settings, site.log, wanted, progress)
    counters = role.counters()
    if counters["documents"] != counters["records"]:
        raise TransientError(f"not every event became a document: {dict(counters)}")
    return rate


async def _by_hand(site: Site, wanted: int, progress: Progress) -> float:
    options = client_options(site.settings.kafka)
    consumer = AIOKafkaConsumer(
        site.changes,
        **options,
        group_id=f"{site.changes}-{uuid.uuid4().hex[:8]}",
        auto_offset_reset="earliest",
        auto_commit_interval_ms=1_000,
    )
    producer = AIOKafkaProducer(
        **options, acks="all", enable_idempotence=True, max_batch_size=256 * 1024
    )
    try:
        await producer.start()
        await consumer.start()  # returns once it has its partitions
        return await _loop(consumer, producer, site.documents, wanted, progress)
    finally:
        await consumer.stop()
        await producer.stop()


async def _loop(
    consumer: AIOKafkaConsumer,
    producer: AIOKafkaProducer,
    topic: str,
    wanted: int,
    progress: Progress,
) -> float:
    began, done = time.monotonic(), 0
    while done < wanted:
        sent = []
        fetched = await consumer.getmany(timeout_ms=100, max_records=NORMALISE_RECORDS)
        for records in fetched.values():
            for record in records:
                key, value = document_by_hand(record.key, record.value)
                sent.append(await producer.send(topic, key=key, value=value))
        if sent:
            await asyncio.gather(*sent)
        done += len(sent)
        progress.advance(len(sent))
    return done / (time.monotonic() - began)


def document_by_hand(key: bytes, value: bytes) -> tuple[bytes, bytes]:
    """Key and value of the document that an event of `streams.bench.envelopes` makes."""
    columns, event = _payload(key), _payload(value)
    row, origin = event["after"], event["source"]
    text = f"{row['title']}\n\n{row['body']}".strip()
    number = columns["id"]
    document = {
        "schema_version": 1,
        "id": f"{SOURCE}/{number}",
        "source": SOURCE,
        "key": columns,
        "text": text,
        "content_hash": hashlib.blake2b(text.encode(), digest_size=16).hexdigest(),
        "metadata": {name: row[name] for name in ("title", "module", "kind")},
        "position": f"{origin['lsn']:020d}",
        "changed_at": origin["ts_ms"],
        "cut_bytes": 0,
    }
    return f"{SOURCE}/{number}".encode(), orjson.dumps(document)


def _payload(raw: bytes) -> dict[str, Any]:
    read: dict[str, Any] = orjson.loads(raw)
    payload: dict[str, Any] = read.get("payload", read)
    return payload
