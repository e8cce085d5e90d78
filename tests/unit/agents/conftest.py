from collections.abc import AsyncIterator

import pytest

from tests.unit.agents.ledger_rig import Rig, new_rig


@pytest.fixture
async def rig(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Rig]:
    """A consumer that has just joined its group and has one partition, in generation 1."""
    with new_rig(monkeypatch) as made:
        await made.assign(generation=1)
        yield made
