"""How the stack looks: parts while they start or end, and a summary of all."""

import time
from types import TracebackType
from typing import Self

from rich import box
from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.spinner import Spinner
from rich.table import Table
from rich.text import Text

from streams.stack.status import PARTS, PartEvent, Phase, StackStatus

__all__ = ["Progress", "summary"]

_DONE: dict[Phase, tuple[str, str]] = {
    "ready": ("✓", "green"),
    "kept": ("✓", "green"),
    "failed": ("✗", "red"),
}
_WORDS: dict[Phase, str] = {"resolving": "downloading", "kept": "runs already"}


class Progress:
    """One line for each part: a spinner while it is at work, then a tick.

    On a terminal the lines change in place; elsewhere each step that says something new is
    printed once.
    """

    def __init__(self, console: Console) -> None:
        self._console = console
        self._began: dict[str, float] = {}
        self._took: dict[str, float] = {}
        self._events: dict[str, PartEvent] = {}
        self._spinner = Spinner("dots", style="cyan")
        self._live = Live(console=console, get_renderable=self._render, refresh_per_second=10)

    def __enter__(self) -> Self:
        if self._console.is_terminal:
            self._live.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._live.is_started:
            self._live.stop()

    def show(self, event: PartEvent) -> None:
        """Take an event."""
        before = self._events.get(event.part)
        self._events[event.part] = event
        now = time.monotonic()
        self._took[event.part] = now - self._began.setdefault(event.part, now)
        if not self._live.is_started and (before is None or before.phase != event.phase):
            self._console.print(f"{event.part:<9} {_words(event)}", markup=False)

    def _render(self) -> RenderableType:
        table = Table.grid(padding=(0, 1))
        for part in PARTS:
            event = self._events.get(part)
            if event is None:
                continue
            mark: RenderableType = self._spinner
            seconds = time.monotonic() - self._began[part]
            if event.phase in _DONE:
                mark, seconds = Text(*_DONE[event.phase]), self._took[part]
            table.add_row(mark, part, Text(f"{seconds:.0f} s", "dim"), _words(event))
        return table


def summary(status: StackStatus) -> RenderableType:
    """Which parts run, and where everything is."""
    ends = status.endpoints
    addresses = {
        "kafka": ends.kafka_bootstrap,
        "connect": ends.connect_url,
        "postgres": ends.postgres_dsn,
        "milvus": ends.milvus_uri,
        "cloud": ends.cloud_url,
        "ollama": ends.ollama_url,
    }
    table = Table(box=box.SIMPLE_HEAD)
    for column in ("part", "state", "pid", "address"):
        table.add_column(column, no_wrap=True)
    for each in status.parts:
        colour = "green" if each.state == "running" else "dim"
        pid = str(each.pid or "")
        table.add_row(each.part, Text(each.state, colour), pid, Text(addresses[each.part]))
    notes = [f"{each.part}: {each.detail}" for each in status.parts if each.detail]
    folders = [f"data: {ends.data_dir}", f"logs: {ends.log_dir}"]
    return Group(table, Text("\n".join(f"  {line}" for line in notes + folders)))


def _words(event: PartEvent) -> str:
    words = _WORDS.get(event.phase, event.phase)
    return f"{words}, {event.message}" if event.message else words
