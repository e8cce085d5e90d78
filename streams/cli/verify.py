"""`hotswap verify`: a lane compared with `documents`, id by id."""
# ruff: noqa: PLC0415 (`hotswap --help` must not wait for libraries it does not use)

from collections.abc import Callable, Coroutine, Iterator, Sequence
from contextlib import AsyncExitStack, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any

import typer

from streams.cli import output, session
from streams.cli.exits import Exit
from streams.cli.ordering import warn_of_signatures
from streams.cli.ordering_view import verdict_of
from streams.errors import ConfigurationError, TransientError

if TYPE_CHECKING:
    from rich.console import Console

    from schemas.verify import VerifyReport
    from streams.config import Settings
    from streams.services.orders import Outcome
    from streams.services.verification import Progress
    from streams.services.verify_lane import Verified

__all__ = ["command"]


def command(
    context: typer.Context,
    lane: Annotated[str | None, typer.Argument(help="The lane; all of them by default.")] = None,
    *,
    wait: Annotated[
        float, typer.Option(min=0, help="Seconds to wait for a lane that is behind.")
    ] = 60.0,
    vectors: Annotated[
        bool,
        typer.Option(help="Also read and check every vector; without, the verdict is no evidence."),
    ] = True,
    evidence: Annotated[
        bool, typer.Option(help="Record the verdict in the control log, for the guards.")
    ] = True,
    json: session.Json = False,
) -> None:
    """Compare every id of a lane with `documents`: what is missing, extra, stale or malformed.

    Exit status 0 only if every lane is clean; a lane that is still behind is not.
    """
    from schemas.verify import Verdict

    settings = session.settings(context)
    if lane is not None and lane not in settings.lanes:
        known = ", ".join(sorted(settings.lanes))
        raise ConfigurationError(f"lanes.{lane}", "there is no such lane", f"choose from: {known}")
    lanes = [lane] if lane is not None else list(settings.lanes)
    wanted = _Wanted(lanes, wait, vectors=vectors, evidence=evidence and vectors)
    done: list[_Done] = []
    try:
        session.run(_verify(settings, wanted, done, json=json))
    finally:
        # What was found counts, even if a later lane could not be compared or recorded.
        if json and done:
            output.print_json([one.as_data() for one in done])
    if any(one.verified.report.verdict is not Verdict.CLEAN for one in done):
        raise typer.Exit(Exit.FAILED)


@dataclass(frozen=True, slots=True)
class _Wanted:
    lanes: Sequence[str]
    wait: float
    vectors: bool
    evidence: bool


@dataclass(slots=True)
class _Done:
    """One lane's verification, and its record in the control log once it stands there."""

    verified: "Verified"
    recorded: "Outcome | None" = None

    def as_data(self) -> dict[str, Any]:
        """The report, with `evidence`: null if the verdict was not recorded."""
        from streams.services.history import entry_of
        from streams.services.orders import opened

        report = self.verified.report.model_dump(mode="json")
        if self.recorded is None:
            return {**report, "evidence": None}
        entry = entry_of(self.recorded.folded).model_dump(mode="json")
        return {**report, "evidence": {**entry, "opens": opened(self.recorded)}}


async def _verify(settings: "Settings", wanted: _Wanted, done: list[_Done], *, json: bool) -> None:
    from streams.services.open import open_control, open_log, open_store
    from streams.services.verify_lane import record, verify_lane

    async with AsyncExitStack() as exits:
        log = open_log(settings)
        exits.push_async_callback(log.close)
        store = open_store(settings)
        exits.push_async_callback(store.close)
        control = open_control(settings, log)
        for lane in wanted.lanes:
            with _progress(lane) as on_progress:
                verified = await verify_lane(
                    settings,
                    lane,
                    control,
                    log,
                    store,
                    wait_seconds=wanted.wait,
                    on_progress=on_progress,
                    vectors=wanted.vectors,
                )
            one = _Done(verified)
            done.append(one)
            if not json:
                _print(verified.report, output.console())
            if wanted.evidence:
                warn_of_signatures(settings, control.state)
                one.recorded = await _record(record(control, verified, session.operator()), lane)
                _print_evidence(one.recorded, json=json)
            elif not json:
                output.console().print("  not recorded as evidence")


async def _record(recording: "Coroutine[Any, Any, Outcome]", lane: str) -> "Outcome":
    try:
        return await recording
    except TransientError as error:
        raise TransientError(
            f"the verdict on {lane} could not be recorded as evidence: {error}"
        ) from error


def _print_evidence(outcome: "Outcome", *, json: bool) -> None:
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


@contextmanager
def _progress(lane: str) -> "Iterator[Callable[[Progress], None]]":
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
    with bar:
        task = bar.add_task(lane, total=1, rate="")

        def show(at: "Progress") -> None:
            speed = bar.tasks[0].speed
            behind = ", ".join(f"{index}: {lag:,}" for index, lag in sorted(at.lag.items()))
            bar.update(
                task,
                description=f"{lane}: {at.phase}" + (f" (lag {behind})" if behind else ""),
                completed=at.done,
                total=at.total,
                rate="" if speed is None else f"{speed:,.0f}/s",
            )

        yield show


def _print(report: "VerifyReport", console: "Console") -> None:
    from schemas.verify import Verdict

    colour = {Verdict.CLEAN: "green", Verdict.DIFFERENT: "red", Verdict.INCONCLUSIVE: "yellow"}
    console.print(f"{report.lane}: [{colour[report.verdict]}]{report.verdict}[/]", end="; ")
    console.print(report.reason, markup=False)
    seconds = report.waited_seconds + report.compared_seconds
    console.print(
        f"  {report.documents:,} documents, {report.rows:,} rows of {report.collection},"
        f" {report.newer:,} newer left out, {seconds:.1f} s",
        markup=False,
    )
    for name, (pinned, stored) in report.fingerprint_differences.items():
        difference = f"{name}: pinned {pinned}, the collection has {stored}"
        console.print(f"  {output.one_line(difference)}", markup=False)
    rows = []
    for finding, count in report.counts.items():
        if not count:
            continue
        head = (finding, f"{count:,}")
        samples = report.samples.get(finding, ())
        rows += [(*head, one.id, one.expected, one.found) for one in samples] or [
            (*head, "", "", "")
        ]
    if rows:
        console.print(output.table(("finding", "count", "id", "expected", "found"), rows))
