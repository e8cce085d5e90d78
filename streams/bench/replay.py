"""A replay of unchanged documents, against the cold run that embedded them.

The lane reads the whole topic again, finds every row as it must be, and asks the embedder for
nothing.
"""

from contextlib import AsyncExitStack

from streams.adapters.ollama_embedder import OllamaEmbedder
from streams.bench.lane_ollama import lane_config
from streams.bench.lane_run import LaneRun, empty_lane
from streams.bench.measure import Measure, compare, none
from streams.bench.rounds import Progress, Run, alternate
from streams.bench.site import open_site
from streams.bench.texts import document_records, documents
from streams.stack.status import Endpoints

__all__ = ["bench_replay"]

_WARM_UP = 16
_COLD = "cold run"


async def bench_replay(
    endpoints: Endpoints, count: int, progress: Progress, *, rounds: int = 3
) -> list[Measure]:
    """Documents per second of a replay, to those of the cold run; and its embedding calls."""
    config = lane_config(endpoints)
    async with AsyncExitStack() as exits:
        embedder = OllamaEmbedder(config)
        exits.push_async_callback(embedder.close)
        site = await exits.enter_async_context(open_site(endpoints))
        await site.fill(document_records(site.documents, documents(count)))
        filled: list[LaneRun] = []
        cold_calls, replay_calls = 0, []

        async def cold(wanted: int) -> float:
            nonlocal cold_calls
            run = await exits.enter_async_context(empty_lane(site, config, embedder))
            filled.append(run)
            rate = await run.fill(wanted, progress)
            cold_calls = run.embedder.calls
            return rate

        async def replay(wanted: int) -> float:
            run = filled[-1]
            await run.rewind()
            before = run.embedder.calls
            rate = await run.fill(wanted, progress)
            replay_calls.append(run.embedder.calls - before)
            return rate

        rates = await alternate(
            Run("replay", replay),
            [Run(_COLD, cold)],
            progress,
            documents=count,
            warm_up=min(_WARM_UP, count),
            rounds=rounds,
        )
    # The first replay warmed up, over a lane that was filled only in part.
    return [
        compare(f"replay, to the {_COLD}", rates.beside(_COLD), reach=15),
        none("embedding calls of a replay", replay_calls[1:], cold_calls, unit="calls"),
    ]
