"""`hotswap backfill`: how far a lane's build is filled, until it is complete."""
# ruff: noqa: PLC0415 (`hotswap --help` must not wait for libraries it does not use)

import asyncio
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

import typer

from streams.cli import backfill_view, output, session
from streams.cli.exits import Exit
from streams.cli.ordering import warn_of_signatures
from streams.cli.progress_bars import progress_bars
from streams.errors import ConfigurationError

if TYPE_CHECKING:
    from schemas import BuildStarted
    from streams.config import Settings
    from streams.ports import Log, VectorStore
    from streams.services.backfill import Backfill, BackfillLook
    from streams.services.control import ControlLog

__all__ = ["command"]

_EVERY_SECONDS = 1.0
_VERIFY_SECONDS = 60.0


def command(
    context: typer.Context,
    lane: Annotated[
        str | None, typer.Argument(help="The lane; that which reads move to by default.")
    ] = None,
    *,
    build: Annotated[
        int | None, typer.Option("--build", min=1, help="Which build; the serving one by default.")
    ] = None,
    once: Annotated[
        bool,
        typer.Option("--once", "--no-wait", help="Look once, do not wait, and do not verify."),
    ] = False,
    evidence: Annotated[
        bool, typer.Option(help="Record the verify at the end in the control log.")
    ] = True,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Look, wait and verify all the same; record nothing.")
    ] = False,
    json: session.Json = False,
) -> None:
    """Show how far a lane is filled, and verify it once its workers have got to the end.

    Works by looking only: start it, end it and start it again as you like. With --json: a line
    for each look, then one with the outcome. Exit status 0 if the build is complete, which takes
    a clean verify; 1 if that found differences; 6 if it is not complete.
    """
    settings = session.settings(context)
    wanted = _Wanted(lane, build, once=once, evidence=evidence and not dry_run, json=json)
    status = session.run(_backfill(settings, wanted))
    if status is not Exit.OK:
        raise typer.Exit(status)


@dataclass(frozen=True, slots=True)
class _Wanted:
    lane: str | None
    build: int | None
    once: bool
    evidence: bool
    json: bool


@dataclass(frozen=True, slots=True)
class _Opened:
    settings: "Settings"
    log: "Log"
    store: "VectorStore"
    control: "ControlLog"


async def _backfill(settings: "Settings", wanted: _Wanted) -> Exit:
    from streams.services.builds import existing_build
    from streams.services.open import open_control, open_log, open_store

    async with AsyncExitStack() as exits:
        log = open_log(settings)
        exits.push_async_callback(log.close)
        store = open_store(settings)
        exits.push_async_callback(store.close)
        on = _Opened(settings, log, store, open_control(settings, log))
        state = await on.control.refresh()
        lane = wanted.lane or (state.migration.target if state.migration else None)
        if lane is None:
            raise ConfigurationError("migration", "none is defined yet", "run `hotswap init`")
        build = existing_build(state, lane, wanted.build)
        if wanted.once:
            return await _once(on, build, json=wanted.json)
        look = await _until_reached(on, build, json=wanted.json)
        return await _conclude(on, build, look, wanted)


async def _once(on: _Opened, build: "BuildStarted", *, json: bool) -> Exit:
    from streams.services.backfill import Backfill, is_proven

    async with Backfill(on.settings, on.log, on.store, build) as backfill:
        look = await _counted_look(backfill)
    complete = look.reached and is_proven(on.control.state, build)
    if json:
        output.print_json({**look.model_dump(mode="json"), "complete": complete})
    else:
        backfill_view.show(look)
        proven = "complete" if complete else "not complete"
        why = "by the newest verify" if complete else _why_not(look)
        output.console().print(f"{proven}: {why}", markup=False, soft_wrap=True)
    return Exit.OK if complete else Exit.INCONCLUSIVE


def _why_not(look: "BackfillLook") -> str:
    if not look.reached:
        return f"{sum(look.lag.values()):,} records to do"
    return f"the offsets are reached, `hotswap verify {look.lane}` has to find it clean"


async def _until_reached(on: _Opened, build: "BuildStarted", *, json: bool) -> "BackfillLook":
    """Look until the workers have done what there was when this began."""
    from streams.services.backfill import Backfill

    async with Backfill(on.settings, on.log, on.store, build) as backfill:
        with backfill_view.progress_of(f"{build.lane} build {build.build}", json=json) as show:
            while True:
                state = await on.control.refresh()
                look = await backfill.look()
                show(look)
                if look.reached:
                    break
                backfill.refuse_to_wait(look, state)
                await _pause(_EVERY_SECONDS)
        return await _counted_look(backfill)


async def _counted_look(backfill: "Backfill") -> "BackfillLook":
    """A look once the documents are counted, which takes a reading of all of them."""
    with progress_bars() as show:
        await backfill.counted(lambda done, total: show("counting documents", done, total))
    return await backfill.look()


async def _pause(seconds: float) -> None:
    await asyncio.sleep(seconds)


async def _conclude(
    on: _Opened, build: "BuildStarted", look: "BackfillLook", wanted: _Wanted
) -> Exit:
    """Verify what the offsets say is done: an offset is no proof of a row."""
    from schemas import Verdict
    from streams.services.verify_lane import record, verify_lane

    if not wanted.json:
        backfill_view.show(look)
    with progress_bars() as show:
        verified = await verify_lane(
            on.settings,
            build.lane,
            on.control,
            on.log,
            on.store,
            wait_seconds=_VERIFY_SECONDS,
            on_progress=lambda at: show(at.phase, at.done, at.total),
            build=build.build,
        )
    outcome = None
    if wanted.evidence:
        warn_of_signatures(on.settings, on.control.state)
        outcome = await record(on.control, verified, session.operator())
    verdict = verified.report.verdict
    if wanted.json:
        output.print_json(backfill_view.as_data(look, verified, outcome), indent=False)
    else:
        backfill_view.show_verdict(verified, outcome)
    if verdict is Verdict.CLEAN:
        return Exit.OK
    return Exit.FAILED if verdict is Verdict.DIFFERENT else Exit.INCONCLUSIVE
