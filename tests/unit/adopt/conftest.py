"""A source of documents, a paused lane, and a collection that others made, in memory."""

from collections.abc import Mapping

import pytest

from tests.unit.adopt.world import World


@pytest.fixture
async def world() -> World:
    return await World().start()


@pytest.fixture
def texts() -> Mapping[int, str]:
    """Forty articles by their number."""
    return {number: f"What article {number} says." for number in range(40)}
