"""Progress of long work, phase by phase, on standard error: how far, how fast, how long still."""
# ruff: noqa: PLC0415 (`hotswap --help` must not wait for libraries it does not use)

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final, Protocol

from streams.cli import output
from streams.cli.recent_rate import RecentRate

__all__ = ["Phase", "Show", "progress_bars", "span"]

_STANDS_STILL: Final = 1e-3
_WHOLE_FROM: Final = 100
"""From this rate on, digits behind the point say nothing."""


class Show(Protocol):
    """Shows how far a phase is."""

    def __call__(
        self, phase: str, done: float, total: float | None, *, step: str | None = None
    ) -> None:
        """Show it.

        Args:
            phase: which one; each has a bar.
            done: of it. What is done may also become less: then it began anew.
            total: of it, as far as it is known now; None: not known.
            step: what is shown in the phase's place, if it has steps.
        """
        ...


class Phase:
    """What the bar of one phase says, as of the moment in which it is drawn.

    Args:
        clock: seconds, only forward.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._began = clock()
        self._ended: float | None = None
        self._rate = RecentRate()
        self._done = 0.0
        self._total: float | None = None

    def note(self, done: float, total: float | None) -> None:
        """Take into account how far it is."""
        at = self._clock()
        self._rate.note(at, done)
        self._done, self._total = done, total
        self._ended = at if total is not None and done >= total else None

    @property
    def count(self) -> str:
        """What is done, and of how much."""
        total = self._total
        return f"{self._done:,.0f}" if total is None else f"{self._done:,.0f}/{total:,.0f}"

    @property
    def rate(self) -> str:
        """How fast it goes; empty until that is known."""
        ended = self._ended
        rate = self._rate.per_second(self._clock() if ended is None else ended)
        if rate is None:
            return ""
        return f"{rate:,.0f}/s" if rate >= _WHOLE_FROM else f"{rate:,.1f}/s"

    @property
    def time(self) -> str:
        """How long it will still take; how long it has taken where that is not known, or over."""
        now, total, ended = self._clock(), self._total, self._ended
        if ended is not None:
            return span(ended - self._began)
        rate = self._rate.per_second(now)
        if total is None or rate is None or rate < _STANDS_STILL:
            return f"{span(now - self._began)} so far"
        return f"{span((total - self._done) / rate)} left"


@contextmanager
def progress_bars() -> Iterator[Show]:
    """One bar for each phase, gone at the end; nothing at all where nobody watches."""
    from rich import progress

    console = output.messages()
    bar = progress.Progress(
        progress.TextColumn("{task.description}", markup=False),
        progress.BarColumn(bar_width=None),
        *(
            progress.TextColumn(f"{{task.fields[phase].{said}}}", justify="right", markup=False)
            for said in ("count", "rate", "time")
        ),
        console=console,
        transient=True,
        expand=True,
        disable=not console.is_terminal,
    )
    tasks: dict[str, progress.Task] = {}
    with bar:

        def show(phase: str, done: float, total: float | None, *, step: str | None = None) -> None:
            if phase not in tasks:
                number = bar.add_task(step or phase, total=total, phase=Phase())
                tasks[phase] = next(task for task in bar.tasks if task.id == number)
            task = tasks[phase]
            task.fields["phase"].note(done, total)
            # Not by `update`, which can not make a total unknown again.
            task.completed, task.total, task.description = done, total, step or phase

        yield show


def span(seconds: float) -> str:
    """Hours, minutes and seconds: 1:02:03."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}"
