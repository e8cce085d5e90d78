"""`hotswap retire`: the end of the source lane, its collections and its configuration."""
# ruff: noqa: PLC0415 (`hotswap --help` must not wait for libraries it does not use)

import sys
import time
import uuid
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING, Annotated, Any

import typer

from streams.cli import output, retire_view, session
from streams.cli.exits import Exit
from streams.cli.ordering import DryRun, Force, Reason, warn_of_signatures
from streams.cli.progress_bars import progress_bars
from streams.errors import ConfigurationError

if TYPE_CHECKING:
    from schemas import Retire
    from streams.config import Settings
    from streams.core.savings import Savings
    from streams.services.orders import Outcome
    from streams.services.retire import Retired, Retirement, RetireParts

__all__ = ["command"]


def command(
    context: typer.Context,
    lane: Annotated[str, typer.Argument(help="The source lane of the migration.")],
    *,
    reason: Reason = "",
    force: Force = False,
    yes: Annotated[
        bool, typer.Option("--yes", help="Do not ask for the lane's name as a confirmation.")
    ] = False,
    wait: Annotated[
        float, typer.Option(min=0, help="Seconds to wait for the lane that stays, if it is behind.")
    ] = 60.0,
    write: Annotated[
        bool,
        typer.Option("--write", help="Take the lane out of the configuration file, with a backup."),
    ] = False,
    dry_run: DryRun = False,
    json: session.Json = False,
) -> None:
    """Give the source lane up for good, after stage complete and its hold.

    Verifies the lane that stays, retires the other one in the control log, and drops its
    collections. There is no way back. What could not be dropped is by a second run.
    """
    if force and not reason.strip():
        raise ConfigurationError(
            "--force", "is given without --reason", "say why the evidence may be missing"
        )
    settings = session.settings(context)
    order = _order(lane, reason, force=force)
    foreseen, money = session.run(_foresee(settings, order))
    if not json:
        config = settings.lanes.get(lane)
        retire_view.show_going(
            foreseen,
            money,
            output.console(),
            takes_price=hasattr(config, "price_per_million_tokens"),
            dry_run=dry_run,
        )
    if dry_run or not foreseen.possible:
        if json:
            output.print_json(retire_view.as_data(foreseen, money, None, None, dry_run=dry_run))
        _end_by_verdict(foreseen)
        return
    if not yes:
        _confirm(lane)
    retired = session.run(_retire(settings, order, foreseen, wait))
    cleaned = _cleaned(context, lane, write=write) if retired.is_retired else None
    if json:
        output.print_json(retire_view.as_data(foreseen, money, retired, cleaned, dry_run=False))
    else:
        retire_view.show_retired(foreseen, retired, cleaned, output.console())
    _end(retired)


def _order(lane: str, reason: str, *, force: bool) -> "Retire":
    from pydantic import ValidationError

    from schemas import Retire

    try:
        return Retire(
            id=str(uuid.uuid4()), by=session.operator(), reason=reason, force=force, lane=lane
        )
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False)[0]
        place = ".".join(map(str, first["loc"])) or "the order"
        raise ConfigurationError(place, first["msg"]) from error


async def _opened(settings: "Settings", exits: AsyncExitStack, **more: Any) -> "RetireParts":  # noqa: ANN401 (fields of the parts)
    from streams.services.open import open_control, open_log, open_store
    from streams.services.retire import RetireParts

    log = open_log(settings)
    exits.push_async_callback(log.close)
    store = open_store(settings)
    exits.push_async_callback(store.close)
    return RetireParts(settings, log, open_control(settings, log), store, **more)


async def _foresee(settings: "Settings", order: "Retire") -> "tuple[Retirement, Savings]":
    from streams.services.retire import foresee, saved

    async with AsyncExitStack() as exits:
        parts = await _opened(settings, exits)
        now_ms = time.time_ns() // 1_000_000
        with output.messages().status("looking at what would go"):
            foreseen = await foresee(parts, order, now_ms)
        with progress_bars() as show:
            money = await saved(
                parts,
                order.lane,
                now_ms,
                lambda done, total: show("reading what changed in documents", done, total),
            )
        return foreseen, money


async def _retire(
    settings: "Settings", order: "Retire", foreseen: "Retirement", wait: float
) -> "Retired":
    from streams.services.retire import retire

    async with AsyncExitStack() as exits:
        show = exits.enter_context(progress_bars())
        survivor = foreseen.survivor
        parts = await _opened(
            settings,
            exits,
            wait_seconds=wait,
            on_progress=lambda at: show(f"{survivor}: {at.phase}", at.done, at.total),
        )
        warn_of_signatures(settings, await parts.control.refresh())
        return await retire(parts, order, foreseen)


def _confirm(lane: str) -> None:
    """Raises: ConfigurationError unless the lane's name is typed."""
    # Not by `typer.prompt`, which makes no difference between Ctrl-C and the end of the input.
    question = f"There is no way back. Type the lane's name to retire it ({lane}): "
    typer.echo(question, nl=False, err=True)
    typed = ""
    try:
        typed = sys.stdin.readline()
    finally:
        if not typed.endswith("\n"):
            typer.echo(err=True)
    if typed.removesuffix("\n") != lane:
        raise ConfigurationError(
            "the confirmation",
            "is not the lane's name; nothing was done",
            f"type {lane}, or give --yes",
        )


def _cleaned(context: typer.Context, lane: str, *, write: bool) -> "retire_view.Cleaned":
    """The configuration without the lane; written only if that is asked for."""
    from streams.config.load import locate
    from streams.config.without_lane import loads, replace_file, without_lane

    path, _ = locate(session.options(context).config)
    before = path.read_bytes().decode()
    try:
        text = without_lane(before, lane)
        loads(text, path.name)
        if text == before:
            return retire_view.Cleaned(str(path), None, None, "")
        backup = str(replace_file(path, text)) if write else None
    except ConfigurationError as error:
        # The lane is retired whatever becomes of the file.
        return retire_view.Cleaned(str(path), None, None, str(error))
    return retire_view.Cleaned(str(path), text, backup, "")


def _end_by_verdict(foreseen: "Retirement") -> None:
    if not foreseen.possible:
        raise typer.Exit(_status(foreseen.outcome))


def _end(retired: "Retired") -> None:
    if retired.is_retired:
        return
    raise typer.Exit(Exit.FAILED if retired.outcome is None else _status(retired.outcome))


def _status(outcome: "Outcome") -> Exit:
    from streams.migration.verdicts import Held

    return Exit.HELD if isinstance(outcome.folded.verdict, Held) else Exit.REJECTED
