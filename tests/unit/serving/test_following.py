"""Reads follow builds: a new one is warm before it serves, and a switch fails no request."""

import asyncio

import pytest

from schemas import (
    BuildDropped,
    BuildPromoted,
    BuildStarted,
    Command,
    MigrationDefined,
    SearchRequest,
)
from schemas import VerifyEvidence as Verify
from schemas.verify import Verdict
from streams.adapters.memory_embedder import MemoryEmbedder
from streams.adapters.memory_log import MemoryLog
from streams.adapters.memory_store import MemoryStore
from streams.config.serve import BreakerConfig
from streams.ports import NewRecord, TopicSpec
from streams.services.control import ControlLog
from streams.services.serving.opened import open_serving
from streams.services.serving.serving import Serving
from tests.unit.serving.test_opened import SETTINGS
from tests.unit.serving.world import Embedder, built
from tests.waiting import until


async def until_version(serving: Serving, version: int) -> None:
    await until(lambda: serving.control.flag().version == version, f"version {version}", 5, 0.01)


async def until_open(serving: Serving, build: BuildStarted) -> None:
    await until(lambda: serving.models.identity(build) is not None, "its model is open", 5, 0.01)


class Named(Embedder):
    """An embedder of a model with a name."""

    def __init__(self, name: str) -> None:
        super().__init__(8)
        self.model = name
        self.is_closed = False

    async def close(self) -> None:
        self.is_closed = True


class World:
    """The source lane has build 1 of model `old`; build 2 is of model `new`, filled and proven."""

    def __init__(self) -> None:
        self.log, self.store = MemoryLog(), MemoryStore()
        self.opened: list[Named] = []

    def open(self, _settings: object, lane: str, pinned: object = None) -> Embedder:
        name = getattr(pinned, "model", "configured") if lane == "cloud" else "small"
        made = Named(name)
        if pinned is not None:
            self.opened.append(made)
        return made

    def model(self, name: str) -> Named:
        (found,) = [one for one in self.opened if one.model == name]
        return found

    async def send(self, *commands: Command) -> None:
        for command in commands:
            await self.log.append([NewRecord("control", None, command.encode())])

    async def begin(self) -> None:
        await self.log.create(TopicSpec("control", 1, 1))
        await self.log.create(TopicSpec("observations", 1, 1))
        await self.send(
            await self.build("cloud", "old", 1),
            await self.build("ollama", "small", 1),
            MigrationDefined(id="m", by="t", source="cloud", target="ollama", salt="x"),
        )

    async def build(self, lane: str, model: str, number: int) -> BuildStarted:
        source = f"b{number}"
        return await built(lane, MemoryEmbedder(8, model=model), self.store, number, source)

    async def build_two(self) -> BuildStarted:
        second = await self.build("cloud", "new", 2)
        await self.send(second)
        verify = Verify(
            id="v2", by="t", as_of=3, lane="cloud", build=2, verdict=Verdict.CLEAN, documents=5,
            rows=5,
        )  # fmt: skip
        await self.send(verify)
        return second

    async def promote(self, number: int, id_: str) -> int:
        control = ControlLog(self.log, "control")
        command = BuildPromoted(id=id_, by="t", lane="cloud", build=number)
        await control.append(command)
        assert control.state.lanes["cloud"].serving == number
        return control.state.version


@pytest.fixture
async def world(monkeypatch) -> World:
    made = World()
    monkeypatch.setattr("streams.services.open.open_log", lambda _settings: made.log)
    monkeypatch.setattr("streams.services.open.open_store", lambda _settings: made.store)
    monkeypatch.setattr("streams.services.open.open_embedder", made.open)
    await made.begin()
    return made


async def search(serving: Serving, text: str = "green") -> tuple[int | None, set[str], int]:
    """Build, which builds' rows the hits are, and the flag's version."""
    response = (await serving.searcher.search(SearchRequest(text=text, k=3))).response
    assert response.fallback is None
    return response.build, {hit.id[:2] for hit in response.hits}, response.flag_version


