"""`hotswap gate`: the exit criteria of the dual-write window."""
# ruff: noqa: PLC0415 (`hotswap --help` must not wait for libraries it does not use)

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

import typer

from streams.cli import gate_view, output, session
from streams.cli.exits import Exit
from streams.cli.ordering import warn_of_signatures
from streams.errors import TransientError

if TYPE_CHECKING:
    from schemas import GateVerdict
    from streams.config import Settings
    from streams.services.control import ControlLog
    from streams.services.exit_criteria import Collector, Seen
    from streams.services.orders import Outcome

__all__ = ["command"]

_EVERY_SECONDS = 2.0


def command(
    context: typer.Context,
    *,
    watch: Annotated[
        bool, typer.Option("--watch", "-w", help="Every two seconds again, until Ctrl-C.")
    ] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Append nothing: the verdict is no evidence.")
    ] = False,
    json: session.Json = False,
) -> None:
    """Judge whether reads may move to the target, and record the verdict for the guards.

    Exit status 0 if it is Successful, 1 if it Failed, 6 if it is Inconclusive. With --watch it
    is recorded when it changes or grows old; --watch --json prints one line for each look.
    """
    settings = session.settings(context)
    if watch:
        session.run(_watch(settings, dry_run=dry_run, json=json))
        return
    status = _status(session.run(_once(settings, dry_run=dry_run, json=json)))
    if status is not Exit.OK:
        raise typer.Exit(status)


def _status(verdict: "GateVerdict") -> Exit:
    from schemas import GateVerdict

    return {
        GateVerdict.SUCCESSFUL: Exit.OK,
        GateVerdict.FAILED: Exit.FAILED,
        GateVerdict.INCONCLUSIVE: Exit.INCONCLUSIVE,
    }[verdict]


@dataclass(frozen=True, slots=True)
class _Gate:
    """A gate that can be looked at again."""

    collector: "Collector"
    control: "ControlLog"
    dry_run: bool

    async def look(self) -> "Seen":
        return await self.collector.look(quietly=self.dry_run)

    async def record(self, seen: "Seen") -> "Outcome":
        from streams.services.exit_criteria import record

        try:
            return await record(self.control, seen, session.operator())
        except TransientError as error:
            raise TransientError(
                f"the verdict {seen.judged.verdict} could not be recorded as evidence: {error}"
            ) from error


@asynccontextmanager
async def _opened(settings: "Settings", *, dry_run: bool) -> "AsyncIterator[_Gate]":
    from streams.services.exit_criteria import Collector
    from streams.services.open import open_control, open_log

    log = open_log(settings)
    try:
        control = open_control(settings, log)
        yield _Gate(Collector(settings, log, control), control, dry_run)
    finally:
        await log.close()


async def _once(settings: "Settings", *, dry_run: bool, json: bool) -> "GateVerdict":
    async with _opened(settings, dry_run=dry_run) as gate:
        seen = await gate.look()
        if not json:
            output.console().print(gate_view.screen(seen))
        recorded = None
        try:
            if not dry_run:
                warn_of_signatures(settings, seen.state)
                recorded = await gate.record(seen)
        finally:
            # What was found counts, even if it could not be recorded.
            if json:
                output.print_json(gate_view.as_data(seen, recorded))
        said, warning = gate_view.remarks(recorded)
        _warn(warning)
        if not json:
            for line in said:
                output.console().print(line, soft_wrap=True)
        return seen.judged.verdict


async def _watch(settings: "Settings", *, dry_run: bool, json: bool) -> None:
    """Look again and again: in place on a terminal, else a line for each change."""
    from rich.live import Live

    from streams.services.exit_criteria import is_due

    console = output.console()
    async with AsyncExitStack() as exits:
        gate = await exits.enter_async_context(_opened(settings, dry_run=dry_run))
        live = None
        if console.is_terminal and not json:
            live = exits.enter_context(Live(console=console, auto_refresh=False))
        said = ""
        while True:
            seen = await gate.look()
            recorded = None
            if not dry_run and is_due(seen):
                recorded = await gate.record(seen)
                _warn(gate_view.remarks(recorded)[1])
            if json:
                output.print_json(gate_view.as_data(seen, recorded), indent=False)
            elif live is not None:
                live.update(gate_view.screen(seen), refresh=True)
            elif seen.judged.reason != said:
                console.print(gate_view.line_of(seen), markup=False, soft_wrap=True)
                said = seen.judged.reason
            await asyncio.sleep(_EVERY_SECONDS)


def _warn(warning: str) -> None:
    if warning:
        output.messages().print(warning, style="yellow", markup=False, soft_wrap=True)
