"""How the outcome of an order is shown, to people and as JSON."""
# ruff: noqa: PLC0415 (`hotswap --help` must not wait for libraries it does not use)

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from streams.cli import output

if TYPE_CHECKING:
    from rich.console import Console

    from streams.services.history import Entry
    from streams.services.orders import Outcome

__all__ = ["as_data", "show", "time_of", "verdict_of"]

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_COLOURS = {"accepted": "green", "unchanged": "cyan", "held": "yellow", "rejected": "red"}


def as_data(outcome: "Outcome") -> dict[str, Any]:
    """The outcome as JSON has it. `offset` is null after a rehearsal: there is no record."""
    from streams.services.history import entry_of

    overtaken_by = outcome.overtaken_by
    entry = entry_of(outcome.folded).model_dump(mode="json")
    if outcome.rehearsed:
        entry["offset"] = None
    return {
        "dry_run": outcome.rehearsed,
        **entry,
        "changes": outcome.changes,
        "overtaken_by": None if overtaken_by is None else entry_of(overtaken_by),
    }


def show(outcome: "Outcome", console: "Console") -> None:
    """Print the verdict with its reason and remedy, and what changes."""
    from rich.text import Text

    from streams.services.history import entry_of

    entry = entry_of(outcome.folded)
    line = Text("dry run, nothing was sent: " if outcome.rehearsed else "")
    line.append(entry.verdict, style=_COLOURS[entry.verdict])
    line.append(verdict_of(entry).removeprefix(entry.verdict))
    if entry.verdict == "accepted":
        line.append(f"; version {entry.version}")
    console.print(line, soft_wrap=True)
    for more in _remarks(outcome, entry):
        console.print(Text(f"  {output.one_line(more)}"), soft_wrap=True)
    if outcome.changes:
        changes = [(one.what, one.before, one.after) for one in outcome.changes]
        rows = [tuple(map(output.one_line, change)) for change in changes]
        console.print(output.table(("what", "before", "after"), rows))


def _remarks(outcome: "Outcome", entry: "Entry") -> list[str]:
    remarks = []
    others = [str(guard) for guard in entry.guards if guard != entry.guard]
    if others:
        remarks.append(f"also held by {', '.join(others)}")
    if entry.remedy:
        remarks.append(f"to do: {entry.remedy}")
    if entry.forcible:
        remarks.append("or override it with --force --reason …, which the history will show")
    elif entry.verdict == "held":
        remarks.append("--force does not override this")
    if outcome.overtaken_by is not None:
        from streams.services.history import entry_of

        other = entry_of(outcome.overtaken_by)
        why = f" ({other.reason})" if other.reason else ""
        remarks.append(
            f"{other.by} was faster: {other.what}{why}, at {time_of(other)}, version"
            f" {other.version}"
        )
        remarks.append("look at `hotswap status`, then give the order again if you still want it")
    return remarks


def verdict_of(entry: "Entry") -> str:
    """The verdict with its reason, on one line."""
    if entry.verdict == "held":
        head = f"held by {entry.guard}"
    elif entry.verdict == "rejected":
        head = f"rejected ({entry.rejection})"
    elif entry.overridden:
        head = f"{entry.verdict} by force, over {', '.join(entry.overridden)}"
    else:
        head = entry.verdict
    return output.one_line(f"{head}: {entry.why}")


def time_of(entry: "Entry") -> str:
    """The broker's time of an entry, UTC."""
    try:
        at = _EPOCH + timedelta(milliseconds=entry.at)
    except OverflowError:  # a broker that takes its clients' word for the time
        return f"{entry.at} ms"
    return f"{at:%Y-%m-%d %H:%M:%S}Z"