async def test_a_promotion_and_the_way_back_switch_reads_and_each_build_has_its_model(world):
    async with open_serving(SETTINGS) as serving:
        await serving.first_fold
        assert (await search(serving))[:2] == (1, {"b1"})
        second = await world.build_two()
        await until(
            lambda: serving.models.identity(second) is not None, "the new model is open", 5, 0.01
        )
        identity = serving.models.identity(second)
        assert identity is not None
        await until(lambda: identity.live is not None, "it is warm", 5, 0.01)
        assert serving.readiness()["lanes"]["cloud"]["other_builds"] == {"2": "as built"}
        assert (await search(serving))[:2] == (1, {"b1"})
        for number, id_ in ((2, "p2"), (1, "p1"), (2, "p2 again")):
            version = await world.promote(number, id_)
            await until_version(serving, version)
            assert await search(serving) == (number, {f"b{number}"}, version)
        assert world.model("old").asked == ["green"]  # kept since, and never asked of the other
        assert world.model("new").asked == ["green"]


async def test_a_dropped_builds_model_is_closed(world):
    async with open_serving(SETTINGS) as serving:
        await serving.first_fold
        second = await world.build_two()
        await until(
            lambda: serving.models.identity(second) is not None, "the new model is open", 5, 0.01
        )
        await world.send(BuildDropped(id="d", by="t", lane="cloud", build=2))
        await until(lambda: world.model("new").is_closed, "it is closed", 5, 0.01)
        assert serving.models.identity(second) is None
        assert not world.model("old").is_closed


async def test_models_of_builds_that_are_long_gone_are_never_opened(world):
    await world.build_two()
    await world.send(BuildDropped(id="d", by="t", lane="cloud", build=2))
    async with open_serving(SETTINGS) as serving:
        await serving.first_fold
        await search(serving)
        assert sorted(one.model for one in world.opened) == ["old", "small"]


async def test_a_request_under_way_through_a_promotion_and_a_drop_is_answered_of_one_build(world):
    async with open_serving(SETTINGS) as serving:
        await serving.first_fold
        await search(serving)
        second = await world.build_two()
        await until(
            lambda: serving.models.identity(second) is not None, "the new model is open", 5, 0.01
        )
        old = world.model("old")
        old.awake.clear()
        searching = asyncio.create_task(search(serving, "blue"))
        await until(lambda: old.under_way, "the query is being embedded", 5, 0)
        version = await world.promote(2, "p2")
        await world.send(BuildDropped(id="d1", by="t", lane="cloud", build=1))
        control = ControlLog(world.log, "control")
        first = (await control.refresh()).lanes["cloud"].builds
        assert sorted(first) == [2]
        for name in await world.store.collections():
            if name == "documents_cloud_1":
                await world.store.drop(name)
        await until(lambda: serving.control.build("cloud").build == 2, "it is known", 5, 0.01)
        assert not old.is_closed
        old.awake.set()
        build, rows, flag_version = await searching
        assert (build, rows) == (2, {"b2"})
        assert flag_version > version  # asked anew, by the state after the drop
        await until(lambda: old.is_closed, "the old model is closed", 5, 0.01)


async def test_a_new_build_is_not_left_alone_for_what_the_old_one_did(world):
    never = BreakerConfig(cool_down_seconds=3_600)
    serve = SETTINGS.serve.model_copy(update={"breaker": never})
    async with open_serving(SETTINGS.model_copy(update={"serve": serve})) as serving:
        await serving.first_fold
        second = await world.build_two()
        await until(
            lambda: serving.models.identity(second) is not None, "the new model is open", 5, 0.01
        )
        world.model("old").awake.clear()
        serving.breakers.failed("cloud", "late", late=True)
        assert not serving.breakers.closed("cloud")
        await world.promote(2, "p2")
        await until(lambda: serving.breakers.closed("cloud"), "it has a fresh start", 5, 0.01)


async def test_a_configuration_that_asks_for_another_model_is_told_once(world, caplog):
    third = await world.build("cloud", "old", 3)
    fingerprint = third.fingerprint.model_copy(update={"provider": "ollama"})
    await world.send(third.model_copy(update={"fingerprint": fingerprint}))
    async with open_serving(SETTINGS) as serving:
        await serving.first_fold
        await search(serving)
        await world.promote(1, "unchanged")
    told = [one for one in caplog.messages if "`hotswap build start cloud`" in one]
    assert len(told) == 1
    assert "model was 'old', is 'm'" in told[0]
