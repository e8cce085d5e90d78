"""`hotswap up`: all roles on this machine, each in a process of its own."""
# ruff: noqa: PLC0415 (`hotswap --help` must not wait for libraries it does not use)

import asyncio
import logging
import signal
import sys
from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack
from itertools import cycle
from typing import TYPE_CHECKING, Annotated

import typer

from streams.cli import output, session
from streams.errors import ConfigurationError

if TYPE_CHECKING:
    from streams.config import Settings

__all__ = ["command"]

_COLOURS = ("cyan", "green", "magenta", "yellow", "blue")


def command(
    context: typer.Context,
    roles: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[ROLE]…",
            help="normalise, embed:LANE for all its builds, embed:LANE:BUILD, serve; all of them"
            " by default.",
        ),
    ] = None,
) -> None:
    """Run all roles under one supervisor, which starts again what ends. Stop with Ctrl-C.

    Each build of a lane has a worker of its own, from when it is started until it is dropped.
    """
    from streams.services.roster import every_role

    settings = session.settings(context)
    every = every_role(settings.lanes)
    chosen = roles or every
    for role in chosen:
        _refuse_unknown(role, every)
    if not session.options(context).verbose:
        # Roles outlast Kafka's absence; aiokafka would say fifty times a second that it is away.
        logging.getLogger("aiokafka").setLevel(logging.CRITICAL)
    raise typer.Exit(session.run(_up(settings, chosen, session.options(context))))


def _refuse_unknown(role: str, every: Sequence[str]) -> None:
    from streams.services.roster import parse_embed

    embeds = parse_embed(role)
    known = role if embeds is None else f"embed:{embeds[0]}"
    if known not in every:
        raise ConfigurationError(role, "is no role", f"choose from: {', '.join(every)}")


async def _up(settings: "Settings", roles: Sequence[str], options: session.Options) -> int:
    from streams.services.open import open_follower, open_log
    from streams.services.roster import ControlRoster
    from streams.services.supervision import Child, supervise

    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    show = _screen(roles)
    async with AsyncExitStack() as exits:
        log = open_log(settings)
        exits.push_async_callback(log.close)
        control = await exits.enter_async_context(open_follower(settings, log))
        roster = ControlRoster(
            control,
            roles,
            lambda role: Child(role, _command(role, options)),
            lambda line: show("up", line),
        )
        return await supervise(roster, show, stop)


def _screen(roles: Sequence[str]) -> Callable[[str, str], None]:
    """Prints each line behind its role, in the role's colour; roles may come up later."""
    from rich.markup import escape

    console = output.console()
    following = cycle(_COLOURS)
    colours = {role: next(following) for role in roles}
    width = max(map(len, roles))

    def show(role: str, line: str) -> None:
        if role not in colours:
            colours[role] = next(following)
        console.print(
            f"[{colours[role]}]{role:<{width}}[/] {escape(line)}", soft_wrap=True, highlight=False
        )

    return show


def _command(role: str, options: session.Options) -> list[str]:
    from streams.services.roster import SERVE, parse_embed

    given = [] if options.config is None else ["--config", str(options.config)]
    verbose = ["--verbose"] if options.verbose else []
    embeds = parse_embed(role)
    if embeds is not None:
        # Which build serves may change while it runs: `embed:LANE` is build 1, whatever serves.
        words = ["worker", "embed", embeds[0], "--build", str(embeds[1] or 1)]
    else:
        words = [SERVE] if role == SERVE else ["worker", role]
    return [sys.executable, "-m", "streams.cli", *given, *verbose, *words]
