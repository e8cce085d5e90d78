"""How the filling of a build is shown, to people and as JSON."""
# ruff: noqa: PLC0415 (`hotswap --help` must not wait for libraries it does not use)

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from streams.cli import output
from streams.cli.ordering_view import verdict_of
from streams.cli.progress_bars import span

if TYPE_CHECKING:
    from streams.services.backfill import BackfillLook
    from streams.services.orders import Outcome
    from streams.services.verify_lane import Verified

__all__ = ["as_data", "progress_of", "show", "show_verdict"]

_PLAIN_EVERY_LOOKS = 10


def as_data(
    look: "BackfillLook", verified: "Verified", outcome: "Outcome | None"
) -> dict[str, Any]:
    """The last line of JSON: `evidence` is null if the verify was not recorded."""
    from schemas import Verdict
    from streams.services.history import entry_of

    report = verified.report
    return {
        **look.model_dump(mode="json"),
        "complete": report.verdict is Verdict.CLEAN,
        "verify": report.model_dump(mode="json"),
        "evidence": None if outcome is None else entry_of(outcome.folded).model_dump(mode="json"),
    }


def show_verdict(verified: "Verified", outcome: "Outcome | None") -> None:
    """Print whether the build is complete, and what became of the evidence."""
    from rich.text import Text

    from schemas import Verdict
    from streams.services.history import entry_of

    console, report = output.console(), verified.report
    clean = report.verdict is Verdict.CLEAN
    line = Text("complete" if clean else "not complete", style="green" if clean else "red")
    line.append(f": verify {report.verdict}; {output.one_line(report.reason)}", style="default")
    console.print(line, soft_wrap=True)
    if outcome is None:
        console.print("  not recorded as evidence")
        return
    entry = entry_of(outcome.folded)
    if entry.verdict == "accepted":
        console.print(f"  recorded as evidence, control record {entry.offset}")
    else:
        console.print(Text(f"  not recorded as evidence: {verdict_of(entry)}"), soft_wrap=True)


def show(look: "BackfillLook") -> None:
    """Print one look."""
    rows = [
        ("documents with a vector", f"{look.documents:,}"),
        ("documents", f"{look.total:,}" if look.total_is_exact else f"at most {look.total:,}"),
        ("records to do", f"{sum(look.lag.values()):,}"),
        ("dead letters", f"{look.dead_letters:,}"),
        ("validation failures", f"{look.validation_failures:,}"),
        ("workers", f"{look.workers:,}"),
        *(("held up", output.one_line(why)) for why in look.hindrances),
    ]
    title = f"{look.lane} build {look.build}, {look.collection}"
    output.console().print(output.table(("what", "is"), rows, title=title))


@contextmanager
def progress_of(title: str, *, json: bool) -> "Iterator[Callable[[BackfillLook], None]]":
    """A bar that is drawn in place; lines of JSON, or now and then of text, elsewhere."""
    from rich import progress

    console = output.messages()
    bar = progress.Progress(
        progress.TextColumn("{task.description}"),
        progress.BarColumn(bar_width=None),
        progress.TextColumn("{task.fields[words]}", justify="right"),
        console=console,
        transient=True,
        expand=True,
        disable=json or not console.is_terminal,
    )
    looks, held = 0, ""
    with bar:
        task = bar.add_task(title, total=None, words="")

        def told(look: "BackfillLook") -> None:
            nonlocal looks, held
            if json:
                output.print_json({**look.model_dump(mode="json"), "complete": False}, indent=False)
                return
            words = ", ".join(_words(look))
            bar.update(task, completed=look.documents, total=max(1, look.total), words=words)
            why = "; ".join(look.hindrances) or ("" if look.workers else "no worker reports")
            if why and why != held:
                console.print(f"{title}: {output.one_line(why)}", markup=False, soft_wrap=True)
            held = why
            if not console.is_terminal and looks % _PLAIN_EVERY_LOOKS == 0:
                console.print(f"{title}: {words}", markup=False, soft_wrap=True)
            looks += 1

        yield told


def _words(look: "BackfillLook") -> list[str]:
    total = f"{look.total:,}" if look.total_is_exact else f"≤{look.total:,}"
    words = [f"{look.documents:,}/{total}"]
    if look.documents_per_second is not None:
        words.append(f"{look.documents_per_second:,.0f}/s")
    if look.seconds_left is not None:
        words.append(f"{span(look.seconds_left)} left")
    if look.dead_letters:
        words.append(f"{look.dead_letters:,} dead")
    if look.validation_failures:
        words.append(f"{look.validation_failures:,} invalid")
    return words
