"""What every command starts with: the global options, and the settings they lead to."""
# ruff: noqa: PLC0415 (`hotswap --help` must not wait for libraries it does not use)

import asyncio
import gc
from collections.abc import Coroutine
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import typer

if TYPE_CHECKING:
    from streams.config import Settings

__all__ = ["Json", "Options", "operator", "run", "settings"]

Result = TypeVar("Result")

Json = Annotated[
    bool, typer.Option("--json", help="Print JSON, and nothing else, on standard output.")
]
"""The option that every command which prints data takes."""


@dataclass(frozen=True, slots=True)
class Options:
    """The options before the command."""

    config: Path | None = None
    verbose: bool = False


def settings(context: typer.Context) -> "Settings":
    """Read the configuration that the global options name.

    Raises: ConfigurationError.
    """
    from streams.config.load import load

    return load(options(context).config)


def options(context: typer.Context) -> Options:
    """The global options of this run."""
    found = context.find_object(Options)
    return found or Options()


def run(work: Coroutine[Any, Any, Result]) -> Result:
    """Run a command's coroutine to its end; Ctrl-C cancels it and lets it clean up.

    What is loaded by then stays. The garbage collector leaves it out: looking through it all takes
    a tenth of a second, and a busy worker makes it look once or twice a second.
    """
    gc.freeze()
    try:
        return asyncio.run(work)
    finally:
        gc.unfreeze()


def operator() -> str:
    """Who is at the keyboard, for the control log and for resolutions."""
    import getpass
    import socket

    try:
        user = getpass.getuser()
    except (KeyError, OSError):  # a container's user need not have a name
        user = "hotswap"
    return f"{user}@{socket.gethostname()}"
