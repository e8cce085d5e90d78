"""A small valid configuration that tests change one line of."""

import os
from pathlib import Path

import pytest

from tests.configuration import BASE


@pytest.fixture(autouse=True)
def _bare_environment(monkeypatch):
    for name in list(os.environ):
        if name.upper().startswith("HOTSWAP"):
            monkeypatch.delenv(name)


@pytest.fixture
def base() -> str:
    return BASE


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "hotswap.toml"
    path.write_text(BASE, encoding="utf-8")
    return path
