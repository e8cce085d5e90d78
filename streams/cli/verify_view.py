"""How `hotswap verify` says what it found, to people and as JSON."""
# ruff: noqa: PLC0415 (`hotswap --help` must not wait for libraries it does not use)

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Protocol

from streams.cli import output
from streams.cli.ordering_view import verdict_of
from streams.cli.progress_bars import progress_bars

if TYPE_CHECKING:
    from rich.console import Console

    from schemas import RepairReport, SourceReport, VerifyReport
    from schemas.verify import Verdict
    from streams.services.orders import Outcome
    from streams.services.verification import Progress
    from streams.services.verify_source import SourceProgress

__all__ = [
    "evidence_as_data",
    "lane_progress",
    "show_evidence",
    "show_lane",
    "show_repair",
    "show_source",
    "source_progress",
]


@contextmanager
def lane_progress(lane: str) -> "Iterator[Callable[[Progress], None]]":
    """A bar for each phase of a lane's verification."""
    with progress_bars() as bars:

        def show(at: "Progress") -> None:
            bars(f"{lane}: {at.phase}", at.done, at.total)

        yield show


@contextmanager
def source_progress() -> "Iterator[Callable[[SourceProgress], None]]":
    """A bar for each phase of each source."""
    with progress_bars() as bars:

        def show(at: "SourceProgress") -> None:
            bars(f"{at.source or 'source'}: {at.phase}", at.done, at.total)

        yield show


def show_lane(report: "VerifyReport", console: "Console") -> None:
    """Print a lane's verdict, and what it rests on."""
    build = "" if report.build == 1 else f", build {report.build}"
    _verdict(console, f"{report.lane}{build}", report.verdict, report.reason)
    seconds = report.waited_seconds + report.compared_seconds
    console.print(
        f"  {report.documents:,} documents, {report.rows:,} rows of {report.collection},"
        f" {report.newer:,} newer left out, {seconds:.1f} s",
        markup=False,
        soft_wrap=True,
    )
    if (sample := report.sample) is not None:
        least = "" if sample.least is None else f", least cosine {sample.least:.4f}"
        console.print(
            f"  {sample.embedded:,} documents embedded again, seed {sample.seed}{least}",
            markup=False,
        )
    for name, (pinned, stored) in report.fingerprint_differences.items():
        difference = f"{name}: pinned {pinned}, the collection has {stored}"
        console.print(f"  {output.one_line(difference)}", markup=False)
    _findings(console, report.counts, report.samples)


def show_repair(repair: "RepairReport", console: "Console") -> None:
    """Print what was mended, or would be."""
    named = [f"{count:,} {finding.replace('_', ' ')}" for finding, count in repair.mended.items()]
    what = ", ".join(named) or "nothing"
    if repair.rehearsed:
        console.print(f"  would mend {what}", markup=False)
    else:
        console.print(
            f"  mended {what}: {repair.written:,} rows written, {repair.deleted:,} deleted,"
            f" {repair.embedded:,} texts embedded, {repair.dead_lettered:,} dead letters,"
            f" {repair.seconds:.1f} s",
            markup=False,
        )
    for why in repair.why_left:
        console.print(f"  left alone: {output.one_line(why)}", markup=False)


def show_source(report: "SourceReport", console: "Console") -> None:
    """Print the verdict on the database against `documents`, source by source."""
    _verdict(console, "source database", report.verdict, report.reason)
    for source in report.sources:
        console.print(
            f"  {source.source}: {source.rows:,} rows of {source.table}, {source.without_text:,}"
            f" without text, {source.documents:,} documents, {source.changing:,} changing left out",
            markup=False,
        )
        _findings(console, source.counts, source.samples)


def show_evidence(outcome: "Outcome", *, json: bool) -> None:
    """Print where the verdict stands in the control log, and what it opens; or why it does not."""
    from rich.text import Text

    from streams.services.history import entry_of
    from streams.services.orders import opened

    entry = entry_of(outcome.folded)
    if not entry.obeyed:
        warning = f"warning: not recorded as evidence: {verdict_of(entry)}"
        output.messages().print(Text(warning, style="yellow"), soft_wrap=True)
        return
    if json:
        return
    console = output.console()
    if entry.verdict == "unchanged":
        console.print(Text(f"  no newer evidence: {output.one_line(entry.why)}"), soft_wrap=True)
        return
    console.print(f"  recorded as evidence, control record {entry.offset}")
    for one in opened(outcome):
        console.print(Text(f"  {output.one_line(one)}"), soft_wrap=True)


def evidence_as_data(outcome: "Outcome | None") -> dict[str, Any] | None:
    """The record of the verdict; None if there is none."""
    from streams.services.history import entry_of
    from streams.services.orders import opened

    if outcome is None:
        return None
    return {**entry_of(outcome.folded).model_dump(mode="json"), "opens": opened(outcome)}


class _Sample(Protocol):
    @property
    def id(self) -> str: ...
    @property
    def expected(self) -> str: ...
    @property
    def found(self) -> str: ...


def _verdict(console: "Console", subject: str, verdict: "Verdict", reason: str) -> None:
    from schemas.verify import Verdict

    colour = {Verdict.CLEAN: "green", Verdict.DIFFERENT: "red", Verdict.INCONCLUSIVE: "yellow"}
    console.print(f"{subject}: [{colour[verdict]}]{verdict}[/]", end="; ")
    console.print(reason, markup=False)


def _findings(
    console: "Console",
    counts: "Mapping[Any, int]",
    samples: "Mapping[Any, Sequence[_Sample]]",
) -> None:
    rows = []
    for finding, count in counts.items():
        if not count:
            continue
        head = (str(finding), f"{count:,}")
        rows += [(*head, one.id, one.expected, one.found) for one in samples.get(finding, ())] or [
            (*head, "", "", "")
        ]
    if rows:
        console.print(output.table(("finding", "count", "id", "expected", "found"), rows))
