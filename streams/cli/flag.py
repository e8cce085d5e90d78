"""`hotswap flag`: the one flag, `useLocalEmbeddings`."""
# ruff: noqa: PLC0415 (`hotswap --help` must not wait for libraries it does not use)

from typing import TYPE_CHECKING, Annotated, Any

import typer

from streams.cli import output, session
from streams.cli.history import Limit, Obeyed, show_history
from streams.cli.ordering import (
    BY_HAND,
    DryRun,
    Expect,
    ExpiresIn,
    Force,
    Manner,
    Reason,
    give,
    percentage,
)
from streams.errors import ConfigurationError

if TYPE_CHECKING:
    from schemas import Command
    from streams.config import Settings
    from streams.migration.state import State

__all__ = ["app"]

app = typer.Typer(no_args_is_help=True, help="Show, evaluate or set the flag useLocalEmbeddings.")

_OF_READS = ("flag", "ramp", "rollback", "stage", "migration")


@app.command("get")
def get(
    context: typer.Context,
    *,
    targeting_key: Annotated[
        str | None,
        typer.Option("--targeting-key", "-t", help="Who asks; decides the bucket of the ramp."),
    ] = None,
    cohort: Annotated[str | None, typer.Option("--cohort", help="The asker's cohort.")] = None,
    json: session.Json = False,
) -> None:
    """Show the flag, and evaluate it for one asker, as every process does."""
    from streams.core.routing import route
    from streams.migration.reads import routing_of
    from streams.services.state_words import reads_in_words

    state = session.run(_state(session.settings(context)))
    routing = routing_of(state)
    if routing is None:
        raise ConfigurationError("the flag", "no migration is defined yet", "run `hotswap init`")
    picked = route(routing, targeting_key, cohort)
    if json:
        output.print_json(
            {
                "flag": _name(),
                "value": picked.uses_target,
                "variant": picked.lane,
                "reason": picked.reason,
                "flag_version": routing.version,
                "stage": state.stage,
                "state": {
                    "source": routing.source,
                    "target": routing.target,
                    "percent": routing.percent,
                    "cohorts": routing.cohorts,
                    "mirrored": routing.mirrored,
                },
            }
        )
        return
    asker = " and ".join(
        f"{what} {who}"
        for what, who in (("targeting key", targeting_key), ("cohort", cohort))
        if who is not None
    )
    rows = [
        ("flag", _name()),
        ("stage", state.stage),
        ("reads", reads_in_words(state)),
        ("asker", asker or "nobody in particular"),
        ("value", str(picked.uses_target).lower()),
        ("lane", picked.lane),
        ("reason", picked.reason),
        ("version", str(routing.version)),
    ]
    output.console().print(output.table(("what", "is"), rows))


@app.command("set")
def set_flag(
    context: typer.Context,
    value: Annotated[str, typer.Argument(help="true, false, or a percentage.")],
    *,
    reason: Reason = "",
    expect: Expect = None,
    expires_in: ExpiresIn = None,
    force: Force = False,
    dry_run: DryRun = False,
    json: session.Json = False,
) -> None:
    """Set the flag: true is ramp 100, a percentage is that ramp, false is a rollback.

    As a rollback, false is meant for whatever state it meets, and needs no reason.
    """
    wanted = _value(value)
    if wanted is False and not reason:
        reason = BY_HAND

    def order(**fields: Any) -> "Command":  # noqa: ANN401 (the fields all orders have)
        from schemas import FlagSet

        return FlagSet(value=wanted, **fields)

    give(context, order, Manner(reason, force, dry_run, expect, expires_in, json))


@app.command("history")
def history(
    context: typer.Context,
    *,
    limit: Limit = 20,
    rejected: Obeyed = False,
    json: session.Json = False,
) -> None:
    """List what was ordered about reads: stages, ramps, rollbacks and the flag itself."""
    show_history(
        session.settings(context), kinds=_OF_READS, limit=limit, rejected=rejected, json=json
    )


def _value(text: str) -> bool | float:
    if text in ("true", "false"):
        return text == "true"
    try:
        return percentage(text)
    except ValueError as error:
        raise ConfigurationError(
            "VALUE", f"{text!r} is no value of the flag", "give true, false or 0 to 100"
        ) from error


def _name() -> str:
    from schemas import FLAG

    return FLAG


async def _state(settings: "Settings") -> "State":
    from streams.services.open import open_control, open_log

    log = open_log(settings)
    try:
        return await open_control(settings, log).refresh()
    finally:
        await log.close()
