"""How `hotswap build` says what came of it, to people and as JSON."""
# ruff: noqa: PLC0415 (`hotswap --help` must not wait for libraries it does not use)

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from streams.cli import ordering_view, output
from streams.cli.progress_bars import progress_bars

if TYPE_CHECKING:
    from rich.console import Console

    from schemas import BuildStarted
    from streams.services.build_drop import Dropped
    from streams.services.build_replay import Replay, ReplayProgress
    from streams.services.build_start import Started

__all__ = [
    "dropped_as_data",
    "replaying",
    "show_dropped",
    "show_replayed",
    "show_started",
    "started_as_data",
]


def started_as_data(started: "Started") -> dict[str, Any]:
    """The order's outcome, the build, and what to do next."""
    build = started.build
    return {
        **ordering_view.as_data(started.outcome),
        "lane": build.lane,
        "build": build.build,
        "collection": build.collection,
        "fingerprint": build.fingerprint,
        "differences": started.differences,
        "next": started.next_steps,
    }


def show_started(started: "Started", console: "Console") -> None:
    """Print the verdict, in what the new build's model differs, and what to do next."""
    ordering_view.show(started.outcome, console)
    if started.differences:
        rows = [(name, str(was), str(now)) for name, (was, now) in started.differences.items()]
        console.print(output.table(("model", "of the build that serves", "of this one"), rows))
    if started.outcome.rehearsed:
        _print(console, f"would fill collection {started.build.collection}")
        return
    for line in started.next_steps:
        _print(console, line)


def dropped_as_data(dropped: "Dropped") -> dict[str, Any]:
    """The order's outcome, and what became of the collection."""
    return {
        **ordering_view.as_data(dropped.outcome),
        "collection": dropped.collection,
        "rows": dropped.rows,
        "is_gone": dropped.is_gone,
        "group": dropped.group,
    }


def show_dropped(dropped: "Dropped", console: "Console") -> None:
    """Print the verdict, and what became of the collection and the consumer group."""
    ordering_view.show(dropped.outcome, console)
    rows = "is there no more" if dropped.rows is None else f"with {dropped.rows:,} rows"
    if dropped.outcome.rehearsed:
        _print(console, f"about collection {dropped.collection}: {rows}")
    elif dropped.is_gone:
        _print(console, f"collection {dropped.collection} is gone")
        _print(
            console,
            f"consumer group {dropped.group} stays in Kafka until its offsets expire; no build"
            " will ever have it again",
        )


def show_replayed(replayed: "Replay", console: "Console") -> None:
    """Print what a replay mended, or would."""
    counted = replayed.counters
    rehearsed = "dry run, nothing was done: " if replayed.rehearsed else ""
    would = "would be " if replayed.rehearsed else ""
    _print(
        console,
        f"{rehearsed}{replayed.collection}: {counted.get('records', 0):,} documents looked at,"
        f" {counted.get('written', 0):,} rows {would}written,"
        f" {counted.get('deleted', 0):,} deleted, {counted.get('embedded', 0):,} texts embedded,"
        f" {counted.get('dead_lettered', 0):,} dead letters",
    )


@contextmanager
def replaying(build: "BuildStarted") -> "Iterator[Callable[[ReplayProgress], None]]":
    """A progress bar on standard error."""
    name = f"{build.lane}, build {build.build}"
    with progress_bars() as show:
        show(name, 0, 1)
        yield lambda at: show(name, at.done, at.total)


def _print(console: "Console", line: str) -> None:
    from rich.text import Text

    console.print(Text(f"  {output.one_line(line)}"), soft_wrap=True)
