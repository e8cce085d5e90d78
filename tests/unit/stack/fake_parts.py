"""Parts that cost nothing: programs that say by a file that they are ready."""

import signal
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from threading import Event

from streams.stack import Stack, StackError, process
from streams.stack.home import Home
from streams.stack.part import External, Launch, Say, Step

__all__ = ["READY", "Fake", "left", "pids", "state", "until"]

READY = "import pathlib, time; pathlib.Path('ready').touch(); time.sleep(600)"


@dataclass
class Fake:
    """A part whose program says that it is ready by a file in its data folder."""

    name: str
    needs: tuple[str, ...] = ()
    code: str = READY
    deadline: float = 20.0
    steps: tuple[str, ...] = ()
    fetch_error: str = ""
    external: bool = False
    stop: signal.Signals = signal.SIGTERM
    patience: float = 5.0

    @property
    def ports(self) -> tuple[str, ...]:
        return (self.name,)

    def fetch(self, say: Say, cancel: Event) -> None:
        assert not cancel.is_set()
        say("1 of 1")
        if self.fetch_error:
            raise StackError(self.name, self.fetch_error)

    def launch(self, home: Home) -> Launch | External:
        if self.external:
            return External("runs elsewhere")
        (home.data(self.name) / "ready").unlink(missing_ok=True)
        return Launch(
            command=(sys.executable, "-c", self.code),
            env={"GREETING": self.name},
            files={home.etc(self.name) / "conf": f"port={home.port(self.name)}\n"},
            steps=tuple(
                Step((sys.executable, "-c", code), makes=home.data(self.name) / "made")
                for code in self.steps
            ),
            detail=f"a fake {self.name}",
        )

    def missing(self, home: Home) -> str | None:
        if self.external or (home.data(self.name) / "ready").exists():
            return None
        return "no file yet"


def until(condition: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < deadline, f"waited in vain until {what}"
        time.sleep(0.02)


def state(stack: Stack) -> dict[str, str]:
    return {part.part: part.state for part in stack.status().parts}


def pids(stack: Stack) -> dict[str, int | None]:
    return {part.part: part.pid for part in stack.status().parts}


def left(stack: Stack) -> dict[int, int]:
    return process.owned(str(stack.home))
