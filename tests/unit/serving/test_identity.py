"""A lane's model is looked at now and then, and requests go by the last look."""

import asyncio

import pytest

from streams.adapters.memory_embedder import MemoryEmbedder
from streams.adapters.memory_store import MemoryStore
from streams.errors import DriftError, LaneHalted, TransientError
from streams.services.serving.identity import Identity
from tests.unit.serving.world import built
from tests.waiting import until


class Looked(MemoryEmbedder):
    """Counts how often it is asked what it is, and fails when it is told to."""

    looks = 0
    problem: Exception | None = None

    async def identify(self):
        self.looks += 1
        if self.problem is not None:
            raise self.problem
        return await super().identify()


@pytest.fixture
def embedder() -> Looked:
    return Looked(8)


async def test_a_request_costs_no_look(embedder):
    build = await built("l", embedder, MemoryStore())
    identity = Identity(build, embedder, every_seconds=60)
    await identity.look()
    looks = embedder.looks
    for _ in range(10):
        await identity.check(build)
    assert embedder.looks == looks


async def test_a_model_that_was_replaced_is_noticed_at_the_next_look(embedder):
    build = await built("l", embedder, MemoryStore())
    identity = Identity(build, embedder, every_seconds=0.001)
    watching = asyncio.create_task(identity.watch())
    await identity.check(build)
    embedder.digest = "another"
    await until(lambda: identity.differences(build) != {}, "the change is noticed", 5, 0.001)
    with pytest.raises(DriftError, match="digest"):
        await identity.check(build)
    embedder.digest = None
    await until(lambda: identity.differences(build) == {}, "it is as it was", 5, 0.001)
    await identity.check(build)
    watching.cancel()


async def test_weights_swapped_under_the_same_name_are_noticed_and_so_is_their_return(embedder):
    build = await built("l", embedder, MemoryStore(), canaries=True)
    identity = Identity(build, embedder, every_seconds=60)
    await identity.look()
    await identity.check(build)
    embedder.weights = "others"
    await identity.look()
    with pytest.raises(DriftError, match=r"canary '.*' .*expected 1\.0, found ") as drift:
        await identity.check(build)
    assert "hotswap build start l" in str(drift.value)
    embedder.weights = ""
    await identity.look()
    await identity.check(build)


async def test_canaries_are_embedded_by_looks_and_by_no_request(embedder):
    build = await built("l", embedder, MemoryStore(), canaries=True)
    identity = Identity(build, embedder, every_seconds=60)
    calls = embedder.calls
    await identity.look()
    assert embedder.calls == calls + 1
    for _ in range(10):
        await identity.check(build)
    assert embedder.calls == calls + 1


async def test_what_was_seen_holds_while_the_canaries_can_not_be_embedded(embedder):
    build = await built("l", embedder, MemoryStore(), canaries=True)
    identity = Identity(build, embedder, every_seconds=60)
    await identity.look()
    embedder.failures.append(TransientError("busy"))
    with pytest.raises(TransientError):
        await identity.look()
    await identity.check(build)


async def test_canaries_are_not_compared_with_another_models(embedder):
    """Its vectors may be of another length."""
    build = await built("l", embedder, MemoryStore(), canaries=True)
    larger = Looked(16)
    identity = Identity(build, larger, every_seconds=60)
    await identity.look()
    assert larger.calls == 0
    assert identity.differences(build) == {"dimensions": (8, 16)}


async def test_the_first_request_waits_for_the_first_look(embedder):
    build = await built("l", embedder, MemoryStore())
    identity = Identity(build, embedder, every_seconds=60)
    checking = asyncio.create_task(identity.check(build))
    await asyncio.sleep(0)
    assert not checking.done()
    await identity.look()
    await checking


@pytest.mark.parametrize("error", [TransientError("away"), LaneHalted("no such model")])
async def test_a_lane_that_never_said_what_it_is_tells_why(embedder, error):
    build = await built("l", embedder, MemoryStore())
    embedder.problem = error
    identity = Identity(build, embedder, every_seconds=0.001)
    watching = asyncio.create_task(identity.watch())
    for _ in range(2):
        with pytest.raises(type(error), match=str(error)):
            await identity.check(build)
    embedder.problem = None
    await until(lambda: identity.live is not None, "it says what it is", 5, 0.001)
    await identity.check(build)
    watching.cancel()


async def test_what_was_seen_holds_while_the_lane_is_away(embedder):
    build = await built("l", embedder, MemoryStore())
    identity = Identity(build, embedder, every_seconds=60)
    await identity.look()
    embedder.problem = TransientError("away")
    with pytest.raises(TransientError):
        await identity.look()
    await identity.check(build)
    assert identity.problem is embedder.problem
