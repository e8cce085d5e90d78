"""How a bench looks: a bar while it runs, and a table of what it found."""

from collections.abc import Sequence
from types import TracebackType
from typing import Self

from rich import box
from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    Task,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.table import Table
from rich.text import Text

from streams.bench.measure import Measure

__all__ = ["BenchProgress", "measures"]

_LARGE = 10


class _Rate(ProgressColumn):
    """Documents per second of the run so far."""

    def render(self, task: Task) -> Text:
        """Such as `1,234/s`."""
        speed = task.finished_speed or task.speed
        return Text(f"{speed:8,.0f}/s" if speed else "        /s", style="cyan")


class BenchProgress:
    """One bar, for the run that is under way; see `streams.bench.rounds.Progress`.

    Where nothing can change in place, each run is a line.
    """

    def __init__(self, console: Console) -> None:
        self._console = console
        self._bar = Progress(
            TextColumn("{task.description}"),
            BarColumn(bar_width=24),
            MofNCompleteColumn(),
            _Rate(),
            TimeElapsedColumn(),
            TextColumn("left"),
            TimeRemainingColumn(),
            console=console,
            transient=True,
        )
        self._task: TaskID | None = None

    def __enter__(self) -> Self:
        if self._console.is_terminal:
            self._bar.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._bar.stop()

    def begin(self, what: str, total: int) -> None:
        """Start a new bar."""
        if self._task is not None:
            self._bar.remove_task(self._task)
        self._task = self._bar.add_task(what, total=total)
        if not self._console.is_terminal:
            self._console.print(f"{what} ({total:,})", markup=False)

    def advance(self, count: int) -> None:
        """Move the bar."""
        if self._task is not None:
            self._bar.advance(self._task, count)


def measures(found: Sequence[Measure]) -> Table:
    """What was found, one line each."""
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    table.add_column("measure")
    for column in ("value", "reference", "unit", "ratio", "runs", "reach", ""):
        table.add_column(column, justify="left" if column == "unit" else "right", no_wrap=True)
    for each in found:
        table.add_row(
            Text(each.measure),
            _number(each.value),
            _number(each.reference),
            each.unit,
            _ratio(each.ratio),
            _runs(each),
            _reach(each),
            Text("✓", "green") if each.ok else Text("✗", "red"),
        )
    return table


def _ratio(ratio: float) -> str:
    return f"{ratio:.3g}" if ratio >= _LARGE else f"{ratio:.3f}"


def _runs(measure: Measure) -> str:
    """The least and the greatest ratio of all runs."""
    if len(measure.ratios) < 2:  # noqa: PLR2004 - one has no spread
        return ""
    return f"{_ratio(min(measure.ratios))}…{_ratio(max(measure.ratios))}"


def _reach(measure: Measure) -> str:
    if not measure.reach:
        return "none"
    return f"≤ {measure.reach:.4g}" if measure.at_most else f"≥ {measure.reach:g}"


def _number(value: float) -> str:
    return f"{value:,.0f}" if value >= _LARGE or value == int(value) else f"{value:.2f}"
