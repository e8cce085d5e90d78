"""`hotswap status`: how far each role is, and why one is not getting on."""
# ruff: noqa: PLC0415 (`hotswap --help` must not wait for libraries it does not use)

import asyncio
import time
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING, Annotated

import typer

from streams.cli import output, session

if TYPE_CHECKING:
    from rich.table import Table

    from streams.config import Settings
    from streams.services.status import RoleStatus, Status

__all__ = ["command"]

_EVERY_SECONDS = 1.0


def command(
    context: typer.Context,
    *,
    watch: Annotated[
        bool, typer.Option("--watch", "-w", help="Every second again, until Ctrl-C.")
    ] = False,
    json: session.Json = False,
) -> None:
    """Show each role's lag, rows, rate, and what holds it up.

    With --watch --json: one line of JSON a second.
    """
    session.run(_show(session.settings(context), watch=watch, json=json))


async def _show(settings: "Settings", *, watch: bool, json: bool) -> None:
    from rich.live import Live

    from streams.services.control import ControlLog
    from streams.services.open import open_log, open_store
    from streams.services.status import StatusSources, collect

    async with AsyncExitStack() as exits:
        log = open_log(settings)
        exits.push_async_callback(log.close)
        store = open_store(settings)
        exits.push_async_callback(store.close)
        control = ControlLog(log, settings.kafka.topics.control)

        async def look() -> "Status":
            state = await control.refresh()
            sources = StatusSources(settings, log, store, state)
            return await collect(sources, time.time_ns() // 1_000_000)

        if json:
            output.print_json(await look(), indent=not watch)
            while watch:
                await asyncio.sleep(_EVERY_SECONDS)
                output.print_json(await look(), indent=False)
            return
        first = _table(await look())
        if not watch:
            output.console().print(first)
            return
        with Live(first, console=output.console(), auto_refresh=False) as live:
            while True:
                await asyncio.sleep(_EVERY_SECONDS)
                live.update(_table(await look()), refresh=True)


def _table(status: "Status") -> "Table":
    rows = [row for role in status.roles for row in _rows(role)]
    columns = ("role", "lag", "rows", "worker", "partitions", "records/s", "state")
    return output.table(columns, rows)


def _rows(role: "RoleStatus") -> list[tuple[str, ...]]:
    rows = "" if role.rows is None else f"{role.rows:,}"
    head = (role.role, _lag(role), rows)
    if not role.workers:
        return [(*head, "none", "", "", "not running")]
    lines: list[tuple[str, ...]] = []
    for worker in role.workers:
        rate = "" if worker.records_per_second is None else f"{worker.records_per_second:,.0f}"
        state = f"{worker.state}: {worker.reason}" if worker.reason else str(worker.state)
        partitions = ", ".join(map(str, worker.partitions))
        lines.append((*head, worker.worker, partitions, rate, state))
        head = ("", "", "")
    return lines


def _lag(role: "RoleStatus") -> str:
    """The sum, and the partitions that make it up."""
    behind = [f"{partition} {lag:,}" for partition, lag in role.lag.items() if lag]
    return f"{role.total_lag:,}" + (f" ({', '.join(behind)})" if behind else "")
