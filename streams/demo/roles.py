"""The roles, as `hotswap up` would run them, with their output in log files."""

import asyncio
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import TextIO

from streams.services.supervision import Child, supervise

__all__ = ["running_roles"]


@asynccontextmanager
async def running_roles(
    configuration: Path, lanes: Sequence[str], logs: Path
) -> AsyncIterator[None]:
    """Run `normalise`, all lanes and `serve` until the block ends, then stop them."""
    hotswap = (sys.executable, "-m", "streams.cli", "--config", str(configuration))
    children = [
        Child("normalise", (*hotswap, "worker", "normalise")),
        *(Child(f"embed-{lane}", (*hotswap, "worker", "embed", lane)) for lane in lanes),
        Child("serve", (*hotswap, "serve")),
    ]
    stop = asyncio.Event()
    async with AsyncExitStack() as exits:
        files: dict[str, TextIO] = {
            child.role: exits.enter_context((logs / f"{child.role}.log").open("a"))
            for child in children
        }

        def write(role: str, line: str) -> None:
            files[role].write(line + "\n")
            files[role].flush()

        supervisor = asyncio.create_task(supervise(children, write, stop))
        try:
            yield
        finally:
            stop.set()
            await supervisor
