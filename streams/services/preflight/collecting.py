"""Gathering all facts at once: who fails becomes a fact, and holds nobody else up."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

from schemas import BuildStarted, Fingerprint
from streams.config import OpenAIConfig, Settings
from streams.core.batch import estimated_tokens
from streams.core.preflight.facts import (
    LaneFacts,
    SampleFacts,
    Skipped,
    Unreachable,
)
from streams.core.preflight.judging import Facts
from streams.core.preflight.probe_facts import ProbeFacts, WireFacts
from streams.core.preflight.texts import PLAIN, WIRE
from streams.migration.state import State
from streams.ports import Embedder, Log, Purpose
from streams.services import open as opening
from streams.services import wire
from streams.services.control import ControlLog
from streams.services.document_sample import sample_documents
from streams.services.live_model import likeness
from streams.services.preflight import milvus
from streams.services.preflight.asked import asked, persistently
from streams.services.preflight.kafka import control_facts, look_at_topics
from streams.services.preflight.probes import PROBES, Probing, budget_of, probe
from streams.services.preflight.sources import look_at_connect, look_at_database

__all__ = ["Progress", "collect"]

T = TypeVar("T")

_DOCUMENTS = 16
"""Documents whose texts stand for all in the probes of speed and of bytes."""
_ELSEWHERE = Skipped(
    "not looked at: [connect.config] is empty, so change events come by other means",
    "make sure that nothing is skipped there and that values missing from an event are marked",
)


@dataclass(frozen=True, slots=True)
class Progress:
    """How far the gathering is: steps done, steps in all, and the one just done."""

    done: int
    total: int
    step: str


class _Steps:
    def __init__(self, total: int, tell: Callable[[Progress], None]) -> None:
        self._done, self._total, self._tell = 0, total, tell

    def done(self, step: str) -> None:
        self._done += 1
        self._tell(Progress(min(self._done, self._total), self._total, step))

    async def asked(self, step: str, work: Awaitable[T]) -> T | Unreachable:
        """What came of a step, which is done then."""
        fact = await asked(work)
        self.done(step)
        return fact


async def collect(
    settings: Settings, log: Log, control: ControlLog, on_progress: Callable[[Progress], None]
) -> tuple[Facts, int | None]:
    """Look at everything.

    Args:
        settings: say what there is.
        log: Kafka.
        control: is brought up to date first.
        on_progress: called often; must return at once.

    Returns: the facts, and the offset of the newest control record before any other look; None
        if the control log can not be read.
    """
    lanes = list(settings.lanes)
    steps = _Steps(6 + len(lanes) * (PROBES + 2), on_progress)
    refreshed = await steps.asked("control log", control.refresh())
    state = State() if isinstance(refreshed, Unreachable) else refreshed
    as_of = None if isinstance(refreshed, Unreachable) else control.fold.offset
    builds = {name: state.lanes[name].pinned for name in lanes if name in state.lanes}
    sample = await steps.asked(
        "sample", sample_documents(log, settings.kafka.topics.documents, _DOCUMENTS)
    )
    documents = [] if isinstance(sample, Unreachable) else [one.text for one in sample]
    connect, database, topics, store, looks = await asyncio.gather(
        _unless_elsewhere(settings, steps, "connect", look_at_connect),
        _unless_elsewhere(settings, steps, "database", look_at_database),
        steps.asked("topics", look_at_topics(settings, log)),
        steps.asked("milvus", milvus.look_at_milvus(settings, builds)),
        _look_at_lanes(settings, builds, documents, steps),
    )
    server, sources = database if isinstance(database, tuple) else (database, {})
    facts = Facts(
        control=refreshed
        if isinstance(refreshed, Unreachable)
        else control_facts(settings, refreshed, control.fold.offset + 1),
        topics=topics,
        connect=connect,
        database=server,
        sources=sources,
        milvus=store,
        lanes={name: look.lane for name, look in looks.items()},
        probes={name: look.probes for name, look in looks.items() if look.probes is not None},
        wire={name: look.wire for name, look in looks.items() if look.wire is not None},
        sample=SampleFacts(len(documents), sum(map(estimated_tokens, documents))),
        prices={
            name: config.price_per_million_tokens
            for name, config in settings.lanes.items()
            if isinstance(config, OpenAIConfig) and config.price_per_million_tokens is not None
        },
    )
    return facts, as_of


async def _unless_elsewhere(
    settings: Settings, steps: _Steps, step: str, look: Callable[[Settings], Awaitable[T]]
) -> T | Unreachable | Skipped:
    if not settings.connect.config:
        steps.done(step)
        return _ELSEWHERE
    return await steps.asked(step, look(settings))


@dataclass(frozen=True, slots=True)
class _Look:
    lane: LaneFacts | Unreachable
    probes: ProbeFacts | Unreachable | None = None
    wire: WireFacts | Unreachable | None = None


async def _look_at_lanes(
    settings: Settings, builds: Mapping[str, BuildStarted], documents: Sequence[str], steps: _Steps
) -> dict[str, _Look]:
    # One at a time: lanes on one machine would time each other.
    return {
        lane: await _look_at_lane(settings, lane, builds.get(lane), documents, steps)
        for lane in settings.lanes
    }


async def _look_at_lane(
    settings: Settings,
    lane: str,
    build: BuildStarted | None,
    documents: Sequence[str],
    steps: _Steps,
) -> _Look:
    opened = await asked(_opened(settings, lane))
    if isinstance(opened, Unreachable):
        steps.done(lane)
        return _Look(opened)
    try:
        live = await steps.asked(lane, persistently(opened.identify))
        if isinstance(live, Unreachable):
            return _Look(live)
        probing = Probing(
            lane=lane,
            embedder=opened,
            limits=settings.lanes[lane],
            budget=budget_of(settings.lanes[lane]),
            budget_bytes=settings.text_budget_bytes,
            deadline_seconds=settings.serve.deadline_seconds,
            documents=documents or PLAIN,
            on_probe=lambda: steps.done(lane),
        )
        return _Look(
            lane=await _compared(lane, build, live, opened),
            probes=await probe(probing),
            wire=await steps.asked(lane, _received(settings, lane, live, documents)),
        )
    finally:
        await opened.close()


async def _compared(
    lane: str, build: BuildStarted | None, live: Fingerprint, embedder: Embedder
) -> LaneFacts:
    """The live model beside the one that the build pinned."""
    if build is None:
        return LaneFacts(lane, None, live)
    if build.fingerprint != live:
        return LaneFacts(lane, build.fingerprint, live)
    canaries = await asked(persistently(lambda: likeness(embedder, build.canaries)))
    return LaneFacts(lane, build.fingerprint, live, canaries)


async def _opened(settings: Settings, lane: str) -> Embedder:
    return opening.open_embedder(settings, lane)


async def _received(
    settings: Settings, lane: str, live: Fingerprint, documents: Sequence[str]
) -> WireFacts:
    """What the lane's embedder receives for documents' texts, and for awkward ones."""
    texts = (*WIRE, *documents[: settings.lanes[lane].call_inputs // 2])
    async with wire.listening(settings, lane) as listened:
        for purpose in (Purpose.DOCUMENT, Purpose.QUERY):
            await persistently(lambda p=purpose: listened.embedder.embed(texts, p))  # type: ignore[misc]
        came = listened.inputs(len(texts))
    return WireFacts(
        texts=texts,
        document_template=live.document_template,
        query_template=live.query_template,
        documents=came[0] if came else (),
        queries=came[-1] if len(came) > 1 else (),
    )
