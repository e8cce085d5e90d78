"""Each build's queries are embedded by its own model, which is warm before it is needed."""

import asyncio

import pytest

from schemas import BuildStarted, Fingerprint
from streams.adapters.memory_embedder import MemoryEmbedder
from streams.adapters.memory_store import MemoryStore
from streams.errors import ConfigurationError, DriftError
from streams.services.serving.models import Models
from tests.unit.serving.world import built
from tests.waiting import until


class Opened(MemoryEmbedder):
    """Notes that it was closed."""

    closed = False

    async def close(self) -> None:
        self.closed = True


class Opener:
    def __init__(self) -> None:
        self.made: dict[tuple[str, Fingerprint], Opened] = {}

    def __call__(self, lane: str, fingerprint: Fingerprint) -> Opened:
        assert (lane, fingerprint) not in self.made, "opened twice"
        made = Opened(fingerprint.dimensions, model=fingerprint.model)
        self.made[lane, fingerprint] = made
        return made


@pytest.fixture
def opener() -> Opener:
    return Opener()


async def build(number: int, model: str, lane: str = "l") -> BuildStarted:
    return await built(lane, MemoryEmbedder(8, model=model), MemoryStore(), number)


async def test_a_model_is_asked_what_it_is_as_soon_as_its_build_is_known(opener):
    first, second = await build(1, "old"), await build(2, "new")
    async with Models(opener, 60) as models:
        assert models.identity(second) is None
        models.keep([first, second])
        identity = models.identity(second)
        assert identity is not None
        await until(lambda: identity.live is not None, "it said what it is", 5, 0)
        await identity.check(second)
        with pytest.raises(DriftError, match="hotswap build start l"):
            await identity.check(first)
    assert all(made.closed for made in opener.made.values())


async def test_builds_of_one_model_share_it_but_lanes_do_not(opener):
    builds = [await build(1, "m"), await build(2, "m"), await build(1, "m", "other")]
    async with Models(opener, 60) as models:
        models.keep(builds)
        models.keep(builds)
        assert len(opener.made) == 2
        models.keep(builds[1:])
        assert not any(made.closed for made in opener.made.values())


async def test_builds_of_other_weights_under_one_name_do_not_share():
    embedder, store = MemoryEmbedder(8, model="m"), MemoryStore()
    first = await built("l", embedder, store, 1, canaries=True)
    embedder.weights = "others"
    second = await built("l", embedder, store, 2, canaries=True)
    assert first.fingerprint == second.fingerprint
    async with Models(lambda _lane, of: Opened(8, model=of.model), 60) as models:
        models.keep([first, second])
        with models.lent(first) as (_, of_first), models.lent(second) as (_, of_second):
            await of_first.check(first)
            with pytest.raises(DriftError, match="canary"):
                await of_second.check(second)


async def test_a_model_that_no_build_has_is_closed_once_nobody_uses_it(opener):
    first, second = await build(1, "old"), await build(2, "new")
    before = asyncio.all_tasks()
    async with Models(opener, 60) as models:
        models.keep([first, second])
        old = opener.made["l", first.fingerprint]
        with models.lent(first), models.lent(first):
            models.keep([second])
            await asyncio.sleep(0)
            assert not old.closed
        await until(lambda: old.closed, "it is closed", 5, 0)
        assert not opener.made["l", second.fingerprint].closed
        await until(lambda: len(asyncio.all_tasks() - before) == 1, "its watch has ended", 5, 0)
    assert asyncio.all_tasks() == before


async def test_a_model_that_can_not_be_opened_is_told_to_who_asks_and_to_nobody_else():
    def opener(_lane: str, fingerprint: Fingerprint) -> MemoryEmbedder:
        if fingerprint.model == "old":
            raise ConfigurationError("lanes.l.provider", "is another one")
        return MemoryEmbedder(8, model=fingerprint.model)

    first, second = await build(1, "old"), await build(2, "new")
    async with Models(opener, 60) as models:
        models.keep([first, second])
        with pytest.raises(ConfigurationError), models.lent(first):
            raise AssertionError("it was lent")
        with models.lent(second) as (embedder, _):
            assert (await embedder.identify()).model == "new"
