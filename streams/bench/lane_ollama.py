"""The Ollama lane, against the model's own speed.

A bare client loop sends the same texts to the same server in batches of 32, without Kafka and
without Milvus. A lane can not be faster than that, and should not be much slower.

Ollama's own speed changes by a fifth from one second to the next, so lane and loop take turns,
call by call: what the loop takes is not on the lane's clock, and every other time it goes first.
"""

import time
from collections.abc import Sequence
from itertools import islice

import ollama

from streams.adapters.ollama_embedder import OllamaEmbedder
from streams.bench.lane_run import empty_lane
from streams.bench.measure import Measure, Pair, compare
from streams.bench.rounds import Progress
from streams.bench.site import Site, open_site
from streams.bench.texts import BUDGET_BYTES, document_records, documents
from streams.config import OllamaConfig
from streams.errors import TransientError
from streams.ports import Embedder, OnTokens, Purpose, Vectors
from streams.stack.status import Endpoints

__all__ = ["BareLoop", "TakingTurns", "bench_lane_ollama", "lane_config"]

_BATCH = 32


def lane_config(endpoints: Endpoints) -> OllamaConfig:
    """The lane as it is unless configured otherwise."""
    return OllamaConfig(
        provider="ollama",
        hosts=(endpoints.ollama_url,),
        model=endpoints.ollama_model,
        text_budget_bytes=BUDGET_BYTES,
    )


class BareLoop:
    """A client that embeds texts in batches, and nothing else.

    Attributes:
        done: texts until now.
        seconds: that it took for them.
    """

    def __init__(self, client: ollama.AsyncClient, model: str, texts: Sequence[str]) -> None:
        self._client = client
        self._model = model
        self._texts = iter(texts)
        self._due = 0
        self.done = 0
        self.seconds = 0.0

    async def keep_up(self, texts: int) -> None:
        """Do so many texts more, but for those that do not fill a batch."""
        self._due += texts
        while self._due >= _BATCH:
            await self._embed()
            self._due -= _BATCH

    async def finish(self) -> None:
        """Do those that did not fill one."""
        if self._due:
            await self._embed()

    async def _embed(self) -> None:
        if batch := list(islice(self._texts, _BATCH)):
            began = time.monotonic()
            await self._client.embed(self._model, batch, truncate=False)
            self.seconds += time.monotonic() - began
            self.done += len(batch)


class TakingTurns:
    """An embedder whose calls take turns with a loop; see `streams.ports.Embedder`."""

    def __init__(self, embedder: Embedder, loop: BareLoop) -> None:
        self._embedder = embedder
        self._loop = loop
        self._loop_first = True
        self.identify = embedder.identify
        self.close = embedder.close

    async def embed(
        self,
        texts: Sequence[str],
        purpose: Purpose = Purpose.DOCUMENT,
        *,
        on_tokens: OnTokens | None = None,
    ) -> Vectors:
        """Let the loop do as many, before or after."""
        loop_first, self._loop_first = self._loop_first, not self._loop_first
        if loop_first:
            await self._loop.keep_up(len(texts))
        vectors = await self._embedder.embed(texts, purpose, on_tokens=on_tokens)
        if not loop_first:
            await self._loop.keep_up(len(texts))
        return vectors


async def bench_lane_ollama(
    endpoints: Endpoints, count: int, progress: Progress, *, rounds: int = 7
) -> list[Measure]:
    """Documents per second of the lane, to those of a bare client loop."""
    embedder = OllamaEmbedder(lane_config(endpoints))
    pairs = []
    try:
        async with (
            open_site(endpoints) as site,
            ollama.AsyncClient(host=endpoints.ollama_url, timeout=120) as client,
        ):
            made = documents(count)
            await site.fill(document_records(site.documents, made))
            texts = [document.text for document in made]
            for number in range(rounds + 1):
                which = f"{number} of {rounds}" if number else "warming up"
                wanted = count if number else min(_BATCH, count)
                progress.begin(f"lane ollama and bare client loop in turn, {which}", wanted)
                loop = BareLoop(client, endpoints.ollama_model, texts)
                pairs.append(await _in_turn(site, embedder, loop, wanted, progress))
    finally:
        await embedder.close()
    del pairs[0]
    name = f"lane ollama ({endpoints.ollama_kind}), to a bare client loop"
    return [compare(name, pairs, reach=0.95)]


async def _in_turn(
    site: Site, embedder: Embedder, loop: BareLoop, wanted: int, progress: Progress
) -> Pair:
    """Documents per second of the lane, and of the loop beside it."""
    async with empty_lane(site, lane_config(site.endpoints), TakingTurns(embedder, loop)) as run:
        seconds = wanted / await run.fill(wanted, progress)
        if run.embedder.texts < wanted:
            raise TransientError(f"only {run.embedder.texts} texts were embedded")
    seconds -= loop.seconds
    await loop.finish()
    return Pair(wanted / seconds, loop.done / loop.seconds)
