"""What all tests share."""

import os
from pathlib import Path

import pytest
from hypothesis import settings

# Machines differ in speed; a law does not depend on it. `make test-fast` takes `fast`.
settings.register_profile("default", deadline=None)
settings.register_profile("fast", deadline=None, max_examples=20)
settings.load_profile("default")

pytest_plugins = ["tests.stack_fixture", "tests.strict_skips"]


STARTS_A_SERVER = frozenset({"lite", "own", "cloud_server", "ollama_server"})


@pytest.hookimpl(tryfirst=True)  # before `-m` chooses
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Every test that takes a server's fixture is slow, whether its file says so or not."""
    for item in items:
        if not STARTS_A_SERVER.isdisjoint(getattr(item, "fixturenames", ())):
            item.add_marker("slow")


@pytest.fixture(autouse=True)
def _only_its_own_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    """No HOTSWAP__… variable or configuration of the person at the keyboard leaks in."""
    for name in [name for name in os.environ if name.startswith(("HOTSWAP__", "HOTSWAP_CONFIG"))]:
        monkeypatch.delenv(name)


@pytest.fixture(scope="session")
def fixtures() -> Path:
    """The folder of recorded and hand-made data."""
    return Path(__file__).parent / "fixtures"
