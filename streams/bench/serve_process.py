"""`hotswap serve` as a process of its own, for a bench."""

import asyncio
import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import httpx
import orjson

from streams.config import Settings
from streams.errors import TransientError

__all__ = ["open_serve"]

_PREFIX = "HOTSWAP__"
_STARTS_SECONDS = 60.0
_ENDS_SECONDS = 15.0
_LOOK_SECONDS = 0.05
_TAIL = 400


@dataclass(frozen=True, slots=True)
class _Started:
    """The process, and the file that it writes to."""

    process: subprocess.Popen[bytes]
    log: Path

    def address(self) -> str | None:
        """Where it listens, once it does.

        Raises: TransientError if it has ended.
        """
        said = self.log.read_text(errors="replace")
        if self.process.poll() is not None:
            raise TransientError(
                f"serve ended with status {self.process.returncode}: {said[-_TAIL:]}"
            )
        found = re.search(r"listening on (http://\S+)", said)
        return found[1] if found else None


@asynccontextmanager
async def open_serve(
    settings: Settings, secrets: Mapping[str, str]
) -> AsyncIterator[httpx.AsyncClient]:
    """A client of a `hotswap serve` that is ready; it is ended with the block.

    Args:
        settings: what it goes by; `serve.port` may be 0.
        secrets: environment variables that the settings name.

    Raises: TransientError if it ends, or is not ready in time.
    """
    with _started({**_environment(settings), **secrets}) as started:
        url = await _ready(started)
        async with httpx.AsyncClient(base_url=url, timeout=30.0) as client:
            yield client


async def _ready(started: _Started) -> str:
    ends_at = time.monotonic() + _STARTS_SECONDS
    while time.monotonic() < ends_at:
        url = started.address()
        if url is not None and await _is_ready(url):
            return url
        await asyncio.sleep(_LOOK_SECONDS)
    raise TransientError(f"serve is not ready after {_STARTS_SECONDS:.0f} s")


async def _is_ready(url: str) -> bool:
    async with httpx.AsyncClient(base_url=url, timeout=5.0) as client:
        with suppress(httpx.TransportError):
            return (await client.get("/readyz")).is_success
    return False


def _environment(settings: Settings) -> dict[str, str]:
    """Ours, with these settings instead of those that it may hold for another system."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(_PREFIX)}
    sections = settings.model_dump(mode="json").items()
    return kept | {
        f"{_PREFIX}{name.upper()}": orjson.dumps(section).decode() for name, section in sections
    }


@contextmanager
def _started(environment: Mapping[str, str]) -> Iterator[_Started]:
    with tempfile.TemporaryDirectory(prefix="hotswap-bench-") as folder:
        file, log = Path(folder, "hotswap.toml"), Path(folder, "serve.log")
        file.touch()
        with log.open("wb") as output:
            process = subprocess.Popen(  # noqa: S603 - a fixed command, no shell
                (sys.executable, "-m", "streams.cli", "--config", str(file), "serve"),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                env=environment,
                # A terminal's Ctrl-C is for the bench, which ends its processes by itself.
                start_new_session=True,
            )
        try:
            yield _Started(process, log)
        finally:
            _end(process)


def _end(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(_ENDS_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
