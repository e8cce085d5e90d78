"""The Ollama lane, against the model's own speed.

A bare client loop sends the same texts to the same server in batches of 32, without Kafka and
without Milvus. A lane can not be faster than that, and should not be much slower.
"""

import time
from collections.abc import Sequence

import ollama

from streams.adapters.ollama_embedder import OllamaEmbedder
from streams.bench.lane_run import empty_lane
from streams.bench.measure import Measure, compare
from streams.bench.rounds import Progress, Run, alternate
from streams.bench.site import open_site
from streams.bench.texts import BUDGET_BYTES, document_records, documents
from streams.config import OllamaConfig
from streams.errors import TransientError
from streams.stack.status import Endpoints

__all__ = ["bench_lane_ollama", "lane_config"]

_BATCH = 32
_BARE = "bare client loop"


def lane_config(endpoints: Endpoints) -> OllamaConfig:
    """The lane as it is unless configured otherwise."""
    return OllamaConfig(
        provider="ollama",
        hosts=(endpoints.ollama_url,),
        model=endpoints.ollama_model,
        text_budget_bytes=BUDGET_BYTES,
    )


async def bench_lane_ollama(
    endpoints: Endpoints, count: int, progress: Progress, *, rounds: int = 7
) -> list[Measure]:
    """Documents per second of the lane, to those of a bare client loop."""
    config = lane_config(endpoints)
    embedder = OllamaEmbedder(config)
    try:
        async with open_site(endpoints) as site:
            made = documents(count)
            await site.fill(document_records(site.documents, made))
            texts = [document.text for document in made]

            async def lane(wanted: int) -> float:
                async with empty_lane(site, config, embedder) as run:
                    rate = await run.fill(wanted, progress)
                    if run.embedder.texts < wanted:
                        raise TransientError(f"only {run.embedder.texts} texts were embedded")
                    return rate

            async def bare(wanted: int) -> float:
                return await _bare(endpoints, texts[:wanted], progress)

            rates = await alternate(
                Run("lane ollama", lane),
                [Run(_BARE, bare)],
                progress,
                documents=count,
                warm_up=min(_BATCH, count),
                rounds=rounds,
            )
    finally:
        await embedder.close()
    name = f"lane ollama ({endpoints.ollama_kind}), to a {_BARE}"
    return [compare(name, rates.beside(_BARE), reach=0.95)]


async def _bare(endpoints: Endpoints, texts: Sequence[str], progress: Progress) -> float:
    async with ollama.AsyncClient(host=endpoints.ollama_url, timeout=120) as client:
        began = time.monotonic()
        for start in range(0, len(texts), _BATCH):
            batch = texts[start : start + _BATCH]
            await client.embed(endpoints.ollama_model, batch, truncate=False)
            progress.advance(len(batch))
        return len(texts) / (time.monotonic() - began)
