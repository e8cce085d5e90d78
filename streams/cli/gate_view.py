"""How the gate's verdict is shown, to people and as JSON."""
# ruff: noqa: PLC0415 (`hotswap --help` must not wait for libraries it does not use)

from dataclasses import asdict
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from streams.cli import output
from streams.cli.ordering_view import verdict_of

if TYPE_CHECKING:
    from rich.console import Group
    from rich.text import Text

    from streams.services.exit_criteria import Seen
    from streams.services.orders import Outcome

__all__ = ["as_data", "line_of", "remarks", "screen"]

_COLUMNS = ("criterion", "verdict", "value", "threshold", "samples", "reason")
_COLOURS = {"successful": "green", "failed": "red", "inconclusive": "yellow", "off": "dim"}


def as_data(seen: "Seen", recorded: "Outcome | None") -> dict[str, Any]:
    """The verdict as JSON has it; `evidence` is null if it was not recorded."""
    from streams.services.history import entry_of
    from streams.services.orders import opened

    evidence = None
    if recorded is not None:
        entry = entry_of(recorded.folded).model_dump(mode="json")
        evidence = {**entry, "opens": opened(recorded)}
    return {
        "verdict": seen.judged.verdict,
        "reason": seen.judged.reason,
        "at": seen.look.now_ms,
        "as_of": seen.as_of,
        "since": seen.look.since_ms,
        "source": {"lane": seen.source[0], "build": seen.source[1]},
        "target": {"lane": seen.target[0], "build": seen.target[1]},
        "criteria": [asdict(each) for each in seen.judged.criteria],
        "evidence": evidence,
    }


def screen(seen: "Seen") -> "Group":
    """The table of criteria, and the whole verdict below it."""
    from rich import box
    from rich.console import Group
    from rich.table import Table
    from rich.text import Text

    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0))
    for column in _COLUMNS:
        whole_words = column in {"criterion", "verdict", "samples"}
        table.add_column(column, overflow="fold", no_wrap=whole_words)
    for each in seen.judged.criteria:
        verdict = "off" if each.verdict is None else str(each.verdict)
        # A criterion that is met needs no words; its numbers stand beside the limit.
        reason = "" if verdict in {"successful", "off"} else each.reason
        samples = "" if verdict == "off" else f"{each.samples:,}"
        table.add_row(
            each.criterion,
            Text(verdict, style=_COLOURS[verdict]),
            *(Text(output.harmless(cell)) for cell in (each.value, each.threshold)),
            samples,
            Text(output.harmless(reason)),
        )
    head = Text(f"{_named(seen.source)} to {_named(seen.target)}, {_time(seen.look.now_ms)}")
    verdict = str(seen.judged.verdict)
    whole = Text("gate: ").append(verdict, style=f"bold {_COLOURS[verdict]}")
    whole.append(f"; {output.one_line(seen.judged.reason).removeprefix(f'{verdict}: ')}")
    return Group(head, table, whole)


def line_of(seen: "Seen") -> str:
    """The same on one line, for where there is no terminal to draw on."""
    verdict = str(seen.judged.verdict)
    reason = output.one_line(seen.judged.reason).removeprefix(f"{verdict}: ")
    return f"{_time(seen.look.now_ms)} {verdict}; {reason}"


def remarks(recorded: "Outcome | None") -> "tuple[list[Text], str]":
    """What became of the evidence, and a warning if the control log did not take it."""
    from rich.text import Text

    from streams.services.history import entry_of
    from streams.services.orders import opened

    if recorded is None:
        return [Text("  dry run: not recorded as evidence")], ""
    entry = entry_of(recorded.folded)
    if not entry.obeyed:
        return [], f"warning: not recorded as evidence: {verdict_of(entry)}"
    if entry.verdict == "unchanged":
        return [Text(f"  no newer evidence: {output.one_line(entry.why)}")], ""
    said = [f"recorded as evidence, control record {entry.offset}", *opened(recorded)]
    return [Text(f"  {output.one_line(one)}") for one in said], ""


def _named(build: tuple[str, int]) -> str:
    return f"{build[0]} build {build[1]}"


def _time(at_ms: int) -> str:
    return f"{datetime.fromtimestamp(at_ms / 1000, UTC):%Y-%m-%d %H:%M:%S}Z"
