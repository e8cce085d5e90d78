"""A build is given up in one order, and what a run that was cut off left is finished by another."""

import pytest

from schemas import BuildDropped
from streams.errors import ConfigurationError, TransientError
from streams.migration.verdicts import Accepted, Rejected, Unchanged
from streams.services.build_drop import Dropped, drop_build
from tests.unit.services.build_world import BuildWorld


@pytest.fixture
async def world(monkeypatch) -> BuildWorld:
    """With a second build of lane `ollama`."""
    monkeypatch.setenv("DB_PASSWORD", "hunter2")
    made = BuildWorld()
    await made.init()
    await made.start()
    return made


async def drop(world: BuildWorld, number: int, id_: str = "1", *, dry_run: bool = False) -> Dropped:
    return await drop_build(
        world.settings,
        BuildDropped(id=id_, by="ann", lane="ollama", build=number),
        store=world.store,
        control=world.control(),
        now_ms=0,
        dry_run=dry_run,
    )


async def collection_of(world: BuildWorld, number: int) -> str:
    return (await world.state()).lanes["ollama"].builds[number].pinned.collection


async def test_the_collection_goes_with_the_build(world):
    collection = await collection_of(world, 2)
    dropped = await drop(world, 2)
    assert isinstance(dropped.outcome.folded.verdict, Accepted)
    assert (dropped.collection, dropped.rows, dropped.is_gone) == (collection, 0, True)
    assert dropped.group == "hotswap-embed-ollama-2"
    assert sorted((await world.state()).lanes["ollama"].builds) == [1]
    assert collection not in await world.store.collections()
    assert await collection_of(world, 1) in await world.store.collections()


async def test_the_build_that_serves_stays_with_all_its_rows(world):
    collection = await collection_of(world, 1)
    dropped = await drop(world, 1)
    assert isinstance(dropped.outcome.folded.verdict, Rejected)
    assert not dropped.is_gone
    assert collection in await world.store.collections()


async def test_a_dry_run_drops_nothing(world):
    before = await world.everything()
    dropped = await drop(world, 2, dry_run=True)
    assert dropped.outcome.rehearsed
    assert isinstance(dropped.outcome.folded.verdict, Accepted)
    assert not dropped.is_gone
    assert await world.everything() == before


async def test_a_second_run_finishes_what_the_first_could_not(world, monkeypatch):
    collection = await collection_of(world, 2)

    async def away(_collection):
        raise TransientError("Milvus is away")

    with monkeypatch.context() as patch:
        patch.setattr(world.store, "drop", away)
        with pytest.raises(TransientError):
            await drop(world, 2)
    assert collection in await world.store.collections()
    again = await drop(world, 2, "2")
    assert isinstance(again.outcome.folded.verdict, Unchanged)
    assert again.is_gone
    assert collection not in await world.store.collections()
    assert (await drop(world, 2, "3")).rows is None


async def test_what_never_was_is_not_dropped(world):
    end = await world.log.ends("control")
    with pytest.raises(ConfigurationError, match="there were: 1, 2"):
        await drop(world, 7)
    assert await world.log.ends("control") == end


async def test_a_collection_that_another_build_stands_on_is_left(world):
    shared = (await world.state()).lanes["ollama"].builds[1].pinned
    by_hand = shared.model_copy(update={"id": "by-hand", "build": 3})
    await world.control().append(by_hand)
    with pytest.raises(ConfigurationError, match="build 1 of lane ollama, too"):
        await drop(world, 3)
    assert shared.collection in await world.store.collections()
