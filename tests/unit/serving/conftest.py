import pytest

from tests.unit.serving.world import World


@pytest.fixture
async def world() -> World:
    return World()
