"""How the result of `hotswap quality` looks on a terminal."""
# ruff: noqa: PLC0415 (`hotswap --help` must not wait for libraries it does not use)

from pathlib import Path
from typing import TYPE_CHECKING

from streams.cli import output

if TYPE_CHECKING:
    from rich.console import Console

    from schemas import QualityObservation
    from streams.core.intervals import Estimate
    from streams.services.quality.result import QualityResult

__all__ = ["show", "show_what_was_written"]


def show(result: "QualityResult", console: "Console") -> None:
    """The measures, what they mean, and what to know about them."""
    from rich.text import Text

    from streams.core.quality_words import interval, per_cent

    source, target = result.source.lane, result.target.lane
    if result.labelled:
        rows = [
            (
                row.measure,
                _number(row.source),
                _number(row.target),
                "-"
                if row.retention is None
                else f"{per_cent(row.retention.value)} ({interval(row.retention)})",
                f"{row.better} / {row.equal} / {row.worse}",
            )
            for row in result.measures
        ]
        heads = ("measure", source, target, "retention", "better / same / worse")
        console.print(output.table(heads, rows))
    alike = [
        (row.measure, _number(row.lanes), "-" if row.floor is None else _number(row.floor))
        for row in result.agreement
    ]
    console.print(
        output.table(("agreement", f"{source} and {target}", f"{source} asked twice"), alike)
    )
    for sentence in result.sentences:
        console.print(Text(sentence), soft_wrap=True)
    if result.sample is not None:
        near = result.sample.neighbours
        said = (
            f"Of the {near.k} nearest neighbours of a document, among {result.sample.rows:,} random"
            f" ones, both lanes have {per_cent(near.agreement)} in common; by chance it would be"
            f" {per_cent(near.by_chance)}."
        )
        console.print(Text(said), soft_wrap=True)
    for note in result.notes:
        console.print(Text(f"  note: {output.one_line(note)}", style="dim"), soft_wrap=True)
    for failure in result.failures:
        said = output.one_line(f"{failure.lane}, query {failure.query}: {failure.error}")
        console.print(Text(f"  failed: {said}", style="yellow"), soft_wrap=True)


def show_what_was_written(
    published: "QualityObservation | None", folder: Path, console: "Console", *, dry_run: bool
) -> None:
    """Where the report is, and whether the gate was told."""
    console.print(f"report: {folder / 'report.md'}", markup=False, soft_wrap=True)
    if published is not None:
        console.print("published for the gate")
    elif dry_run:
        console.print("not published for the gate (--dry-run)", markup=False)
    else:
        console.print("not published for the gate: there is no number with two ends")


def _number(estimate: "Estimate") -> str:
    return f"{estimate.value:.3f} ({estimate.low:.3f} to {estimate.high:.3f})"
