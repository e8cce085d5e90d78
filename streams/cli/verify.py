"""`hotswap verify`: a lane compared with `documents`, id by id."""
# ruff: noqa: PLC0415 (`hotswap --help` must not wait for libraries it does not use)

from collections.abc import Callable, Iterator, Sequence
from contextlib import AsyncExitStack, contextmanager
from typing import TYPE_CHECKING, Annotated

import typer

from streams.cli import output, session
from streams.cli.exits import Exit
from streams.errors import ConfigurationError

if TYPE_CHECKING:
    from rich.console import Console

    from schemas.verify import VerifyReport
    from streams.config import Settings
    from streams.services.verification import Progress

__all__ = ["command"]


def command(
    context: typer.Context,
    lane: Annotated[str | None, typer.Argument(help="The lane; all of them by default.")] = None,
    *,
    wait: Annotated[
        float, typer.Option(min=0, help="Seconds to wait for a lane that is behind.")
    ] = 60.0,
    vectors: Annotated[bool, typer.Option(help="Also read and check every vector.")] = True,
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
    reports = session.run(_verify(settings, lanes, wait, vectors=vectors))
    if json:
        output.print_json(reports)
    else:
        console = output.console()
        for report in reports:
            _print(report, console)
    if any(report.verdict is not Verdict.CLEAN for report in reports):
        raise typer.Exit(Exit.FAILED)


async def _verify(
    settings: "Settings", lanes: Sequence[str], wait: float, *, vectors: bool
) -> "list[VerifyReport]":
    from streams.services.control import ControlLog, build_of
    from streams.services.open import open_log, open_store
    from streams.services.verification import verify

    async with AsyncExitStack() as exits:
        log = open_log(settings)
        exits.push_async_callback(log.close)
        store = open_store(settings)
        exits.push_async_callback(store.close)
        state = await ControlLog(log, settings.kafka.topics.control).refresh()
        reports = []
        for lane in lanes:
            build = build_of(state, lane)
            with _progress(lane) as on_progress:
                reports.append(
                    await verify(
                        lane=lane,
                        collection=build.collection,
                        fingerprint=build.fingerprint,
                        group=settings.group(f"embed:{lane}"),
                        topics=settings.kafka.topics,
                        log=log,
                        store=store,
                        wait_seconds=wait,
                        on_progress=on_progress,
                        vectors=vectors,
                    )
                )
        return reports


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
        console.print(f"  {name}: pinned {pinned}, the collection has {stored}", markup=False)
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
