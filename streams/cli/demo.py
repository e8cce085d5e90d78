"""`hotswap demo`: the whole flow on real parts, on this machine."""
# ruff: noqa: PLC0415 (`hotswap --help` must not wait for libraries it does not use)

from pathlib import Path
from typing import Annotated

import typer

from streams.cli import output
from streams.cli.exits import Exit
from streams.cli.lazy import STACK_PACKAGES, require

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
    """Run the whole flow on real parts: fill both lanes, change rows, verify every id.

    Ends with status 0 only if both lanes are clean.
    """
    require("hotswap demo", STACK_PACKAGES, "stack")
    from streams.demo.story import tell

    clean = tell(home.resolve(), output.console(), documents=documents, keep=keep)
    raise typer.Exit(Exit.OK if clean else Exit.FAILED)
