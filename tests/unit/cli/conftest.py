"""The command line over systems in memory."""

import os
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import orjson
import pytest
from typer.main import get_command
from typer.testing import CliRunner

from streams.adapters.memory_connect import MemoryConnect
from streams.adapters.memory_embedder import MemoryEmbedder
from streams.adapters.memory_log import MemoryLog
from streams.adapters.memory_store import MemoryStore
from streams.cli.exits import Exit
from streams.cli.main import app
from streams.services.connector import POSTGRES

CONFIGURATION = """\
[kafka.topics]
documents_partitions = 2

[[sources]]
name = "articles"
topic = "cdc.public.articles"
key = ["id"]
text = "{title}"

[lanes.cloud]
provider = "openai"
model = "big"
dimensions = 8
api_key = { env = "CLOUD_KEY" }

[lanes.ollama]
provider = "ollama"
hosts = ["http://127.0.0.1:11434"]
model = "small"

[connect.config]
"database.hostname" = "127.0.0.1"
"""


@dataclass(frozen=True)
class Outcome:
    status: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """Standard output, which must be one JSON value and nothing else."""
        return orjson.loads(self.out)


Hotswap = Callable[..., Outcome]


@dataclass
class Systems:
    log: MemoryLog = field(default_factory=MemoryLog)
    store: MemoryStore = field(default_factory=MemoryStore)
    connect: MemoryConnect = field(default_factory=lambda: MemoryConnect([POSTGRES]))
    embedders: dict[str, MemoryEmbedder] = field(
        default_factory=lambda: {"cloud": MemoryEmbedder(8), "ollama": MemoryEmbedder(16)}
    )


once_for_all = cache(get_command)
"""The runner makes all commands anew at each call, which takes longer than most of them do."""


@pytest.fixture
def systems(monkeypatch) -> Systems:
    """What `streams.services.open` opens for the length of a test."""
    here = Systems()
    opened = "streams.services.open.open_"
    monkeypatch.setattr(f"{opened}log", lambda _settings: here.log)
    monkeypatch.setattr(f"{opened}store", lambda _settings: here.store)
    monkeypatch.setattr(f"{opened}connect", lambda _settings: here.connect)
    monkeypatch.setattr(
        f"{opened}embedder", lambda _settings, lane, _pinned=None: here.embedders[lane]
    )
    # What is in memory needs no time to begin.
    monkeypatch.setattr("streams.services.preflight.probes._HEAD_START_SECONDS", 0.0)
    return here


@pytest.fixture
def hotswap(tmp_path, monkeypatch) -> Hotswap:
    """Run a command in a folder with a `hotswap.toml`."""
    for name in list(os.environ):
        if name.upper().startswith("HOTSWAP"):
            monkeypatch.delenv(name)
    monkeypatch.setattr("typer.testing._get_command", once_for_all)
    monkeypatch.setenv("CLOUD_KEY", "hunter2")
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.chdir(tmp_path)
    (tmp_path / "hotswap.toml").write_text(CONFIGURATION, encoding="utf-8")

    def run(*arguments: str) -> Outcome:
        result = CliRunner().invoke(app, arguments)
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        return Outcome(result.exit_code, result.stdout, result.stderr)

    return run


@pytest.fixture
def initialised(hotswap, systems):
    assert hotswap("init").status == Exit.OK
    return systems
