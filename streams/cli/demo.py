"""`hotswap demo`: the whole flow on real parts, on this machine."""
# ruff: noqa: PLC0415 (`hotswap --help` must not wait for libraries it does not use)

from pathlib import Path
from typing import Annotated

import typer

from streams.cli import output
from streams.cli.exits import Exit
from streams.cli.lazy import STACK_PACKAGES, require
from streams.cli.quality import PACKAGES as QUALITY_PACKAGES

__all__ = ["command"]


def command(
    home: Annotated[
        Path,
        typer.Option("--home", help="A folder of the demo's own; it is emptied first."),
    ] = Path(".hotswap/demo"),
    documents: Annotated[
        int, typer.Option("--documents", min=100, max=1000, help="Articles to load.")
    ] = 800,
    *,
    keep: Annotated[bool, typer.Option("--keep", help="Leave the stack running.")] = False,
) -> None:
    """Run a whole migration on real parts: fill, verify, compare, ramp, roll back, finish.

    Types the commands of this program, one after the other, with shortened periods. Ends with
    status 0 only if each verify was clean, the gate was passed and no search failed.
    """
    require("hotswap demo", (*STACK_PACKAGES, *QUALITY_PACKAGES), "demo")
    from streams.demo.story import tell

    passed = tell(home.resolve(), output.console(), documents=documents, keep=keep)
    raise typer.Exit(Exit.OK if passed else Exit.FAILED)
