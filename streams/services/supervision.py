"""All roles of one machine as child processes under one supervisor.

A role that ends is started again, after a pause that grows while it keeps ending early,
unless it says that its configuration is wrong: that does not mend itself. A stop is passed
on, and waited for. Roles share nothing, so one that can not start does not hold up others.
"""

import asyncio
import logging
import signal
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass

__all__ = ["Child", "supervise"]

_log = logging.getLogger(__name__)

_STOP_SECONDS = 30.0
_STEADY_SECONDS = 30.0
_FIRST_PAUSE_SECONDS = 0.5
_LONGEST_PAUSE_SECONDS = 15.0
_WRONG_CONFIGURATION = 2


@dataclass(frozen=True, slots=True)
class Child:
    """A role and the command that runs it."""

    role: str
    command: Sequence[str]


async def supervise(
    children: Sequence[Child], on_line: Callable[[str, str], None], stop: asyncio.Event
) -> int:
    """Run all children until `stop` is set, then end them; or until none is worth starting.

    Returns: 0, or the status of a child whose configuration is wrong.

    Args:
        children: what to run.
        on_line: given the role and each line that its process prints.
        stop: set it to end; children get SIGTERM, and SIGKILL after 30 s.
    """
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(_keep_running(child, on_line, stop)) for child in children]
    return max(task.result() for task in tasks)


async def _keep_running(
    child: Child, on_line: Callable[[str, str], None], stop: asyncio.Event
) -> int:
    pause = _FIRST_PAUSE_SECONDS
    clock = asyncio.get_running_loop().time
    while not stop.is_set():
        started = clock()
        status = await _run(child, on_line, stop)
        if stop.is_set():
            return 0
        if status == _WRONG_CONFIGURATION:
            on_line(child.role, "is not started again: correct its configuration first")
            return status
        lasted = clock() - started
        pause = _FIRST_PAUSE_SECONDS if lasted > _STEADY_SECONDS else pause
        on_line(child.role, f"ended with status {status}; starting again in {pause:.1f} s")
        with suppress(TimeoutError):
            await asyncio.wait_for(stop.wait(), pause)
        pause = min(2 * pause, _LONGEST_PAUSE_SECONDS)
    return 0


async def _run(child: Child, on_line: Callable[[str, str], None], stop: asyncio.Event) -> int:
    process = await asyncio.create_subprocess_exec(
        *child.command,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        # A terminal's Ctrl-C reaches the whole foreground group; children must get
        # one SIGTERM, from here, and not a SIGINT of their own.
        start_new_session=True,
    )
    on_line(child.role, f"started, process {process.pid}")
    lines = asyncio.create_task(_pass_on(process, child.role, on_line))
    ended = asyncio.create_task(process.wait())
    stopped = asyncio.create_task(stop.wait())
    try:
        await asyncio.wait({ended, stopped}, return_when=asyncio.FIRST_COMPLETED)
    finally:
        stopped.cancel()
        await _end(process, ended)
        await lines
    return process.returncode if process.returncode is not None else -1


async def _end(process: asyncio.subprocess.Process, ended: asyncio.Task[int]) -> None:
    if process.returncode is None:
        with suppress(ProcessLookupError):
            process.send_signal(signal.SIGTERM)
    try:
        await asyncio.wait_for(asyncio.shield(ended), _STOP_SECONDS)
    except TimeoutError:
        _log.warning("process %d did not end within %.0f s; killing it", process.pid, _STOP_SECONDS)
        process.kill()
        await ended


async def _pass_on(
    process: asyncio.subprocess.Process, role: str, on_line: Callable[[str, str], None]
) -> None:
    assert process.stdout is not None  # noqa: S101 - it was asked for
    async for line in process.stdout:
        on_line(role, line.decode(errors="replace").rstrip())
