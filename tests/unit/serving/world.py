"""Two lanes in memory with the same documents, and all that serves reads over them."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field, replace

from schemas import BuildStarted, SearchRequest, SearchResponse, WindowObservation
from streams.adapters.memory_embedder import MemoryEmbedder
from streams.adapters.memory_log import MemoryLog
from streams.adapters.memory_store import MemoryStore
from streams.config import ShadowConfig
from streams.core.breaker import Rules
from streams.core.routing import Routing
from streams.errors import ConfigurationError
from streams.ports import NewRecord, OnTokens, Purpose, Row, TopicSpec, Vectors
from streams.services.live_model import new_canaries
from streams.services.serving.breakers import Breakers
from streams.services.serving.control_view import ControlView
from streams.services.serving.feedback import Feedback
from streams.services.serving.identity import Identity
from streams.services.serving.lane import KeptQueries, SearchLane
from streams.services.serving.mirror import Shadow
from streams.services.serving.models import Models
from streams.services.serving.observing import Observations
from streams.services.serving.searcher import Deadlines, Searcher
from streams.services.serving.serving import Serving
from streams.services.serving.windows import Windows

__all__ = ["TEXTS", "Embedder", "World", "built"]

TEXTS = ("red", "green", "blue", "yellow", "black")
TOPIC = "observations"
NOW = 1_700_000_000_000


class Embedder(MemoryEmbedder):
    """One that hangs for as long as it is told to.

    Attributes:
        awake: clear it, and calls hang.
        under_way: calls that hang now.
    """

    def __init__(self, dimensions: int) -> None:
        super().__init__(dimensions)
        self.awake = asyncio.Event()
        self.awake.set()
        self.under_way = 0
        self.asked: list[str] = []

    async def embed(
        self,
        texts: Sequence[str],
        purpose: Purpose = Purpose.DOCUMENT,
        *,
        on_tokens: OnTokens | None = None,
    ) -> Vectors:
        self.asked += texts
        self.under_way += 1
        try:
            await self.awake.wait()
        finally:
            self.under_way -= 1
        return await super().embed(texts, purpose, on_tokens=on_tokens)


async def built(
    lane: str,
    embedder: MemoryEmbedder,
    store: MemoryStore,
    build: int = 1,
    source: str = "s",
    *,
    canaries: bool = False,
) -> BuildStarted:
    """A build of the lane that holds TEXTS, each under its own position.

    Without canaries unless asked for: to look at them is a call more.
    """
    fingerprint = await embedder.identify()
    made = BuildStarted(
        id=f"{lane}-{build}",
        by="test",
        lane=lane,
        build=build,
        collection=f"documents_{lane}_{build}",
        fingerprint=fingerprint,
        documents_partitions=1,
        canaries=await new_canaries(embedder) if canaries else (),
    )
    await store.create(made.collection, fingerprint)
    vectors = await MemoryEmbedder.embed(embedder, TEXTS, Purpose.QUERY)
    rows = [
        Row(
            f"{source}/{place}", vector, source, {"id": place}, 0, place, "0" * 32,
            {"colour": TEXTS[place]}, 1, 1,
        )
        for place, vector in enumerate(vectors)
    ]  # fmt: skip
    await store.upsert(made.collection, rows)
    return made


@dataclass
class World:
    """What tests change, and what they look at."""

    routing: Routing | None = field(
        default_factory=lambda: Routing("cloud", "ollama", salt="salt", version=7)
    )
    readable: frozenset[str] = frozenset({"cloud", "ollama"})
    builds: dict[str, BuildStarted] = field(default_factory=dict)
    embedders: dict[str, Embedder] = field(
        default_factory=lambda: {"cloud": Embedder(8), "ollama": Embedder(16)}
    )
    store: MemoryStore = field(default_factory=MemoryStore)
    log: MemoryLog = field(default_factory=MemoryLog)
    folded: bool = True
    age: float = 0.25
    now_ms: int = NOW
    kafka: asyncio.Event = field(default_factory=asyncio.Event)
    """Clear it, and appends hang."""
    append_error: Exception | None = None
    windows: list[WindowObservation] = field(default_factory=list)
    """Published when serving ends, if not before."""

    cloud = property(lambda self: self.embedders["cloud"])
    ollama = property(lambda self: self.embedders["ollama"])

    def build(self, lane: str) -> BuildStarted:
        if lane not in self.builds:
            raise ConfigurationError(f"lanes.{lane}", "no build")
        return self.builds[lane]

    def identity(self, models: Models, lane: str) -> Identity:
        """What is known of the live model of the lane's build."""
        found = models.identity(self.builds[lane])
        assert found is not None
        return found

    def route(self, **changes: object) -> None:
        """Change the flag, as a new state would."""
        assert self.routing is not None
        self.routing = replace(self.routing, **changes)  # type: ignore[arg-type]

    def all_on_target(self) -> None:
        self.route(percent=100.0)

    async def append(self, records: Sequence[NewRecord]) -> object:
        await self.kafka.wait()
        if self.append_error is not None:
            raise self.append_error
        return await self.log.append(records)

    async def observed(self) -> list[bytes]:
        pages = [page async for page in self.log.read(TOPIC)]
        return [record.value or b"" for page in pages for record in page]

    @asynccontextmanager
    async def serving(
        self,
        *,
        deadlines: Deadlines | None = None,
        rules: Rules | None = None,
        sample: float = 0.0,
        shadow: ShadowConfig | None = None,
        max_age_seconds: float = 60.0,
        patience_seconds: float = 0.05,
        kept: int = 100,
    ) -> AsyncIterator[Serving]:
        deadlines = deadlines or Deadlines(lane=0.05, total=0.2)
        self.kafka.set()
        await self.log.create(TopicSpec(TOPIC, 1, 1))
        for lane, embedder in self.embedders.items():
            if lane not in self.builds:
                self.builds[lane] = await built(lane, embedder, self.store)
        control = ControlView(
            lambda: self.folded,
            lambda: self.routing,
            lambda: self.readable,
            self.build,
            lambda: self.age,
        )
        cache = KeptQueries(kept)
        models = Models(lambda lane, _fingerprint: self.embedders[lane], identity_seconds=30.0)
        lanes = {
            name: SearchLane(name, models, self.store, self.build, cache) for name in self.embedders
        }
        models.keep(self.builds.values())
        for name in self.embedders:
            await self.identity(models, name).look()

        async def probe(lane: str) -> None:
            await lanes[lane].probe(deadlines.lane)

        async with AsyncExitStack() as exits:
            await exits.enter_async_context(models)
            observations = await exits.enter_async_context(
                Observations(self.append, TOPIC, every_seconds=0.01)
            )
            mirror = await exits.enter_async_context(
                Shadow(
                    lanes,
                    lambda seen: observations.offer(seen.mirrored.lane, seen),
                    shadow or ShadowConfig(deadline_seconds=0.05),
                )
            )
            breakers = await exits.enter_async_context(
                Breakers(lanes, rules or Rules(failures=3, cool_down=60.0), probe)
            )
            windows = await exits.enter_async_context(Windows(self.windows.append))
            feedback = await exits.enter_async_context(
                Feedback(
                    control,
                    self.append,
                    TOPIC,
                    max_age_seconds=max_age_seconds,
                    patience_seconds=patience_seconds,
                    now_ms=lambda: self.now_ms,
                )
            )
            first_fold: asyncio.Future[object] = asyncio.Future()
            first_fold.set_result(None)
            yield Serving(
                control=control,
                searcher=Searcher(
                    control, lanes, breakers, deadlines, windows, sample, now_ms=lambda: self.now_ms
                ),
                shadow=mirror,
                feedback=feedback,
                observations=observations,
                models=models,
                breakers=breakers,
                first_fold=first_fold,
            )

    async def search(self, serving: Serving, text: str = "green", **more: object) -> SearchResponse:
        """One search, mirrored afterwards if it is to be."""
        request = SearchRequest.model_validate({"text": text, "k": 3, **more})
        searched = await serving.searcher.search(request)
        if searched.mirror is not None:
            serving.shadow.offer(searched.mirror)
        return searched.response
