"""All roles of one machine as child processes under one supervisor.

A role that ends is started again, after a pause that grows while it keeps ending early,
unless it says that its configuration is wrong: that does not mend itself. A stop is passed
on, and waited for. Roles share nothing, so one that can not start does not hold up others.
A role ends with its supervisor, even with one that is killed (`streams.services.lifeline`).
Which roles there are to be may change at any time; that is for a roster to say.
"""

import asyncio
import logging
import signal
from collections.abc import Awaitable, Callable, Sequence
from collections.abc import Set as AbstractSet
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Protocol

from streams.errors import HotswapError
from streams.services import lifeline

__all__ = ["Child", "Roster", "supervise"]

_log = logging.getLogger(__name__)

_STEADY_SECONDS = 30.0
_FIRST_PAUSE_SECONDS = 0.5
_LONGEST_PAUSE_SECONDS = 15.0
_WRONG_CONFIGURATION = 2

OnLine = Callable[[str, str], None]


@dataclass(frozen=True, slots=True)
class Child:
    """A role and the command that runs it."""

    role: str
    command: Sequence[str]


class Roster(Protocol):
    """Which children there are to be."""

    def children(self) -> Sequence[Child]:
        """Those that there are to be now, as far as is known."""
        ...

    async def differs(self, roles: AbstractSet[str]) -> None:
        """Return once `children` have other roles than these. Raises what makes an end of all."""
        ...

    async def confirm(self) -> None:
        """Return once `children` is up to date, or can not be brought there."""
        ...


class _Fixed:
    """A roster that never changes."""

    def __init__(self, children: Sequence[Child]) -> None:
        self._children = children

    def children(self) -> Sequence[Child]:
        return self._children

    async def differs(self, _roles: AbstractSet[str]) -> None:
        await asyncio.Event().wait()

    async def confirm(self) -> None:
        return


@dataclass(slots=True)
class _Kept:
    """A child that is kept running until `over` is set."""

    over: asyncio.Event = field(default_factory=asyncio.Event)
    task: asyncio.Task[int] | None = None


async def supervise(
    children: Sequence[Child] | Roster, on_line: OnLine, stop: asyncio.Event
) -> int:
    """Run all children until `stop` is set, then end them; or until none is worth starting.

    Returns: 0, or the status of a child whose configuration is wrong.

    Raises: what the roster raises, once all children have ended.

    Args:
        children: what to run. Of a roster, those that it names no longer are ended.
        on_line: given the role and each line that its process prints.
        stop: set it to end; children get SIGTERM, and SIGKILL after 30 s.
    """
    roster = _Fixed(children) if isinstance(children, Sequence) else children
    kept: dict[str, _Kept] = {}
    failure: Exception | None = None
    async with asyncio.TaskGroup() as group:
        try:
            while not stop.is_set():
                roles = _bring_about(roster, kept, group, on_line)
                running = {one.task for one in kept.values() if one.task and not one.task.done()}
                if kept and not running:
                    break
                await _first_of(stop.wait(), roster.differs(roles), tasks=running)
        except HotswapError as error:
            failure = error  # raised below: out of the group it would come as a group of one
        finally:
            for one in kept.values():
                one.over.set()
    if failure is not None:
        raise failure
    return max((one.task.result() for one in kept.values() if one.task), default=0)


def _bring_about(
    roster: Roster, kept: dict[str, _Kept], group: asyncio.TaskGroup, on_line: OnLine
) -> AbstractSet[str]:
    """Begin what is new on the roster, and end what is not on it any more; the roles on it."""
    wanted = {child.role: child for child in roster.children()}
    for role in kept.keys() - wanted.keys():
        kept[role].over.set()
    for role, child in wanted.items():
        if role not in kept:
            one = kept[role] = _Kept()
            one.task = group.create_task(_keep_running(child, on_line, one.over, roster))
    return wanted.keys()


async def _first_of(*waits: Awaitable[Any], tasks: set[asyncio.Task[int]]) -> None:
    """Return once one of them is done; raises what a wait raised."""
    waiting = {asyncio.ensure_future(wait) for wait in waits}
    try:
        await asyncio.wait({*waiting, *tasks}, return_when=asyncio.FIRST_COMPLETED)
        for wait in waiting:
            if wait.done():
                wait.result()
    finally:
        for wait in waiting:
            wait.cancel()
        await asyncio.gather(*waiting, return_exceptions=True)


async def _keep_running(
    child: Child,
    on_line: OnLine,
    over: asyncio.Event,
    roster: Roster,
) -> int:
    pause = _FIRST_PAUSE_SECONDS
    clock = asyncio.get_running_loop().time
    while not over.is_set():
        started = clock()
        status = await _run(child, on_line, over)
        if over.is_set() or (status == 0 and not await _is_wanted(child, roster)):
            return 0
        if status == _WRONG_CONFIGURATION:
            on_line(child.role, "is not started again: correct its configuration first")
            return status
        lasted = clock() - started
        pause = _FIRST_PAUSE_SECONDS if lasted > _STEADY_SECONDS else pause
        on_line(child.role, f"ended with status {status}; starting again in {pause:.1f} s")
        with suppress(TimeoutError):
            await asyncio.wait_for(over.wait(), pause)
        pause = min(2 * pause, _LONGEST_PAUSE_SECONDS)
    return 0


async def _is_wanted(child: Child, roster: Roster) -> bool:
    """Whether it ended in good order although it is wanted: it may have heard of that first."""
    await roster.confirm()
    return any(child.role == one.role for one in roster.children())


async def _run(child: Child, on_line: OnLine, over: asyncio.Event) -> int:
    process = await asyncio.create_subprocess_exec(
        *child.command,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        # A terminal's Ctrl-C reaches the whole foreground group; children must get
        # one SIGTERM, from here, and not a SIGINT of their own.
        start_new_session=True,
        env=lifeline.environment(),
    )
    on_line(child.role, f"started, process {process.pid}")
    lines = asyncio.create_task(_pass_on(process, child.role, on_line))
    ended = asyncio.create_task(process.wait())
    stopped = asyncio.create_task(over.wait())
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
        await asyncio.wait_for(asyncio.shield(ended), lifeline.STOP_SECONDS)
    except TimeoutError:
        _log.warning(
            "process %d did not end within %.0f s; killing it", process.pid, lifeline.STOP_SECONDS
        )
        process.kill()
        await ended


async def _pass_on(process: asyncio.subprocess.Process, role: str, on_line: OnLine) -> None:
    assert process.stdout is not None  # noqa: S101 - it was asked for
    async for line in process.stdout:
        on_line(role, line.decode(errors="replace").rstrip())
