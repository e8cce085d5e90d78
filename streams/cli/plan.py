"""`hotswap plan`: what the migration will cost and take, measured on a sample."""
# ruff: noqa: PLC0415 (`hotswap --help` must not wait for libraries it does not use)

from collections.abc import Iterator
from contextlib import AsyncExitStack
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from streams.cli import output, session
from streams.cli.exits import Exit
from streams.cli.progress_bars import progress_bars

if TYPE_CHECKING:
    from rich.console import Console

    from streams.config import Settings
    from streams.services.planning import Documents, LanePlan, Planned

__all__ = ["command"]

_MEGABYTE = 1_000_000


def command(
    context: typer.Context,
    *,
    sample: Annotated[
        int, typer.Option(min=2, max=10_000, help="Documents to embed, in every lane.")
    ] = 64,
    json: session.Json = False,
) -> None:
    """Estimate tokens, money, hours, room and a throttle, from real documents.

    Embeds the sample in every lane: its tokens are bought. Changes nothing. Exit status 1 if a
    lane could not be measured.
    """
    planned = session.run(_plan(session.settings(context), sample))
    if json:
        output.print_json(asdict(planned))
    else:
        _print(planned, output.console())
    for lane, why in planned.failed.items():
        output.messages().print(f"lane {lane} could not be measured: {why}", markup=False)
    if planned.failed:
        raise typer.Exit(Exit.FAILED)


async def _plan(settings: "Settings", sample: int) -> "Planned":
    from streams.services.open import open_control, open_log, open_store
    from streams.services.planning import plan

    async with AsyncExitStack() as exits:
        log = open_log(settings)
        exits.push_async_callback(log.close)
        store = open_store(settings)
        exits.push_async_callback(store.close)
        state = await open_control(settings, log).refresh()
        with progress_bars() as show:
            return await plan(settings, log, store, state, sample=sample, on_progress=show)


def _print(planned: "Planned", console: "Console") -> None:
    about = planned.documents
    console.print(
        f"{about.count:,} documents ({about.counted}); {about.sampled:,} sampled,"
        f" {about.mean_bytes:,.0f} bytes of text each on the mean",
        markup=False,
        soft_wrap=True,
    )
    for plan in planned.lanes:
        rows = list(_rows(plan, about, planned.hnsw_m))
        title = f"lane {output.one_line(plan.lane)}: {output.one_line(plan.model)}"
        console.print(output.table(("what", "how much", "from"), rows, title=title))
        for remark in plan.remarks:
            console.print(f"  to do: {output.one_line(remark)}", markup=False, soft_wrap=True)


def _rows(
    plan: "LanePlan", about: "Documents", hnsw_m: int | None
) -> Iterator[tuple[str, str, str]]:
    yield "tokens", f"{plan.tokens:,}", plan.tokens_by
    if plan.money is not None:
        yield "money", output.amount(plan.money), "tokens * price_per_million_tokens / 1,000,000"
    rate = f"{plan.documents_per_second:,.1f} documents/s measured"
    yield "backfill", output.duration(plan.hours), rate
    yield from _room(plan, about, hnsw_m)
    if plan.coverage is not None:
        word = "covers it" if plan.coverage.enough else "TOO SHORT"
        kept = f"tombstones are kept {plan.retention_hours:,.1f} h"
        yield "delete.retention.ms", word, kept
    else:
        yield "delete.retention.ms", "not known", "the topic does not tell"
    latency = plan.latency
    yield (
        "a query",
        f"{1000 * latency.idle_seconds:,.0f} ms",
        f"{1000 * latency.busy_seconds:,.0f} ms beside a call of {latency.call_inputs}",
    )
    throttle = plan.throttle.documents_per_second
    yield "throttle", "none" if throttle is None else f"{throttle:,.1f}/s", plan.throttle.why


def _room(
    plan: "LanePlan", about: "Documents", hnsw_m: int | None
) -> Iterator[tuple[str, str, str]]:
    vector, others = f"{plan.dimensions} * 4", f"{about.row_bytes:,.0f} bytes"
    links = f"{hnsw_m} * 2 * 4"
    if hnsw_m is None:
        loaded, stored = f"{vector} + {others}); no index", f"{vector} + {others})"
    else:
        loaded = f"{vector} + {links} + {others}); HNSW, M {hnsw_m}"
        stored = f"2 * {vector} + {links} + {others})"
    rows = f"{about.count:,} rows * ("
    yield "Milvus memory", f"{plan.room.memory_bytes / _MEGABYTE:,.1f} MB", f"{rows}{loaded}"
    twice = f"2 * {rows}{stored}; twice while it compacts"
    yield "Milvus disk", f"{plan.room.disk_bytes / _MEGABYTE:,.1f} MB", twice
