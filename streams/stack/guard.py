"""Takes a stack down when a process is gone, however it went.

Runs as a process of its own (`python -m streams.stack.guard HOME PID STARTED`), one per stack,
and sleeps until the kernel reports the end of the process it watches (pidfd_open(2)).
"""

import os
import select
import sys
from pathlib import Path

from streams.stack import process
from streams.stack.home import Home
from streams.stack.starter import own_environment

__all__ = ["dismiss", "start"]

_NAME = "guard"


def start(home: Home, pid: int) -> None:
    """Let the stack go down with `pid`; replaces a guard that watches another process."""
    watched = process.identify(pid)
    if watched is None:
        raise ProcessLookupError(f"there is no process {pid}")
    target = f"{watched.pid} {watched.started}"
    state = home.state()
    running = state.processes.get(_NAME)
    if running and process.alive(running) and state.notes.get("guard-watches") == target:
        return
    dismiss(home)
    command = (sys.executable, "-m", "streams.stack.guard", str(home.path), *target.split())
    identity = process.spawn(
        command, env=own_environment(), cwd=home.path, log=home.log(_NAME), owner=home.owner
    )
    with home.change() as state:
        state.processes[_NAME] = identity
        state.notes["guard-watches"] = target


def dismiss(home: Home) -> None:
    """End the guard, unless we are it."""
    running = home.state().processes.get(_NAME)
    if running is None:
        return
    if running.pid != os.getpid():
        process.kill(running)
    with home.change() as state:
        state.processes.pop(_NAME, None)


def _watch(pid: int, started: int) -> None:
    try:
        handle = os.pidfd_open(pid)
    except ProcessLookupError:
        return
    try:
        now = process.identify(pid)
        if now is not None and now.started == started:
            select.select([handle], [], [])
    finally:
        os.close(handle)


if __name__ == "__main__":
    from streams.stack.stack import Stack

    _watch(int(sys.argv[2]), int(sys.argv[3]))
    Stack(Path(sys.argv[1])).down()
