"""What a part is, to the starter: a description of commands, files and checks, and no deeds."""

import signal
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from threading import Event
from typing import Protocol

from streams.stack.home import Home

__all__ = ["External", "Launch", "Part", "Say", "Step"]

Say = Callable[[str], None]
"""Takes a line about progress, for people."""


@dataclass(frozen=True, slots=True)
class Step:
    """A command that makes the folder `makes` once, before the first start.

    It is run again, on a clean slate, if it did not end well the last time.
    """

    command: tuple[str, ...]
    makes: Path


@dataclass(frozen=True, slots=True)
class Launch:
    """How to start a part: write `files`, run `steps`, then run `command` and leave it."""

    command: tuple[str, ...]
    env: Mapping[str, str] = field(default_factory=dict)
    files: Mapping[Path, str] = field(default_factory=dict)
    steps: tuple[Step, ...] = ()
    detail: str = ""


@dataclass(frozen=True, slots=True)
class External:
    """A part that somebody else runs already; it is used and never stopped."""

    detail: str


class Part(Protocol):
    """One part of the stack."""

    @property
    def name(self) -> str:
        """What it is called, in commands and file names."""
        ...

    @property
    def needs(self) -> tuple[str, ...]:
        """Parts that have to be ready before this one is started."""
        ...

    @property
    def ports(self) -> tuple[str, ...]:
        """Names of its ports; the first is the one that others use."""
        ...

    @property
    def stop(self) -> signal.Signals:
        """The signal that asks it to end."""
        ...

    @property
    def patience(self) -> float:
        """Seconds it has to end after that."""
        ...

    @property
    def deadline(self) -> float:
        """Seconds it has to be ready after its start."""
        ...

    def fetch(self, say: Say, cancel: Event) -> None:
        """Bring what has to be downloaded; quick when it is there already.

        Raises: StackError; Cancelled soon after `cancel` is set.
        """
        ...

    def launch(self, home: Home) -> Launch | External:
        """Describe the start, with the ports that `home` remembers.

        Raises: StackError if something it stands on is not installed.
        """
        ...

    def missing(self, home: Home) -> str | None:
        """What keeps it from being ready, in words; None if it answers. Returns soon."""
        ...
