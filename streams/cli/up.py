"""`hotswap up`: all roles on this machine, each in a process of its own."""
# ruff: noqa: PLC0415 (`hotswap --help` must not wait for libraries it does not use)

import asyncio
import signal
import sys
from collections.abc import Sequence
from itertools import cycle
from typing import Annotated

import typer

from streams.cli import output, session
from streams.errors import ConfigurationError

__all__ = ["command"]

_COLOURS = ("cyan", "green", "magenta", "yellow", "blue")


def command(
    context: typer.Context,
    roles: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[ROLE]…", help="normalise, embed:LANE, serve; all of them by default."
        ),
    ] = None,
) -> None:
    """Run all roles under one supervisor, which starts again what ends. Stop with Ctrl-C."""
    settings = session.settings(context)
    every = ["normalise", *(f"embed:{lane}" for lane in settings.lanes), "serve"]
    chosen = roles or every
    for role in chosen:
        if role not in every:
            raise ConfigurationError(role, "is no role", f"choose from: {', '.join(every)}")
    raise typer.Exit(session.run(_up(chosen, session.options(context))))


async def _up(roles: Sequence[str], options: session.Options) -> int:
    from rich.markup import escape

    from streams.services.supervision import Child, supervise

    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    console = output.console()
    colours = dict(zip(roles, cycle(_COLOURS), strict=False))
    width = max(map(len, roles))

    def show(role: str, line: str) -> None:
        console.print(
            f"[{colours[role]}]{role:<{width}}[/] {escape(line)}", soft_wrap=True, highlight=False
        )

    return await supervise([Child(role, _command(role, options)) for role in roles], show, stop)


def _command(role: str, options: session.Options) -> list[str]:
    given = [] if options.config is None else ["--config", str(options.config)]
    verbose = ["--verbose"] if options.verbose else []
    words = ["serve"] if role == "serve" else ["worker", *role.split(":")]
    return [sys.executable, "-m", "streams.cli", *given, *verbose, *words]
