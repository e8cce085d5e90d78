"""Our two stand-ins, each as the process that it is in real life."""

import os
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from streams.stack import Stack, process
from streams.stack.home import Home
from streams.stack.starter import own_environment, tail
from tests.unit.stack.fake_parts import Fake

KEY = "sk-test-0123456789"


@contextmanager
def serving(module: str, folder: Path, *options: str) -> Iterator[str]:
    """Run a stand-in; yields its base URL."""
    port = Home(folder).port(module)
    log = folder / "log"
    identity = process.spawn(
        [sys.executable, "-m", module, "--port", str(port), *options],
        env={**own_environment(), "HOTSWAP_CLOUD_API_KEY": KEY},
        cwd=folder,
        log=log,
        owner=str(folder),
    )
    url = f"http://127.0.0.1:{port}"
    deadline = time.monotonic() + 60
    try:
        while not _answers(url):
            assert process.alive(identity), tail(log)
            assert time.monotonic() < deadline, tail(log)
            time.sleep(0.05)
        yield url
    finally:
        process.end(identity, first=signal.SIGTERM, patience=10)


def _answers(url: str) -> bool:
    try:
        return httpx.get(f"{url}/admin/stats", trust_env=False).is_success
    except httpx.TransportError:
        return False


@pytest.fixture(scope="session")
def cloud_server(tmp_path_factory):
    with serving("streams.stack.cloud", tmp_path_factory.mktemp("cloud")) as url:
        yield url


@pytest.fixture(scope="session")
def ollama_server(tmp_path_factory):
    with serving("streams.stack.ollama_standin", tmp_path_factory.mktemp("ollama")) as url:
        yield url


def _fresh(client: httpx.Client) -> None:
    client.delete("/admin/faults").raise_for_status()
    client.delete("/admin/stats").raise_for_status()


@pytest.fixture
def cloud(cloud_server):
    """A client of the cloud stand-in, which has no faults and no counts at first."""
    headers = {"Authorization": f"Bearer {KEY}"}
    with httpx.Client(base_url=cloud_server, headers=headers, trust_env=False) as client:
        _fresh(client)
        yield client


@pytest.fixture
def ollama(ollama_server):
    """A client of the Ollama stand-in, which has no faults and no counts at first."""
    with httpx.Client(base_url=ollama_server, trust_env=False) as client:
        _fresh(client)
        yield client


@pytest.fixture(autouse=True)
def _no_ollama_of_the_machine(monkeypatch):
    monkeypatch.delenv("OLLAMA_HOST", raising=False)
    monkeypatch.delenv("HOTSWAP_OLLAMA", raising=False)
    monkeypatch.delenv("HOTSWAP_HOME", raising=False)
    monkeypatch.setenv("PATH", f"{Path(sys.executable).parent}{os.pathsep}/usr/bin:/bin")


@pytest.fixture
def make(tmp_path, monkeypatch):
    """Make a stack of fake parts, on the same home each time."""
    stacks = []

    def made(*parts: Fake, **options) -> Stack:
        def all_parts(*, fast_compaction):
            del fast_compaction
            return {part.name: part for part in parts}

        monkeypatch.setattr("streams.stack.stack.all_parts", all_parts)
        stacks.append(Stack(tmp_path / "home", **options))
        return stacks[-1]

    yield made
    for stack in stacks:
        stack.down()
