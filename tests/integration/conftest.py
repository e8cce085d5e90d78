"""Whole systems on the shared stack."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.integration.system import System, new_system


@pytest.fixture
async def system(stack, tmp_path: Path) -> AsyncIterator[System]:
    """A system with empty tables, initialised, without workers."""
    async with new_system(stack.endpoints(), tmp_path) as made:
        await made.init()
        yield made
