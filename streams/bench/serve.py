"""What `hotswap serve` adds to a search, and what its mirror adds to that.

A process of its own serves over loopback, as an operator would start it, with its defaults but
for its limits on requests. The reads are on one lane of the cloud stand-in, the mirror asks a
second one of fewer dimensions; both are filled by a lane's own worker, and the second is
verified, before the stage is set. No two queries are equal, so that none is answered from the
queries that are kept.

- What is added: one search at a time, each over HTTP and then by hand (or the other way round)
  with openai's and pymilvus' own clients, which do the very same calls. What the caller's HTTP
  client takes counts as added.
- The mirror: a few callers who ask again as soon as they are answered. Stage `dualwrite`, which
  mirrors nothing, and stage `shadow` take turns in the same process.

For the mirror the embedder answers after 80 ms, as one in a cloud may, and searches spend most
of their time there. That hides small differences, and leaves processors free: where none is, the
mirror's own work, a tenth of the answers', is waited for like any other. No model runs here, since
it would compete with what is measured. What a mirror costs where the target's model runs on the
machine that serves, this does not say.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from itertools import islice

import httpx

from streams.bench.cloud_server import open_cloud
from streams.bench.measure import Measure, Pair, percentile, within
from streams.bench.migrated import CLOUD_KEY, Migrated, open_migrated
from streams.bench.rounds import Progress, Run, alternate
from streams.bench.searches import ByHand, OverHttp, in_threads, in_turn, new_texts
from streams.bench.serve_process import open_serve
from streams.errors import TransientError
from streams.stack.status import Endpoints

__all__ = ["bench_serve"]

_ADDED_MS = 5.0
_TIMES = 1.1
_P99, _P50 = 99, 50
_LATENCY_MS = 80.0
_WARM_UP = 50
_WITHOUT = "without the mirror"
_PATIENCE_SECONDS = 30.0
_REST_SECONDS = 0.3
"""Longer than one mirrored query takes: if none was mirrored meanwhile, none is left."""


@dataclass(frozen=True, slots=True)
class _Served:
    """A `hotswap serve` that runs, and what there is to ask it."""

    migrated: Migrated
    client: httpx.AsyncClient
    progress: Progress
    texts: Iterator[str] = field(default_factory=new_texts)

    def over_http(self) -> OverHttp:
        """A caller of its own."""
        url = self.client.base_url
        return OverHttp(url.host, url.port or 80, self.migrated.source)

    def some(self, count: int) -> list[str]:
        """So many texts that nobody has searched for."""
        return list(islice(self.texts, count))

    async def mirror(self, *, on: bool) -> None:
        """Return once the process goes by the stage, and has nothing left to mirror.

        Raises: TransientError if that takes too long.
        """
        version = await self.migrated.mirror(on=on)
        ends_at = time.monotonic() + _PATIENCE_SECONDS
        before = None
        while time.monotonic() < ends_at:
            flag = (await self.client.get("/flag")).json()
            now = await self.mirrored()
            if (flag["flag_version"], flag["state"]["mirrored"], now) == (version, on, before):
                return
            before = now
            await asyncio.sleep(_REST_SECONDS)
        raise TransientError(f"serve does not come to rest at version {version} of the flag")

    async def mirrored(self) -> int:
        """Queries that were mirrored until now."""
        return int((await self.client.get("/readyz")).json()["shadow"]["mirrored"])


async def bench_serve(
    endpoints: Endpoints,
    count: int,
    progress: Progress,
    *,
    rounds: int = 7,
    callers: int = 8,
    latency_ms: float = _LATENCY_MS,
    stored: int = 1_000,
) -> list[Measure]:
    """Milliseconds of a search over HTTP, to one by hand; and with the mirror, to without it.

    Args:
        endpoints: the stack.
        count: searches in each run.
        progress: told how far it is.
        rounds: how often each side runs.
        callers: who search at the same time when the mirror is measured.
        latency_ms: after which the embedder answers then.
        stored: documents in each lane.
    """
    secrets = {CLOUD_KEY: endpoints.cloud_api_key}
    async with (
        open_cloud(endpoints) as cloud,
        open_migrated(endpoints, stored, progress) as migrated,
        open_serve(migrated.settings, secrets) as client,
    ):
        served = _Served(migrated, client, progress)
        with closing(ByHand(endpoints, migrated.config, migrated.collection)) as by_hand:
            added = await _added(served, by_hand, count, rounds)
        await cloud.delay(latency_ms)
        return [*added, await _mirror(served, count, rounds, callers)]


async def _added(served: _Served, by_hand: ByHand, count: int, rounds: int) -> list[Measure]:
    runs = []
    with closing(served.over_http()) as over_http:
        for number in range(rounds + 1):
            which, wanted = (f"{number} of {rounds}", count) if number else ("warming up", _WARM_UP)
            served.progress.begin(f"over HTTP and by hand, {which}", wanted)
            run = await in_turn(over_http, by_hand, served.some(wanted), served.progress)
            runs.append(run)
    del runs[0]
    return [
        within(
            f"serve over HTTP, p{percent}, to embed and search by hand",
            [
                Pair(percentile(over_http, percent), percentile(bare, percent))
                for over_http, bare in runs
            ],
            plus=_ADDED_MS,
        )
        for percent in (_P99, _P50)
    ]


async def _mirror(served: _Served, count: int, rounds: int, callers: int) -> Measure:
    def p99_of(*, on: bool) -> Callable[[int], Awaitable[float]]:
        async def p99(wanted: int) -> float:
            await served.mirror(on=on)
            texts = served.some(wanted)
            return percentile(
                await in_threads(served.over_http, texts, callers, served.progress), _P99
            )

        return p99

    rates = await alternate(
        Run("with the mirror", p99_of(on=True)),
        [Run(_WITHOUT, p99_of(on=False))],
        served.progress,
        documents=count,
        warm_up=_WARM_UP,
        rounds=rounds,
    )
    sample = served.migrated.settings.serve.shadow.sample
    await served.mirror(on=False)
    mirrored, expected = await served.mirrored(), sample * count * rounds
    if not expected / 2 <= mirrored <= 2 * expected + _WARM_UP:
        raise TransientError(f"{mirrored} queries were mirrored, where {expected:.0f} were to be")
    name = f"serve with the mirror, p99 of {callers} callers, to without it"
    return within(name, rates.beside(_WITHOUT), times=_TIMES)
