"""The one place where errors become messages and exit statuses."""

import traceback
from typing import Any

import typer
from typer.core import TyperGroup

from streams.cli.exits import Exit, exit_for
from streams.errors import HotswapError

__all__ = ["HotswapGroup"]


class HotswapGroup(TyperGroup):
    """The top-level group: runs a command and explains why it ended.

    Whatever is not a HotswapError is a defect and keeps its traceback.
    """

    def invoke(self, ctx: Any) -> Any:  # noqa: ANN401 (Typer brings its own Click)
        """Run the command; raises `typer.Exit` with a status of `streams.cli.exits`."""
        try:
            return super().invoke(ctx)
        except HotswapError as error:
            if ctx.params.get("verbose"):
                # Not Rich's: it would show local variables, and secrets may be among them.
                typer.echo("".join(traceback.format_exception(error)), err=True)
            typer.secho("error: ", fg="red", bold=True, nl=False, err=True)
            typer.echo(str(error), err=True)
            raise typer.Exit(exit_for(error)) from error
        except KeyboardInterrupt as interrupt:
            typer.echo("interrupted", err=True)
            raise typer.Exit(Exit.INTERRUPTED) from interrupt
