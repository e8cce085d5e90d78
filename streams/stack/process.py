"""Processes that outlive the command that started them, and how to find and end them again.

Knows nothing of the parts. A process is recorded by pid, start time and boot, so that a
recycled pid is never mistaken for it; what came from it is found by session and by parent, so
that nothing is left behind. Linux only: it reads `/proc` (proc_pid_stat(5)).
"""

import os
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import NamedTuple

from pydantic import BaseModel, ConfigDict

__all__ = [
    "Identity",
    "alive",
    "end",
    "exit_status",
    "identify",
    "kill",
    "kill_owned",
    "marked",
    "owned",
    "send",
    "spawn",
    "tree",
]

_OWNER = "HOTSWAP_STACK_OWNER"
_POLL_SECONDS = 0.02

# Our own children are kept in mind so that they can be reaped: pid → exit status, once known.
_children: dict[int, int | None] = {}


class Identity(BaseModel):
    """One process, told apart from later ones with the same pid.

    `started` is in clock ticks since `boot`, the kernel's random id of the running boot.
    `owner` is in the environment of the process and all that came from it.
    """

    model_config = ConfigDict(frozen=True)

    pid: int
    started: int
    boot: str
    owner: str


class _Stat(NamedTuple):
    state: str
    parent: int
    session: int
    threads: int
    started: int

    @property
    def ended(self) -> bool:
        # While other threads are still on their way out, a zombie holds its files and ports.
        return self.state in "ZX" and self.threads <= 1


def spawn(
    command: Sequence[str], *, env: Mapping[str, str], cwd: Path, log: Path, owner: str
) -> Identity:
    """Start `command` in a session of its own, with all output appended to `log`.

    Raises: OSError if it can not be executed.
    """
    with log.open("ab") as output:
        child = subprocess.Popen(  # noqa: S603 - a fixed command, no shell
            list(command),
            env=marked(env, owner),
            cwd=cwd,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    # Popen only starts it. Told that it has ended, it will not warn when it is thrown away.
    child.returncode = 0
    _children[child.pid] = None
    identity = identify(child.pid, owner)
    # Until it is reaped, a child has an entry in /proc even if it ended at once.
    assert identity is not None  # noqa: S101
    return identity


def marked(env: Mapping[str, str], owner: str) -> dict[str, str]:
    """An environment that names the owner of whatever is started in it."""
    return {**env, _OWNER: owner}


def identify(pid: int, owner: str = "") -> Identity | None:
    """The identity of the process that has `pid` now; None if there is none."""
    stat = _stat(pid)
    if stat is None:
        return None
    return Identity(pid=pid, started=stat.started, boot=_boot(), owner=owner)


def alive(identity: Identity) -> bool:
    """Whether this very process runs; a zombie does not, and is reaped if it is our child."""
    if identity.boot == _boot() and _runs(identity.pid, identity.started):
        return True
    _reap(identity.pid)
    return False


def exit_status(identity: Identity) -> int | None:
    """The exit status of a child of ours that ended; None while it runs."""
    _reap(identity.pid)
    return _children.get(identity.pid)


def tree(identity: Identity) -> dict[int, int]:
    """Pid → start time of the process and all that came from it and still runs.

    Children in sessions of their own (Postgres' backends) count, and so do those whose parent
    is gone, as long as they name the same owner.
    """
    if identity.boot != _boot():
        return {}
    lives = alive(identity)
    stats = {pid: stat for pid in _pids() if (stat := _stat(pid)) and not stat.ended}
    found = {
        pid
        for pid, stat in stats.items()
        if (pid == identity.pid and lives)
        or (stat.session == identity.pid and (lives or owner_of(pid) == identity.owner))
    }
    while more := {pid for pid, stat in stats.items() if stat.parent in found} - found:
        found |= more
    return {pid: stats[pid].started for pid in found}


def send(processes: Mapping[int, int], number: signal.Signals) -> None:
    """Send a signal to each (pid → start time) that still runs."""
    for pid, started in processes.items():
        if _runs(pid, started):
            try:
                os.kill(pid, number)
            except ProcessLookupError:
                continue


def end(identity: Identity, first: signal.Signals, patience: float) -> bool:
    """Ask the process to end, then make it; True if it went by itself within `patience` s.

    A frozen process is thawed first, or it could not act on `first`.
    """
    known = tree(identity)
    send(known, signal.SIGCONT)
    if alive(identity):
        os.kill(identity.pid, first)
        if _gone(identity, known, patience):
            return True
    elif not known:
        return True
    kill(identity, known)
    return False


def kill(identity: Identity, known: Mapping[int, int] | None = None) -> None:
    """SIGKILL the process and all that came from it (and `known`), and wait until it is gone."""
    doomed = dict(known or {})
    while True:
        # Looked at again each time round: one of them may fork before its signal arrives.
        doomed |= tree(identity)
        send(doomed, signal.SIGKILL)
        if _gone(identity, doomed, 5.0) and not tree(identity):
            return


def owned(owner: str) -> dict[int, int]:
    """Pid → start time of all processes with this owner in their environment, but ourselves."""
    found = {}
    for pid in _pids():
        stat = _stat(pid)
        if stat and not stat.ended and pid != os.getpid() and owner_of(pid) == owner:
            found[pid] = stat.started
    return found


def kill_owned(owner: str) -> None:
    """SIGKILL all processes with this owner, but ourselves, and wait until they are gone."""
    while doomed := owned(owner):
        send(doomed, signal.SIGKILL)
        time.sleep(_POLL_SECONDS)


def owner_of(pid: int) -> str | None:
    """Who is named as the owner in the environment that a process was started with."""
    try:
        environment = Path(f"/proc/{pid}/environ").read_bytes()
    except OSError:
        return None
    for entry in environment.split(b"\0"):
        name, _, value = entry.partition(b"=")
        if name == _OWNER.encode():
            return os.fsdecode(value)
    return None


def _reap(pid: int) -> None:
    if _children.get(pid, 0) is None:
        try:
            ended, status = os.waitpid(pid, os.WNOHANG)
        except ChildProcessError:
            return
        if ended:
            _children[pid] = os.waitstatus_to_exitcode(status)


def _gone(identity: Identity, known: Mapping[int, int], patience: float) -> bool:
    deadline = time.monotonic() + patience
    while alive(identity) or any(_runs(pid, started) for pid, started in known.items()):
        if time.monotonic() > deadline:
            return False
        time.sleep(_POLL_SECONDS)
    return True


def _pids() -> list[int]:
    return [int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdigit()]


def _runs(pid: int, started: int) -> bool:
    stat = _stat(pid)
    return stat is not None and stat.started == started and not stat.ended


def _stat(pid: int) -> _Stat | None:
    try:
        text = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except (FileNotFoundError, ProcessLookupError):
        return None
    # The second field is the program's name in parentheses, and may hold anything itself.
    fields = text[text.rindex(")") + 2 :].split()
    return _Stat(fields[0], int(fields[1]), int(fields[3]), int(fields[17]), int(fields[19]))


@cache
def _boot() -> str:
    return Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
