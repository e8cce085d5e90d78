"""`hotswap history`: every record of the control log, and what became of it."""
# ruff: noqa: PLC0415 (`hotswap --help` must not wait for libraries it does not use)

from collections.abc import Callable, Collection
from contextlib import aclosing
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from streams.cli import output, session
from streams.cli.ordering_view import time_of, verdict_of

if TYPE_CHECKING:
    from streams.config import Settings
    from streams.services.history import Entry

__all__ = ["Kind", "Limit", "Obeyed", "command", "show_history"]


class Kind(StrEnum):
    """The kinds of records; named here again, since `schemas` loads pydantic."""

    STAGE = "stage"
    RAMP = "ramp"
    ROLLBACK = "rollback"
    FLAG = "flag"
    PAUSE = "pause"
    RESUME = "resume"
    THROTTLE = "throttle"
    BUILD = "build"
    AUTOPILOT = "autopilot"
    REOPEN = "reopen"
    RETIRE = "retire"
    MIGRATION = "migration"
    TRUNCATE = "truncate"
    PREFLIGHT = "preflight"
    VERIFY = "verify"
    GATE = "gate"
    HEALTH = "health"


Limit = Annotated[
    int, typer.Option("--limit", "-n", min=0, help="The newest so many; 0 shows all.")
]
Obeyed = Annotated[
    bool, typer.Option("--rejected", help="Only what was not obeyed: held or rejected.")
]
# An order in words begins with its kind.
_COLUMNS = ("offset", "time", "by", "order", "verdict", "reason")


def command(
    context: typer.Context,
    *,
    limit: Limit = 20,
    kind: Annotated[
        list[Kind] | None,
        typer.Option(
            "--kind", "-k", metavar="KIND", help="Only this kind, such as stage; repeatable."
        ),
    ] = None,
    rejected: Obeyed = False,
    follow: Annotated[
        bool, typer.Option("--follow", "-f", help="Go on with what comes, until Ctrl-C.")
    ] = False,
    json: session.Json = False,
) -> None:
    """List what stands in the control log, oldest first, with the verdict on each record.

    With --json: one line of JSON for each record.
    """
    show_history(
        session.settings(context),
        kinds=kind or (),
        limit=limit,
        rejected=rejected,
        follow=follow,
        json=json,
    )


def show_history(
    settings: "Settings",
    *,
    kinds: Collection[str],
    limit: int,
    rejected: bool,
    follow: bool = False,
    json: bool,
) -> None:
    """Print the newest entries, and those to come.

    Args:
        settings: where the control log is.
        kinds: only these; none: all.
        limit: how many; 0: all.
        rejected: only what was not obeyed.
        follow: go on until it is cancelled.
        json: lines of JSON.

    Raises: TransientError; ConfigurationError if there is no control log.
    """

    def wanted(entry: "Entry") -> bool:
        return (not kinds or entry.kind in kinds) and not (rejected and entry.obeyed)

    session.run(_show(settings, wanted, limit or None, follow=follow, json=json))


async def _show(
    settings: "Settings",
    wanted: "Callable[[Entry], bool]",
    limit: int | None,
    *,
    follow: bool,
    json: bool,
) -> None:
    from streams.services.history import History
    from streams.services.open import keyring_of, open_log

    log = open_log(settings)
    try:
        topic = settings.kafka.topics.control
        history = History(log, topic, keyring_of(settings), wanted=wanted)
        past = await history.past(limit)
        if not follow and not json:
            _print_table(past)
            return
        for entry in past:
            _print_line(entry, json=json)
        if follow:
            async with aclosing(history.coming()) as coming:
                async for entry in coming:
                    _print_line(entry, json=json)
    finally:
        await log.close()


def _print_table(entries: "list[Entry]") -> None:
    console = output.console()
    if entries:
        console.print(output.table(_COLUMNS, map(_cells, entries)))
    console.print(f"{len(entries)} record{'' if len(entries) == 1 else 's'}")


def _cells(entry: "Entry") -> tuple[str, ...]:
    cells = (
        str(entry.offset),
        time_of(entry),
        entry.by or "",
        entry.what,
        _short_verdict(entry),
        entry.reason,
    )
    return tuple(map(output.one_line, cells))


def _short_verdict(entry: "Entry") -> str:
    """Of what was obeyed, the order says it all."""
    if not entry.obeyed:
        return verdict_of(entry)
    over = ", ".join(entry.overridden)
    return f"accepted by force, over {over}" if over else entry.verdict


def _print_line(entry: "Entry", *, json: bool) -> None:
    if json:
        output.print_json(entry, indent=False)
        return
    from rich.text import Text

    offset, time, by, what, verdict, reason = _cells(entry)
    quoted = f" ({reason})" if reason else ""
    line = f"{offset:>6}  {time}  {by or '?'}: {what}{quoted}: {verdict}"
    output.console().print(Text(line), soft_wrap=True)
