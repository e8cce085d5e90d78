"""The operator's terminal: `hotswap` commands as one types them, each shown and then really run."""

import asyncio
import shlex
import signal
import sys
from collections.abc import AsyncIterator, Collection, Mapping
from contextlib import asynccontextmanager

from streams.demo.screen import Screen
from streams.errors import TransientError
from streams.stack import process
from streams.stack.home import Home
from streams.stack.starter import own_environment

__all__ = ["DONE", "HELD", "INCONCLUSIVE", "Terminal"]

DONE, HELD, INCONCLUSIVE = 0, 4, 6
"""Exit statuses, as `hotswap --help` has them."""

_HOTSWAP = (sys.executable, "-m", "streams.cli")
_STOP_SECONDS = 40.0


class Terminal:
    """Types commands in the folder of the demo.

    Args:
        screen: where a command is shown; what it prints goes to the same terminal by itself.
        home: the demo's folder. Its processes carry its mark, so that they end with it.
        variables: environment variables that a command needs.
    """

    def __init__(self, screen: Screen, home: Home, variables: Mapping[str, str]) -> None:
        self._screen = screen
        self._home = home
        self._env = process.marked({**own_environment(), **variables}, home.owner)

    async def run(self, *words: str, expect: Collection[int] = (DONE,)) -> int:
        """Run `hotswap WORDS` to its end; its exit status.

        Raises: TransientError if it is none of `expect`.
        """
        typed = shlex.join(("hotswap", *words))
        self._screen.typed(typed)
        child = await asyncio.create_subprocess_exec(
            *_HOTSWAP,
            *words,
            stdin=asyncio.subprocess.DEVNULL,
            env=self._env,
            cwd=self._home.path,
            process_group=0,  # Ctrl-C is for the demo, which passes it on, once
        )
        try:
            status = await child.wait()
        except asyncio.CancelledError:
            await _interrupt(child)
            raise
        if status not in expect:
            raise TransientError(f"`{typed}` ended with status {status}")
        return status

    @asynccontextmanager
    async def running(self, name: str, *words: str) -> AsyncIterator[None]:
        """Run `hotswap WORDS` beside the block, with its output in the log file `name`."""
        self._screen.typed(f"{shlex.join(('hotswap', *words))} &")
        identity = process.spawn(
            (*_HOTSWAP, *words),
            env=self._env,
            cwd=self._home.path,
            log=self._home.log(name),
            owner=self._home.owner,
        )
        try:
            yield
        finally:
            await asyncio.to_thread(process.end, identity, signal.SIGTERM, _STOP_SECONDS)


async def _interrupt(child: asyncio.subprocess.Process) -> None:
    """Let a command end as by Ctrl-C."""
    if child.returncode is None:
        child.send_signal(signal.SIGINT)
    try:
        await asyncio.wait_for(child.wait(), _STOP_SECONDS)
    except TimeoutError:
        child.kill()
        await child.wait()
