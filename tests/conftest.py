"""What all tests share."""

import os
from pathlib import Path

import pytest
from hypothesis import settings

# Machines differ in speed; a law does not depend on it.
settings.register_profile("default", deadline=None)
settings.load_profile("default")

pytest_plugins = ["tests.stack_fixture", "tests.strict_skips"]


@pytest.fixture(autouse=True)
def _only_its_own_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    """No HOTSWAP__… variable or configuration of the person at the keyboard leaks in."""
    for name in [name for name in os.environ if name.startswith(("HOTSWAP__", "HOTSWAP_CONFIG"))]:
        monkeypatch.delenv(name)


@pytest.fixture(scope="session")
def fixtures() -> Path:
    """The folder of recorded and hand-made data."""
    return Path(__file__).parent / "fixtures"
