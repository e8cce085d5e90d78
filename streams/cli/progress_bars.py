"""Progress of long work, phase by phase, on standard error: how far, how fast, how long still."""
# ruff: noqa: PLC0415 (`hotswap --help` must not wait for libraries it does not use)

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from streams.cli import output

__all__ = ["Show", "progress_bars"]

Show = Callable[[str, float, float], None]
"""Called with a phase, what is done of it, and its total."""


@contextmanager
def progress_bars(rate_digits: int = 0) -> Iterator[Show]:
    """One bar for each phase, gone at the end; nothing at all where nobody watches.

    Args:
        rate_digits: digits behind the point of the rate.
    """
    from rich import progress

    console = output.messages()
    bar = progress.Progress(
        progress.TextColumn("{task.description}"),
        progress.BarColumn(),
        progress.TextColumn("{task.completed:,.0f}/{task.total:,.0f}"),
        progress.TextColumn("{task.fields[rate]}", justify="right"),
        progress.TimeRemainingColumn(),
        console=console,
        transient=True,
        disable=not console.is_terminal,
    )
    tasks: dict[str, Any] = {}
    with bar:

        def show(phase: str, done: float, total: float) -> None:
            if phase not in tasks:
                tasks[phase] = bar.add_task(phase, total=total, rate="")
            speed = next(one.speed for one in bar.tasks if one.id == tasks[phase])
            rate = "" if speed is None else f"{speed:,.{rate_digits}f}/s"
            bar.update(tasks[phase], completed=done, total=total, rate=rate)

        yield show
