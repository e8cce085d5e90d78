"""Settings → everything that serves reads, opened in order and closed again.

The one place that knows what stands behind the functions and Protocols of this package.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import replace
from typing import Any

from schemas import Fingerprint, ShadowObservation
from streams.config import Settings
from streams.core.breaker import Rules
from streams.errors import HotswapError
from streams.ports import Embedder, VectorStore
from streams.services import open as systems
from streams.services.follower import Follower
from streams.services.serving.breakers import Breakers
from streams.services.serving.control_view import ControlView, view_of
from streams.services.serving.feedback import Feedback
from streams.services.serving.following import follow_builds
from streams.services.serving.lane import KeptQueries, SearchLane
from streams.services.serving.mirror import Shadow
from streams.services.serving.models import Models
from streams.services.serving.observing import Observations
from streams.services.serving.searcher import Deadlines, Searcher
from streams.services.serving.serving import Serving
from streams.services.serving.windows import Windows

__all__ = ["open_serving"]


@asynccontextmanager
async def open_serving(settings: Settings) -> AsyncIterator[Serving]:
    """All that serves reads; nothing is waited for, `Serving.readiness` tells how it goes.

    Raises: ConfigurationError if a secret or a certificate can not be read.
    """
    serve, topics = settings.serve, settings.kafka.topics
    async with AsyncExitStack() as exits:
        log = systems.open_log(settings)
        exits.push_async_callback(log.close)
        follower = await exits.enter_async_context(systems.open_follower(settings, log))
        first_fold = asyncio.create_task(follower.caught_up())
        exits.push_async_callback(_ended, first_fold)
        control = view_of(follower)
        models = await _models(exits, settings)
        lanes, mirrored = _lanes(exits, settings, control, models)
        observations = await exits.enter_async_context(
            Observations(log.append, topics.observations)
        )

        def publish(observation: ShadowObservation) -> None:
            observations.offer(observation.mirrored.lane, observation)

        shadow = await exits.enter_async_context(Shadow(mirrored, publish, serve.shadow))
        windows = await exits.enter_async_context(
            Windows(lambda window: observations.offer(window.lane, window))
        )

        async def probe(lane: str) -> None:
            await lanes[lane].probe(serve.deadline_seconds)

        rules = Rules(serve.breaker.failures, serve.breaker.cool_down_seconds)
        breakers = await exits.enter_async_context(Breakers(lanes, rules, probe))
        look = follow_builds(settings, control, models, breakers)
        exits.callback(control.listen(lambda _folded: look()))
        watching = asyncio.create_task(_once_folded(follower, look))
        exits.push_async_callback(_ended, watching)
        feedback = await exits.enter_async_context(
            Feedback(
                control,
                log.append,
                topics.observations,
                max_age_seconds=serve.feedback_seconds,
            )
        )
        deadlines = Deadlines(serve.deadline_seconds, serve.total_seconds)
        yield Serving(
            control=control,
            searcher=Searcher(control, lanes, breakers, deadlines, windows, serve.shadow.sample),
            shadow=shadow,
            feedback=feedback,
            observations=observations,
            models=models,
            breakers=breakers,
            first_fold=first_fold,
        )


async def _models(exits: AsyncExitStack, settings: Settings) -> Models:
    """None is open yet: which ones there are to be stands in the control log.

    Raises: ConfigurationError if a lane's key can not be read.
    """
    for name in settings.lanes:
        await systems.open_embedder(settings, name).close()

    def opener(lane: str, fingerprint: Fingerprint) -> Embedder:
        return systems.open_embedder(settings, lane, fingerprint)

    return await exits.enter_async_context(Models(opener, settings.serve.identity_seconds))


async def _once_folded(follower: Follower, look: Callable[[], None]) -> None:
    await follower.caught_up()
    look()


def _lanes(
    exits: AsyncExitStack, settings: Settings, control: ControlView, models: Models
) -> tuple[Mapping[str, SearchLane], Mapping[str, SearchLane]]:
    """Each lane twice: for answers, and for the mirror over a store of its own.

    A store has few threads, and mirrored searches must not take those of the answers.
    """
    stores: list[VectorStore] = []
    for _ in range(2):
        stores.append(systems.open_store(settings))
        exits.push_async_callback(stores[-1].close)
    kept = KeptQueries(settings.serve.cached_queries)
    lanes = {
        name: SearchLane(name, models, stores[0], control.build, kept) for name in settings.lanes
    }
    return lanes, {name: replace(lane, store=stores[1]) for name, lane in lanes.items()}


async def _ended(task: asyncio.Future[Any]) -> None:
    task.cancel()
    with suppress(asyncio.CancelledError, HotswapError):
        await task
