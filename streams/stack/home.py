"""The folder that a stack owns: where things are in it, and what is remembered in state.json.

Remembered are the ports (so that a part that was killed comes back at its address), the
processes, and a few words per part. Knows nothing of what the parts are.
"""

import fcntl
import os
import secrets
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Lock

from pydantic import BaseModel, Field

from streams.stack.errors import StackError
from streams.stack.process import Identity

__all__ = ["Home", "State", "port_is_free"]

# Below the range that Linux hands out to outgoing connections (ip_local_port_range starts at
# 32768), or a connection could sit on the port of a part that is down for a moment.
_PORTS = range(20_000, 32_000)


class State(BaseModel):
    """What state.json holds."""

    ports: dict[str, int] = Field(default_factory=dict)
    processes: dict[str, Identity] = Field(default_factory=dict)
    notes: dict[str, str] = Field(default_factory=dict)


class Home:
    """One stack's folder: `state.json`, `data/PART/`, `logs/PART.log`, `etc/PART/`."""

    def __init__(self, path: Path) -> None:
        self.path = path.expanduser().resolve()
        self._state_lock = Lock()
        self._operation_lock = Lock()

    def data(self, part: str) -> Path:
        """Where a part keeps what must outlast a restart."""
        return self._folder("data", part)

    def etc(self, part: str) -> Path:
        """Where a part's configuration is written before each start."""
        return self._folder("etc", part)

    def log(self, part: str) -> Path:
        """A part's log file."""
        return self._folder("logs") / f"{part}.log"

    def state(self) -> State:
        """What is remembered; an empty state in a new folder.

        Raises: StackError if the file is not one that this program wrote.
        """
        file = self.path / "state.json"
        try:
            return State.model_validate_json(file.read_bytes())
        except FileNotFoundError:
            return State()
        except ValueError as error:
            raise StackError(
                "stack", f"{file} can not be read; move it away and start again"
            ) from error

    @contextmanager
    def change(self) -> Iterator[State]:
        """Change the state: read, yield, and write back whole, one writer at a time."""
        with self._state_lock, self._locked("state.lock"):
            state = self.state()
            yield state
            fresh = self.path / "state.json.new"
            fresh.write_text(state.model_dump_json(indent=2), encoding="utf-8")
            fresh.chmod(0o600)
            fresh.replace(self.path / "state.json")

    @contextmanager
    def exclusive(self) -> Iterator[None]:
        """Hold the stack for one operation; others, in any process, wait. Not to be nested."""
        with self._operation_lock, self._locked("operation.lock"):
            yield

    def port(self, name: str, *, fresh: bool = False) -> int:
        """The port remembered under `name`; a free one is chosen and remembered at first."""
        with self.change() as state:
            if fresh or name not in state.ports:
                state.ports[name] = _free_port(taken=set(state.ports.values()))
            return state.ports[name]

    def note(self, name: str, default: str) -> str:
        """The text remembered under `name`; `default` is remembered at first."""
        with self.change() as state:
            return state.notes.setdefault(name, default)

    @property
    def owner(self) -> str:
        """What the stack's processes carry in their environment."""
        return str(self.path)

    def _folder(self, *names: str) -> Path:
        folder = self.path.joinpath(*names)
        folder.mkdir(parents=True, exist_ok=True)
        return folder

    @contextmanager
    def _locked(self, name: str) -> Iterator[None]:
        file = os.open(self._folder() / name, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield
        finally:
            os.close(file)


def port_is_free(port: int) -> bool:
    """Whether a server could listen on this port of loopback now."""
    with socket.socket() as probe:
        # As servers do, so that connections that are still fading away do not count.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def _free_port(taken: set[int]) -> int:
    for _ in range(len(_PORTS)):
        port = secrets.choice(_PORTS)
        if port not in taken and port_is_free(port):
            return port
    raise StackError("stack", f"no free port between {_PORTS.start} and {_PORTS.stop}")
