"""`hotswap pause`, `resume`, `throttle`: whether a lane works, and how fast."""
# ruff: noqa: PLC0415 (`hotswap --help` must not wait for libraries it does not use)

import math
from typing import TYPE_CHECKING, Annotated, Any

import typer

from streams.cli import session
from streams.cli.ordering import DryRun, Expect, ExpiresIn, Force, Manner, Reason, give
from streams.errors import ConfigurationError

if TYPE_CHECKING:
    from schemas import Command

__all__ = ["pause", "resume", "throttle"]

Lane = Annotated[str, typer.Argument(help="The lane.")]


def pause(
    context: typer.Context,
    lane: Lane,
    *,
    reason: Annotated[
        str,
        typer.Option("--reason", "-r", help="Why; `hotswap status` shows it to all who wonder."),
    ],
    expect: Expect = None,
    expires_in: ExpiresIn = None,
    force: Force = False,
    dry_run: DryRun = False,
    json: session.Json = False,
) -> None:
    """Let a lane take no further work; it keeps its place.

    A lane that may answer reads is held: its answers would grow old.
    """
    if not reason.strip():
        raise ConfigurationError("--reason", "is empty", "say why the lane is to rest")

    def order(**fields: Any) -> "Command":  # noqa: ANN401 (the fields all orders have)
        from schemas import Pause

        return Pause(lane=lane, **fields)

    give(context, order, Manner(reason, force, dry_run, expect, expires_in, json))


def resume(
    context: typer.Context,
    lane: Lane,
    *,
    reason: Reason = "",
    expect: Expect = None,
    expires_in: ExpiresIn = None,
    dry_run: DryRun = False,
    json: session.Json = False,
) -> None:
    """Let a paused lane work again, from where it was."""

    def order(**fields: Any) -> "Command":  # noqa: ANN401 (the fields all orders have)
        from schemas import Resume

        return Resume(lane=lane, **fields)

    give(context, order, Manner(reason, False, dry_run, expect, expires_in, json))


def throttle(
    context: typer.Context,
    lane: Lane,
    rate: Annotated[str, typer.Argument(help="Documents per second over all its workers, or off.")],
    *,
    reason: Reason = "",
    expect: Expect = None,
    expires_in: ExpiresIn = None,
    dry_run: DryRun = False,
    json: session.Json = False,
) -> None:
    """Let a lane embed no more than so many documents a second; `off` lifts that."""
    documents_per_second = _rate(rate)

    def order(**fields: Any) -> "Command":  # noqa: ANN401 (the fields all orders have)
        from schemas import Throttle

        return Throttle(lane=lane, documents_per_second=documents_per_second, **fields)

    give(context, order, Manner(reason, False, dry_run, expect, expires_in, json))


def _rate(text: str) -> float | None:
    """Documents per second; None: as fast as it can.

    Raises: ConfigurationError if it is neither a number above 0 nor `off`.
    """
    if text == "off":
        return None
    try:
        rate = float(text)
    except ValueError:
        rate = math.nan
    if not 0 < rate < math.inf:
        raise ConfigurationError(
            "RATE", f"{text!r} is no rate", "give documents per second, above 0, or off"
        )
    return rate
