"""`init` registers the connector, once, and says how one that is there differs."""

import pytest

from streams.adapters.memory_connect import MemoryConnect
from streams.config import ConnectConfig
from streams.errors import ConfigurationError, DriftError
from streams.services.steps import Action
from tests.unit.services.init_world import World, wanted


@pytest.fixture
def world(monkeypatch) -> World:
    monkeypatch.setenv("DB_PASSWORD", "hunter2")
    return World()


async def test_a_connector_that_differs_is_drift_that_hides_secrets(world, monkeypatch):
    await world.init()
    monkeypatch.setenv("DB_PASSWORD", "hunter3")
    world.settings = wanted(**{"database.port": "5433"})
    with pytest.raises(DriftError) as caught:
        await world.init()
    assert caught.value.differences == {
        "database.password": ("the configured secret", "another value"),
        "database.port": ("5433", None),
    }
    assert "hunter" not in str(caught.value)


async def test_force_replaces_a_connector_that_differs(world):
    await world.init()
    world.settings = wanted(**{"database.port": "5433"})
    assert (await world.init(force=True, dry_run=True))["connector hotswap"].action is (
        Action.WOULD_UPDATE
    )
    assert (await world.init(force=True))["connector hotswap"].action is Action.UPDATED
    assert (await world.connect.get("hotswap"))["database.port"] == "5433"
    assert (await world.init())["connector hotswap"].action is Action.KEPT


async def test_a_connector_that_failed_is_named_with_its_cause_and_force_restarts_it(world):
    await world.init()
    world.connect.failing["hotswap"] = "PSQLException: slot is active"
    with pytest.raises(ConfigurationError, match="slot is active"):
        await world.init()
    assert world.connect.failing
    assert (await world.init(force=True))["connector hotswap"].action is Action.UPDATED
    assert not world.connect.failing


async def test_a_connector_that_fails_as_it_starts_is_an_error(world):
    world.connect.failing["hotswap"] = "PSQLException: no such database"
    with pytest.raises(ConfigurationError, match="no such database"):
        await world.init()


async def test_a_plugin_that_is_not_installed_is_named_with_those_that_are(world):
    world.connect = MemoryConnect(["a.Other"])
    with pytest.raises(ConfigurationError) as caught:
        await world.init()
    assert caught.value.setting == 'connect.config."connector.class"'
    assert "a.Other" in caught.value.remedy


async def test_a_secret_that_is_missing_is_found_before_anything_is_registered(world, monkeypatch):
    monkeypatch.delenv("DB_PASSWORD")
    with pytest.raises(ConfigurationError, match=r'connect\.secrets\."database\.password"'):
        await world.init()
    assert await world.connect.get("hotswap") is None


async def test_without_connect_config_the_connector_and_its_topics_are_left_alone(world):
    world.settings = world.settings.model_copy(update={"connect": ConnectConfig()})
    steps = await world.init()
    assert steps["connector hotswap"].action is Action.SKIPPED
    assert await world.log.describe("cdc.public.articles") is None
    assert await world.connect.get("hotswap") is None


async def test_a_setting_that_would_lose_data_is_refused_before_anything_is_made(world):
    world.settings = wanted(**{"snapshot.mode": "never"})
    with pytest.raises(ConfigurationError, match=r"snapshot\.mode"):
        await world.init()
    assert await world.log.describe("documents") is None
