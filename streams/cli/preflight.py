"""`hotswap preflight`: whether everything is ready for both lanes to be written."""
# ruff: noqa: PLC0415 (`hotswap --help` must not wait for libraries it does not use)

from contextlib import AsyncExitStack
from itertools import groupby
from typing import TYPE_CHECKING, Annotated, Any

import typer

from streams.cli import output, session
from streams.cli.exits import Exit
from streams.cli.ordering import warn_of_signatures
from streams.cli.ordering_view import verdict_of
from streams.cli.progress_bars import progress_bars
from streams.errors import TransientError

if TYPE_CHECKING:
    from rich.console import Console

    from schemas.preflight import PreflightReport
    from streams.config import Settings
    from streams.services.orders import Outcome

__all__ = ["command"]

_COLOURS = {"pass": "green", "warn": "yellow", "fail": "red"}


def command(
    context: typer.Context,
    *,
    brief: Annotated[
        bool, typer.Option("--brief", help="Make every check, and show those that did not pass.")
    ] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Make every check, and record nothing.")
    ] = False,
    json: session.Json = False,
) -> None:
    """Check sources, connector, topics, Milvus and both embedders; say what to put right.

    Makes every check, whatever fails. The verdict becomes evidence in the control log, which
    stage dualwrite asks for. Exit status 0 if no check failed; warnings are none.
    """
    from schemas import PreflightVerdict

    settings = session.settings(context)
    report = session.run(_preflight(settings, brief=brief, dry_run=dry_run, json=json))
    if report.verdict is PreflightVerdict.FAIL:
        raise typer.Exit(Exit.FAILED)


async def _preflight(
    settings: "Settings", *, brief: bool, dry_run: bool, json: bool
) -> "PreflightReport":
    from streams.services.open import open_control, open_log
    from streams.services.preflight import preflight, record

    async with AsyncExitStack() as exits:
        log = open_log(settings)
        exits.push_async_callback(log.close)
        control = open_control(settings, log)
        with progress_bars() as show:
            show("preflight", 0, None)
            report = await preflight(
                settings,
                log,
                control,
                lambda at: show("preflight", at.done, at.total, step=at.step),
            )
        if not json:
            _print(report, output.console(), brief=brief)
        recorded: Outcome | None = None
        try:
            if report.as_of is not None and not dry_run:
                warn_of_signatures(settings, control.state)
                recorded = await record(control, report, session.operator())
        except TransientError as error:
            raise TransientError(
                f"the verdict could not be recorded as evidence: {error}"
            ) from error
        finally:
            if json:
                output.print_json(_as_data(report, recorded))
    if recorded is not None:
        _print_evidence(recorded, json=json)
    elif not json:
        why = "dry run" if dry_run else "the control log can not be read"
        output.console().print(f"not recorded as evidence: {why}")
    return report


def _as_data(report: "PreflightReport", recorded: "Outcome | None") -> dict[str, Any]:
    """The report, with `evidence`: null if the verdict was not recorded."""
    from streams.services.history import entry_of
    from streams.services.orders import opened

    data = report.model_dump(mode="json")
    if recorded is None:
        return {**data, "evidence": None}
    entry = entry_of(recorded.folded).model_dump(mode="json")
    return {**data, "evidence": {**entry, "opens": opened(recorded)}}


def _print_evidence(outcome: "Outcome", *, json: bool) -> None:
    from rich.text import Text

    from streams.services.history import entry_of
    from streams.services.orders import opened

    entry = entry_of(outcome.folded)
    if not entry.obeyed:
        warning = f"warning: not recorded as evidence: {verdict_of(entry)}"
        output.messages().print(Text(warning, style="yellow"), soft_wrap=True)
    elif not json:
        console = output.console()
        console.print(f"recorded as evidence, control record {entry.offset}")
        for one in opened(outcome):
            console.print(Text(output.one_line(one)), soft_wrap=True)


def _print(report: "PreflightReport", console: "Console", *, brief: bool) -> None:
    from rich.text import Text

    from schemas import PreflightVerdict

    passed = PreflightVerdict.PASS
    shown = [check for check in report.checks if not (brief and check.outcome is passed)]
    for area, checks in groupby(shown, key=lambda check: check.area):
        table = output.table(("", "check", "seen"), (), title=area)
        for check in checks:
            seen = Text(output.one_line(check.seen))
            if check.remedy:
                seen.append(f"\n→ {output.one_line(check.remedy)}", style="bold")
            outcome = Text(check.outcome, style=_COLOURS[check.outcome])
            table.add_row(outcome, Text(output.one_line(check.check)), seen)
        console.print(table)
    _print_estimates(report, console)
    counts = ", ".join(f"{report.count(verdict)} {verdict}" for verdict in PreflightVerdict)
    line = Text("preflight: ")
    line.append(report.verdict, style=_COLOURS[report.verdict])
    line.append(f"; {counts}; {report.seconds:.1f} s")
    console.print(line)


def _print_estimates(report: "PreflightReport", console: "Console") -> None:
    if report.estimates:
        rows = [
            (
                one.lane,
                output.duration(one.hours),
                f"{one.tokens:,}",
                "-" if one.money is None else output.amount(one.money),
                f"{one.documents:,} documents at {one.documents_per_second:,.1f}/s",
            )
            for one in report.estimates
        ]
        columns = ("lane", "backfill", "tokens", "money", "from")
        console.print(output.table(columns, rows, title="estimate, at most"))
    unknown = "" if report.estimates else "no estimate: no document could be embedded yet; "
    closer = "`hotswap plan` tells money, time and room from a larger sample"
    console.print(f"{unknown}{closer}", markup=False)
