"""What settings lead to: everything opened over one log and two lanes, and closed again."""

import asyncio

import pytest

from schemas import MigrationDefined, SearchRequest, WindowObservation, parse_observation
from streams.adapters.memory_log import MemoryLog
from streams.adapters.memory_store import MemoryStore
from streams.config import Settings
from streams.errors import ConfigurationError
from streams.ports import NewRecord, TopicSpec
from streams.services.serving.failures import NotReady
from streams.services.serving.opened import open_serving
from tests.unit.serving.world import Embedder, built
from tests.waiting import until

SETTINGS = Settings.model_validate(
    {
        "sources": [{"name": "s", "topic": "t", "key": ["id"], "text": "{text}"}],
        "lanes": {
            lane: {"provider": "ollama", "hosts": ["http://127.0.0.1:1"], "model": "m"}
            for lane in ("cloud", "ollama")
        },
    }
)


@pytest.fixture
def log(monkeypatch) -> MemoryLog:
    here = MemoryLog()
    monkeypatch.setattr("streams.services.open.open_log", lambda _settings: here)
    return here


@pytest.fixture
async def store(monkeypatch) -> MemoryStore:
    here = MemoryStore()
    embedders = {"cloud": Embedder(8), "ollama": Embedder(16)}
    opened = "streams.services.open.open_"
    monkeypatch.setattr(f"{opened}store", lambda _settings: here)
    monkeypatch.setattr(f"{opened}embedder", lambda _settings, lane, _pinned=None: embedders[lane])
    return here


async def test_a_control_log_is_followed_and_searches_go_by_it(log, store):
    await log.create(TopicSpec("control", 1, 1))
    before = asyncio.all_tasks()
    async with open_serving(SETTINGS) as serving:
        request = SearchRequest(text="green", k=1)
        await serving.first_fold
        with pytest.raises(NotReady, match="no migration"):
            await serving.searcher.search(request)
        assert not serving.readiness()["ready"]
        commands = [
            await built("cloud", Embedder(8), store),
            await built("ollama", Embedder(16), store),
            MigrationDefined(id="m", by="t", source="cloud", target="ollama", salt="x"),
        ]
        for command in commands:
            await log.append([NewRecord("control", None, command.encode())])
        await until(lambda: serving.control.routing() is not None, "it is folded", 5, 0.01)
        searched = await serving.searcher.search(request)
        assert (searched.response.lane, searched.response.hits[0].id) == ("cloud", "s/1")
        found = serving.readiness()
        assert (found["ready"], found["readable"]) == (True, ["cloud"])
        assert found["lanes"]["ollama"]["model"] == "as built"
    assert asyncio.all_tasks() == before


@pytest.mark.usefixtures("store")
async def test_a_control_log_that_can_not_be_followed_is_told(log):
    del log
    async with open_serving(SETTINGS) as serving:
        with pytest.raises(ConfigurationError, match="control"):
            await serving.first_fold
        assert not serving.control.folded()
        problem = serving.readiness()["control"]["problem"]
        assert "control" in problem


async def test_windows_stand_in_the_log_under_their_lane(log, store):
    for topic in ("control", "observations"):
        await log.create(TopicSpec(topic, 1, 1))
    for command in (
        await built("cloud", Embedder(8), store),
        await built("ollama", Embedder(16), store),
        MigrationDefined(id="m", by="t", source="cloud", target="ollama", salt="x"),
    ):
        await log.append([NewRecord("control", None, command.encode())])
    async with open_serving(SETTINGS) as serving:
        await serving.first_fold
        await serving.searcher.search(SearchRequest(text="green", k=1))
    (record,) = [record async for page in log.read("observations") for record in page]
    window = parse_observation(record.value)
    assert isinstance(window, WindowObservation)
    assert (record.key, window.lane, window.searches) == (b"cloud", "cloud", 1)
