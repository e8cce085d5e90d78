"""Clients over systems in memory, and an OpenFeature that every test finds as new."""

from collections.abc import Iterator

import pytest
from openfeature import api

from tests.unit.client.world import CONFIGURATION, World, threads


@pytest.fixture
def empty(monkeypatch, tmp_path) -> Iterator[World]:
    """Systems without any topic, in a folder with a `hotswap.toml`; no thread may be left."""
    world = World()
    opened = "streams.services.open.open_"
    monkeypatch.setattr(f"{opened}log", lambda _settings: world.log.open())
    monkeypatch.setattr(f"{opened}store", lambda _settings: world.store)
    monkeypatch.setattr(
        f"{opened}embedder", lambda _settings, lane, _pinned=None: world.embedders[lane]
    )
    monkeypatch.setattr("streams.services.follower._CONFIRM_SECONDS", 0.01)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "hotswap.toml").write_text(CONFIGURATION, encoding="utf-8")
    yield world
    assert threads() == set()
    assert (world.log.followers, world.log.users) == (0, 0)


@pytest.fixture
def openfeature(empty) -> Iterator[None]:
    """The SDK keeps its state in modules; its providers end before the systems do."""
    del empty
    yield
    api.shutdown()
