"""What all commands that give an order share: their options, sending, and saying what came."""
# ruff: noqa: PLC0415 (`hotswap --help` must not wait for libraries it does not use)

import re
import time
import uuid
from collections.abc import Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import typer

from streams.cli import ordering_view, output, session
from streams.cli.exits import Exit
from streams.errors import ConfigurationError

if TYPE_CHECKING:
    from schemas import Command
    from streams.config import Settings
    from streams.migration.state import State
    from streams.services.orders import Outcome

__all__ = [
    "BY_HAND",
    "DryRun",
    "Expect",
    "ExpiresIn",
    "Force",
    "Manner",
    "Reason",
    "Why",
    "exit_of",
    "give",
    "made",
    "percentage",
    "warn_of_signatures",
]

Made = TypeVar("Made", bound="Command")

BY_HAND = "by hand"
_ALL = 100.0

Reason = Annotated[
    str, typer.Option("--reason", "-r", help="Why; stays in the history, for whoever asks later.")
]
Why = Annotated[
    str, typer.Option("--reason", "-r", help="Why. May be left out: a way back must not wait.")
]
Force = Annotated[
    bool,
    typer.Option(
        "--force", help="Override missing or old evidence, never an invariant. Needs --reason."
    ),
]
DryRun = Annotated[
    bool, typer.Option("--dry-run", help="Send nothing; say what would change, or hold it.")
]
Expect = Annotated[
    int | None,
    typer.Option(
        min=-1,
        metavar="VERSION",
        help="Reject the order unless this is the version that it meets.",
    ),
]
ExpiresIn = Annotated[
    int | None,
    typer.Option(
        min=1,
        metavar="SECONDS",
        help="Reject the order if Kafka gets it later than that.",
    ),
]


@dataclass(frozen=True, slots=True)
class Manner:
    """How an order is given; see the options of the same names."""

    reason: str = ""
    force: bool = False
    dry_run: bool = False
    expect: int | None = None
    expires_in: int | None = None
    json: bool = False


def give(context: typer.Context, make: "Callable[..., Command]", manner: Manner) -> None:
    """Give an order and say what came of it.

    Args:
        context: of the command.
        make: makes the order from the fields that all orders have, given by their names.
        manner: how to give it.

    Raises:
        typer.Exit: with the status of a held or rejected order.
        ConfigurationError: what was asked for is no order; nothing was sent.
        TransientError: Kafka can not be reached.
    """
    if manner.force and not manner.reason.strip():
        raise ConfigurationError(
            "--force", "is given without --reason", "say why the evidence may be missing"
        )
    settings = session.settings(context)
    outcome = session.run(_send(settings, make, manner))
    if manner.json:
        output.print_json(ordering_view.as_data(outcome))
    else:
        ordering_view.show(outcome, output.console())
    status = exit_of(outcome)
    if status is not Exit.OK:
        raise typer.Exit(status)


async def _send(settings: "Settings", make: "Callable[..., Command]", manner: Manner) -> "Outcome":
    from streams.services.open import open_control, open_log
    from streams.services.orders import aimed, order, rehearse

    async with AsyncExitStack() as exits:
        log = open_log(settings)
        exits.push_async_callback(log.close)
        control = open_control(settings, log)
        now_ms = time.time_ns() // 1_000_000
        command = made(make, manner, now_ms)
        state = await control.refresh()
        warn_of_signatures(settings, state)
        command = aimed(command, state)
        if manner.dry_run:
            return rehearse(control, command, now_ms)
        return await order(control, command)


def made(make: "Callable[..., Made]", manner: Manner, now_ms: int) -> "Made":
    """The order that `make` makes from the fields that all orders have.

    Raises: ConfigurationError if a field is not as it must be.
    """
    from pydantic import ValidationError

    fields: dict[str, Any] = {
        "id": str(uuid.uuid4()),
        "by": session.operator(),
        "reason": manner.reason,
        "force": manner.force,
        "expected_version": manner.expect,
    }
    if manner.expires_in is not None:
        fields["expires_at"] = now_ms + 1000 * manner.expires_in
    try:
        return make(**fields)
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False)[0]
        place = ".".join(map(str, first["loc"])) or "the order"
        raise ConfigurationError(place, first["msg"].removeprefix("Value error, ")) from error


def warn_of_signatures(settings: "Settings", state: "State") -> None:
    """Say so if others sign what they append, and this process can not: they will reject it."""
    signed = state.migration is not None and state.migration.signature is not None
    if signed and settings.control.key is None:
        output.messages().print(
            "warning: the control log is signed, but no control.key is configured here: the other"
            " processes will reject what this one appends, whatever it says",
            style="yellow",
            soft_wrap=True,
        )


def exit_of(outcome: "Outcome") -> Exit:
    """The exit status that an order's verdict leads to."""
    from streams.migration.verdicts import Held, Rejected

    if isinstance(outcome.folded.verdict, Held):
        return Exit.HELD
    return Exit.REJECTED if isinstance(outcome.folded.verdict, Rejected) else Exit.OK


def percentage(text: str) -> float:
    """A number from 0 to 100, with or without a % sign.

    Raises: ValueError if it is none.
    """
    if not re.fullmatch(r"\d+(\.\d+)?%?", text) or float(text.removesuffix("%")) > _ALL:
        raise ValueError(f"{text!r} is no number from 0 to 100")
    return float(text.removesuffix("%"))
