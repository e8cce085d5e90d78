"""How the demo looks: headings, commands, bars, tables."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager

from rich import box
from rich.console import Console
from rich.markup import escape
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    SpinnerColumn,
    Task,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.rule import Rule
from rich.table import Table
from rich.text import Text

from streams.services.search import SearchResult

__all__ = ["LaneBars", "Screen"]

_QUERY = 18


class _Rate(ProgressColumn):
    """Documents per second since the lane's first ones."""

    def render(self, task: Task) -> Text:
        return Text(f"{task.fields['rate']:6.1f}/s", style="cyan")


class LaneBars:
    """One progress bar for each lane."""

    def __init__(self, progress: Progress, tasks: Mapping[str, TaskID]) -> None:
        self._progress = progress
        self._tasks = tasks
        self._first: dict[str, tuple[float, int]] = {}

    def show(self, lane: str, rows: int) -> None:
        """Move a lane's bar."""
        now = time.monotonic()
        if rows and lane not in self._first:
            self._first[lane] = (now, rows)
        then, already = self._first.get(lane, (now, 0))
        rate = (rows - already) / (now - then) if now > then else 0.0
        task = self._tasks[lane]
        if not self._progress.tasks[task].finished:
            self._progress.update(task, completed=rows, rate=rate)


class Screen:
    """Prints the story."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._started = time.monotonic()
        self._chapter = 0

    def chapter(self, title: str) -> None:
        """A heading."""
        self._chapter += 1
        elapsed = time.monotonic() - self._started
        self._console.print()
        self._console.print(
            Rule(f"[bold]{self._chapter}  {title}[/]  [dim]{elapsed:.0f} s[/]", align="left")
        )

    def typed(self, command: str) -> None:
        """A command, as it stands behind a prompt."""
        self._console.print()
        self._console.print(Text(f"$ {command}", style="bold cyan"), soft_wrap=True)

    @contextmanager
    def progress(self) -> Iterator[Callable[[str], None]]:
        """A line that says what is being done, replaced by the next; only on a terminal."""
        with self._console.status("") as status:
            yield lambda text: status.update(escape(text))

    async def countdown(self, what: str, seconds: float) -> None:
        """A bar that takes so many seconds."""
        began = time.monotonic()
        with Progress(
            TextColumn("{task.description}"),
            BarColumn(bar_width=32),
            TextColumn("{task.completed:.0f} of {task.total:.0f} s"),
            console=self._console,
        ) as progress:
            task = progress.add_task(what, total=seconds)
            while (passed := time.monotonic() - began) < seconds:
                progress.update(task, completed=passed)
                await asyncio.sleep(0.1)
            progress.update(task, completed=seconds)

    def say(self, text: str) -> None:
        """A line of text, with Rich's markup."""
        self._console.print(text, highlight=False)

    @asynccontextmanager
    async def bars(self, lanes: Sequence[str], total: int) -> AsyncIterator[LaneBars]:
        """Bars that fill while the block runs."""
        with Progress(
            SpinnerColumn(),
            TextColumn("{task.description}"),
            BarColumn(bar_width=32),
            MofNCompleteColumn(),
            _Rate(),
            TimeElapsedColumn(),
            TextColumn("left"),
            TimeRemainingColumn(),
            console=self._console,
        ) as progress:
            width = max(map(len, lanes))
            yield LaneBars(
                progress,
                {
                    lane: progress.add_task(f"{lane:<{width}}", total=total, rate=0.0)
                    for lane in lanes
                },
            )

    def searches(self, pairs: Iterable[Mapping[str, SearchResult]]) -> None:
        """The best three hits of each query, lane beside lane."""
        pairs = list(pairs)
        table = Table(box=box.SIMPLE_HEAD, pad_edge=False, expand=True)
        table.add_column("query", overflow="fold", min_width=_QUERY, max_width=_QUERY)
        for lane in pairs[0]:
            table.add_column(lane, overflow="ellipsis", no_wrap=True, ratio=1)
        for results in pairs:
            query = next(iter(results.values())).text
            table.add_row(Text(query, style="bold"), *map(_hits, results.values()))
        self._console.print(table)

    def table(self, columns: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
        """A table whose first column is text and whose others are numbers."""
        table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
        for index, column in enumerate(columns):
            table.add_column(column, justify="right" if index else "left")
        for row in rows:
            table.add_row(*(cell if isinstance(cell, str) else f"{cell:,}" for cell in row))
        self._console.print(table)


def _hits(result: SearchResult) -> Text:
    lines = []
    for hit in result.hits:
        name = hit.metadata.get("title") or hit.id
        lines.append(f"{hit.score:.2f} {name}")
    return Text("\n".join(lines) + "\n")
