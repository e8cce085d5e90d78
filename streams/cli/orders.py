"""`hotswap stage`, `ramp`, `rollback`, `reopen`: who reads from which lane."""
# ruff: noqa: PLC0415 (`hotswap --help` must not wait for libraries it does not use)

from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from streams.cli import session
from streams.cli.ordering import (
    BY_HAND,
    DryRun,
    Expect,
    ExpiresIn,
    Force,
    Manner,
    Reason,
    Why,
    give,
    percentage,
)
from streams.errors import ConfigurationError

if TYPE_CHECKING:
    from schemas import Command

__all__ = ["ramp", "reopen", "rollback", "stage"]

# Named here again, since `schemas` loads pydantic; a test compares.
StageName = Literal["off", "dualwrite", "shadow", "live", "rampdown", "complete"]
BackTo = Literal["off", "dualwrite", "shadow"]


def stage(
    context: typer.Context,
    to: Annotated[StageName, typer.Argument(metavar="TO", help="One stage further, or any back.")],
    *,
    reason: Reason = "",
    expect: Expect = None,
    expires_in: ExpiresIn = None,
    force: Force = False,
    dry_run: DryRun = False,
    json: session.Json = False,
) -> None:
    """Go to stage off, dualwrite, shadow, live, rampdown or complete.

    The order is meant for the state as it is when the command starts: if somebody else is
    faster, it is rejected, and says who was.
    """

    def order(**fields: Any) -> "Command":  # noqa: ANN401 (the fields all orders have)
        from schemas import Stage, StageSet

        return StageSet(to=Stage(to), **fields)

    give(context, order, Manner(reason, force, dry_run, expect, expires_in, json))


def ramp(
    context: typer.Context,
    percent: Annotated[
        str | None,
        typer.Argument(metavar="PERCENT", help="Of the askers; left out: as it is."),
    ] = None,
    *,
    cohort: Annotated[
        list[str] | None,
        typer.Option(
            "--cohort",
            metavar="NAME",
            help="A cohort that reads from the target whatever the percentage; may be given"
            " several times. Those named replace those that there are.",
        ),
    ] = None,
    reason: Reason = "",
    expect: Expect = None,
    expires_in: ExpiresIn = None,
    no_cohorts: Annotated[
        bool, typer.Option("--no-cohorts", help="No cohort reads from the target as such.")
    ] = False,
    force: Force = False,
    dry_run: DryRun = False,
    json: session.Json = False,
) -> None:
    """Set who reads from the target lane, in stage live.

    Raising it moves nobody back to the source: 5 % are among the 10 %.
    """
    if cohort and no_cohorts:
        raise ConfigurationError("--no-cohorts", "contradicts --cohort")
    if percent is None and not cohort and not no_cohorts:
        raise ConfigurationError("ramp", "is told nothing", "give PERCENT, --cohort or both")
    try:
        share = None if percent is None else percentage(percent)
    except ValueError as error:
        raise ConfigurationError("PERCENT", str(error)) from error
    cohorts = cohort or ([] if no_cohorts else None)

    def order(**fields: Any) -> "Command":  # noqa: ANN401 (the fields all orders have)
        from schemas import RampSet

        return RampSet(percent=share, cohorts=cohorts, **fields)

    give(context, order, Manner(reason, force, dry_run, expect, expires_in, json))


def rollback(
    context: typer.Context,
    *,
    to: Annotated[BackTo, typer.Option("--to", help="The stage to go back to.")] = "shadow",
    reason: Why = BY_HAND,
    expect: Expect = None,
    expires_in: ExpiresIn = None,
    dry_run: DryRun = False,
    json: session.Json = False,
) -> None:
    """Put all reads back on the source lane, at once.

    Meant for whatever state it meets: nobody can be faster. Shadow and dualwrite keep the target
    lane written, so that it needs no catching up later; off does not.
    """

    def order(**fields: Any) -> "Command":  # noqa: ANN401 (the fields all orders have)
        from schemas import Rollback, Stage

        return Rollback.model_validate({"to": Stage(to), **fields})

    give(context, order, Manner(reason, False, dry_run, expect, expires_in, json))


def reopen(
    context: typer.Context,
    *,
    reason: Reason = "",
    expect: Expect = None,
    expires_in: ExpiresIn = None,
    dry_run: DryRun = False,
    json: session.Json = False,
) -> None:
    """Write the source lane again after stage complete, so that a way back opens.

    It catches up from `documents`; once `hotswap verify` finds it clean, `hotswap rollback`
    works again.
    """

    def order(**fields: Any) -> "Command":  # noqa: ANN401 (the fields all orders have)
        from schemas import Reopen

        return Reopen(**fields)

    give(context, order, Manner(reason, False, dry_run, expect, expires_in, json))
