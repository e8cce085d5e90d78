"""How one part is brought up and ended: download, write files, first-time steps, run, wait.

Knows nothing of the order among parts. Everything a part prints is in its log.
"""

import os
import shutil
import time
from datetime import UTC, datetime
from pathlib import Path
from threading import Event

import streams
from streams.stack import process
from streams.stack.errors import Cancelled, StackError
from streams.stack.home import Home, port_is_free
from streams.stack.part import External, Part, Say, Step
from streams.stack.process import Identity

__all__ = ["bring_up", "end", "identity_of", "own_environment", "tail", "wait_until_ready"]

_POLL_SECONDS = 0.1
_STEP_SECONDS = 120.0
_PORT_SECONDS = 3.0
_LOG_BYTES = 32 * 1024 * 1024
_TAIL_LINES = 15
_HEAD = "==== hotswap "

# What a shell may have set for other Java programs, Kafkas or Postgres clients.
_NOT_INHERITED = ("CLASSPATH", "JAVA_TOOL_OPTIONS", "JDK_JAVA_OPTIONS", "_JAVA_OPTIONS")


def identity_of(part: str, home: Home) -> Identity | None:
    """The part's process if it runs."""
    identity = home.state().processes.get(part)
    return identity if identity and process.alive(identity) else None


def bring_up(part: Part, home: Home, say: Say, cancel: Event) -> None:
    """Start a part that does not run; returns once its process runs, ready or not.

    Raises:
        StackError: it can not be started.
        Cancelled: `cancel` was set meanwhile.
    """
    _choose_ports(part, home, say, cancel)
    launch = part.launch(home)
    with home.change() as state:
        state.notes[f"{part.name}-detail"] = launch.detail
        state.notes[f"{part.name}-external"] = "yes" if isinstance(launch, External) else ""
    if isinstance(launch, External):
        return
    log = home.log(part.name)
    _rotate(log)
    env = {**own_environment(), **launch.env}
    for file, text in launch.files.items():
        file.write_text(text, encoding="utf-8")
    for step in launch.steps:
        _run_once(step, part.name, home, env, cancel)
    _check(cancel)
    _head(log, launch.command)
    try:
        identity = process.spawn(
            launch.command, env=env, cwd=home.data(part.name), log=log, owner=home.owner
        )
    except OSError as error:
        raise StackError(part.name, f"can not be executed: {error}", log=log) from error
    with home.change() as state:
        state.processes[part.name] = identity


def wait_until_ready(part: Part, home: Home, cancel: Event) -> None:
    """Wait until a part that was started answers.

    Raises:
        StackError: it ended, or its deadline passed; with the last lines of its log.
        Cancelled: `cancel` was set meanwhile.
    """
    log = home.log(part.name)
    identity = home.state().processes.get(part.name)
    deadline = time.monotonic() + part.deadline
    while missing := part.missing(home):
        _check(cancel)
        if identity is not None and not process.alive(identity):
            raise StackError(part.name, "ended while starting", log=log, tail=tail(log))
        if time.monotonic() > deadline:
            raise StackError(
                part.name,
                f"not ready after {part.deadline:.0f} s: {missing}",
                log=log,
                tail=tail(log),
            )
        time.sleep(_POLL_SECONDS)


def end(part: Part, home: Home) -> bool:
    """End a part's process, if it is ours and runs; True if it had to be killed."""
    identity = home.state().processes.get(part.name)
    if identity is None:
        return False
    gentle = process.end(identity, part.stop, part.patience)
    with home.change() as state:
        state.processes.pop(part.name, None)
    return not gentle


def tail(log: Path, lines: int = _TAIL_LINES) -> str:
    """The last lines of a log, of its latest start only."""
    try:
        with log.open("rb") as file:
            file.seek(max(0, log.stat().st_size - 64_000))
            text = file.read().decode("utf-8", errors="replace")
    except FileNotFoundError:
        return ""
    return "\n".join(text.rpartition(_HEAD)[2].splitlines()[-lines:])


def _head(log: Path, command: tuple[str, ...]) -> None:
    with log.open("a", encoding="utf-8") as file:
        file.write(f"{_HEAD}{datetime.now(UTC).isoformat(timespec='seconds')} {command[0]}\n")


def _rotate(log: Path) -> None:
    if log.exists() and log.stat().st_size > _LOG_BYTES:
        log.replace(log.with_suffix(".log.1"))


def own_environment() -> dict[str, str]:
    """Our environment, cleaned, in which `python -m streams…` works."""
    env = {name: value for name, value in os.environ.items() if name not in _NOT_INHERITED}
    # Our own servers are run with `python -m`, also from a source tree that is not installed.
    root = str(Path(streams.__file__).parents[1])
    env["PYTHONPATH"] = os.pathsep.join(filter(None, (root, env.get("PYTHONPATH"))))
    return env


def _choose_ports(part: Part, home: Home, say: Say, cancel: Event) -> None:
    for name in part.ports:
        port = home.port(name)
        deadline = time.monotonic() + _PORT_SECONDS
        while not (free := port_is_free(port)) and time.monotonic() < deadline:
            _check(cancel)
            time.sleep(_POLL_SECONDS)
        if not free:
            say(f"port {port} is taken, {home.port(name, fresh=True)} instead")


def _run_once(step: Step, part: str, home: Home, env: dict[str, str], cancel: Event) -> None:
    done = step.makes.with_name(f"{step.makes.name}.done")
    if done.exists():
        return
    if step.makes.exists():
        shutil.rmtree(step.makes)
    log = home.log(part)
    _head(log, step.command)
    identity = process.spawn(
        step.command, env=env, cwd=step.makes.parent, log=log, owner=home.owner
    )
    deadline = time.monotonic() + _STEP_SECONDS
    while (status := process.exit_status(identity)) is None:
        if cancel.is_set() or time.monotonic() > deadline:
            process.kill(identity)
            _check(cancel)
            raise StackError(part, "could not be set up in time", log=log, tail=tail(log))
        time.sleep(_POLL_SECONDS)
    if status != 0:
        raise StackError(
            part, f"could not be set up (exit status {status})", log=log, tail=tail(log)
        )
    done.touch()


def _check(cancel: Event) -> None:
    if cancel.is_set():
        raise Cancelled
