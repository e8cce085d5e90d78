"""What a migration will cost and take: a sample of the real documents, embedded and measured.

Measures and counts; the arithmetic is `streams.core.estimate`. Changes nothing, but for the
sample's own tokens, which are bought.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import orjson

from schemas import Document
from streams.config import OpenAIConfig, Settings
from streams.core import estimate
from streams.core.preflight.probe_facts import Latency
from streams.core.role_names import embed_role_name
from streams.errors import ConfigurationError, HotswapError
from streams.migration.state import State
from streams.ports import Log, VectorStore
from streams.services.catching_up import wait_for_group
from streams.services.document_count import count_documents
from streams.services.document_sample import sample_documents
from streams.services.measuring import Measured, measure
from streams.services.shards import OnRead

__all__ = ["Documents", "LanePlan", "Planned", "plan"]

_HOUR_MS = 3_600_000


@dataclass(frozen=True, slots=True)
class Documents:
    """What there is to embed, and how that is known.

    Attributes:
        count: documents in all.
        counted: how that was found out.
        sampled: how many were looked at.
        mean_bytes: of their texts, in UTF-8.
        row_bytes: measured mean of a row's other fields than the vector.
    """

    count: int
    counted: str
    sampled: int
    mean_bytes: float
    row_bytes: float


@dataclass(frozen=True, slots=True)
class LanePlan:
    """One lane's share. None: not known, and the lane's `remarks` say why.

    Attributes:
        tokens: of all documents; `tokens_by` says how they were counted.
        money: in the currency of the configured price.
        documents_per_second: measured over the sample, with the lane's own concurrency.
    """

    lane: str
    model: str
    tokens: int
    tokens_by: str
    money: float | None
    documents_per_second: float
    hours: float
    dimensions: int
    room: estimate.Room
    retention_hours: float | None
    coverage: estimate.Coverage | None
    latency: Latency
    throttle: estimate.Throttle
    remarks: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Planned:
    """The whole plan.

    Attributes:
        hnsw_m: M of the graph that Milvus makes of each collection; None: it makes none.
        failed: lane → why nothing could be measured.
    """

    documents: Documents
    hnsw_m: int | None
    lanes: tuple[LanePlan, ...]
    failed: dict[str, str]


async def plan(
    settings: Settings,
    log: Log,
    store: VectorStore,
    state: State,
    *,
    sample: int,
    on_progress: Callable[[str, int, int], None] = lambda _phase, _done, _total: None,
) -> Planned:
    """Sample, measure each lane, and compute.

    Args:
        settings: the lanes and their limits.
        log: where `documents` is.
        store: which index it makes, and where the source lane's rows are.
        state: which collection that is.
        sample: how many documents to embed.
        on_progress: told what is counted or which lane embeds, how much of it is done, and of
            how much.

    Raises:
        ConfigurationError: there are no documents yet.
        TransientError: Kafka or Milvus can not be reached.
    """
    topic = settings.kafka.topics.documents
    documents = await sample_documents(log, topic, sample)
    if not documents:
        raise ConfigurationError(
            f"topic {topic}",
            "holds no document to measure by",
            "start `hotswap worker normalise`, and plan once the first documents are there",
        )
    hnsw_m = await store.hnsw_m()
    count, counted = await _counted(
        settings,
        log,
        store,
        state,
        lambda done, total: on_progress("counting documents", done, total),
    )
    about = Documents(
        count=max(count, len(documents)),
        counted=counted,
        sampled=len(documents),
        mean_bytes=float(np.mean([len(one.text.encode()) for one in documents])),
        row_bytes=float(np.mean([_row_bytes(one) for one in documents])),
    )
    retention = await _retention_hours(log, topic)
    lanes: list[LanePlan] = []
    failed: dict[str, str] = {}
    for lane in settings.lanes:  # one at a time, or they would slow each other down
        try:
            measured = await measure(settings, lane, [one.text for one in documents], on_progress)
        except HotswapError as error:
            failed[lane] = str(error)
        else:
            lanes.append(_planned(settings, measured, about, retention, hnsw_m))
    return Planned(about, hnsw_m, tuple(lanes), failed)


async def _counted(
    settings: Settings, log: Log, store: VectorStore, state: State, on_read: OnRead
) -> tuple[int, str]:
    """How many documents there are: by the source lane if it has them all, else counted."""
    topic = settings.kafka.topics.documents
    ends = await log.ends(topic)
    source = state.migration.source if state.migration else next(iter(settings.lanes))
    if source in state.lanes:
        build = state.lanes[source].pinned
        lag = await wait_for_group(
            log,
            settings.group(embed_role_name(source, build.build)),
            topic,
            ends,
            wait_seconds=0,
            on_lag=lambda _lag: None,
        )
        # A lane that has yet to do some has fewer rows than there are documents.
        rows = 0 if lag else await store.count(build.collection)
        if rows:
            return rows, f"rows of lane {source}, which has done all of {topic}"
    return await count_documents(log, topic, ends, on_read), f"counted on {topic}"


async def _retention_hours(log: Log, topic: str) -> float | None:
    spec = await log.describe(topic)
    value = spec.config.get("delete.retention.ms") if spec is not None else None
    return None if value is None else int(value) / _HOUR_MS


def _row_bytes(document: Document) -> int:
    """Bytes of a row's fields beside the vector: texts as UTF-8, four integers of 8 bytes."""
    texts = (document.id, document.source, document.content_hash)
    objects = (document.key, document.metadata)
    plain = sum(len(text.encode()) for text in texts)
    return plain + sum(len(orjson.dumps(one)) for one in objects) + 4 * 8


def _planned(
    settings: Settings,
    measured: Measured,
    about: Documents,
    retention: float | None,
    hnsw_m: int | None,
) -> LanePlan:
    config = settings.lanes[measured.lane]
    price = config.price_per_million_tokens if isinstance(config, OpenAIConfig) else None
    remarks = []
    if isinstance(config, OpenAIConfig) and price is None:
        remarks.append(f"set lanes.{measured.lane}.price_per_million_tokens to see the money")
    tokens = estimate.total_tokens(measured.tokens, measured.texts, about.count)
    rate = measured.texts / measured.seconds if measured.seconds > 0 else 0.0
    return LanePlan(
        lane=measured.lane,
        model=measured.model,
        tokens=tokens,
        tokens_by=measured.tokens_by,
        money=None if price is None else estimate.cost(tokens, price),
        documents_per_second=rate,
        hours=estimate.backfill_hours(about.count, rate),
        dimensions=measured.dimensions,
        room=estimate.milvus_room(about.count, measured.dimensions, about.row_bytes, hnsw_m),
        retention_hours=retention,
        coverage=None
        if retention is None
        else estimate.retention_covers(about.count, rate, retention),
        latency=measured.latency,
        throttle=estimate.suggested_throttle(
            documents_per_second=rate,
            idle_seconds=measured.latency.idle_seconds,
            busy_seconds=measured.latency.busy_seconds,
        ),
        remarks=tuple(remarks),
    )
