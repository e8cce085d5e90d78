"""`hotswap build`: another filling of a lane, beside the one that serves."""
# ruff: noqa: PLC0415 (`hotswap --help` must not wait for libraries it does not use)

import time
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING, Annotated, Any

import typer

from streams.cli import build_view, output, session
from streams.cli.exits import Exit
from streams.cli.ordering import (
    DryRun,
    Expect,
    ExpiresIn,
    Force,
    Manner,
    Reason,
    exit_of,
    give,
    made,
    warn_of_signatures,
)

if TYPE_CHECKING:
    from schemas import BuildDropped, Command
    from streams.config import Settings
    from streams.services.build_drop import Dropped
    from streams.services.build_replay import Replay
    from streams.services.build_start import Started

__all__ = ["app"]

app = typer.Typer(
    no_args_is_help=True,
    help="Fill a lane anew beside the build that serves, then read from the new one.",
)

Lane = Annotated[str, typer.Argument(help="The lane.")]


@app.command()
def start(
    context: typer.Context,
    lane: Lane,
    *,
    reason: Reason = "",
    dry_run: DryRun = False,
    json: session.Json = False,
) -> None:
    """Begin a build of the model as it is now, in a collection of its own.

    Reads stay where they are, and the builds that there are go on with their models.
    """
    started = session.run(_start(session.settings(context), lane, reason, dry_run=dry_run))
    if json:
        output.print_json(build_view.started_as_data(started))
    else:
        build_view.show_started(started, output.console())
    _end(exit_of(started.outcome))


@app.command()
def promote(
    context: typer.Context,
    lane: Lane,
    build: Annotated[
        int | None, typer.Argument(min=1, help="The build; by default the newest.")
    ] = None,
    *,
    reason: Reason = "",
    expect: Expect = None,
    expires_in: ExpiresIn = None,
    force: Force = False,
    dry_run: DryRun = False,
    json: session.Json = False,
) -> None:
    """Read the lane from a build from now on; it takes a clean verify of that build.

    The build that was read before is still written, so that promoting it again is a way back,
    which needs no further evidence.
    """
    number = build or session.run(_newest(session.settings(context), lane))

    def order(**fields: Any) -> "Command":  # noqa: ANN401 (the fields all orders have)
        from schemas import BuildPromoted

        return BuildPromoted(lane=lane, build=number, **fields)

    give(context, order, Manner(reason, force, dry_run, expect, expires_in, json))


@app.command()
def drop(
    context: typer.Context,
    lane: Lane,
    build: Annotated[int, typer.Argument(min=1, help="The build; not the one that serves.")],
    *,
    reason: Reason = "",
    dry_run: DryRun = False,
    json: session.Json = False,
) -> None:
    """Give a build up: its workers end, and its collection is dropped.

    A second run finishes what a first one could not.
    """
    settings = session.settings(context)
    dropped = session.run(_drop(settings, lane, build, Manner(reason, dry_run=dry_run)))
    if json:
        output.print_json(build_view.dropped_as_data(dropped))
    else:
        build_view.show_dropped(dropped, output.console())
    _end(exit_of(dropped.outcome))


@app.command()
def replay(
    context: typer.Context,
    lane: Lane,
    build: Annotated[
        int | None, typer.Argument(min=1, help="The build; by default the one that serves.")
    ] = None,
    *,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Write and embed nothing; say how much it would be.")
    ] = False,
    json: session.Json = False,
) -> None:
    """Read all documents again for a build, and write what is missing or old in it.

    May run beside the build's workers. What is stored as it should be costs no embedding call.
    """
    replayed = session.run(_replay(session.settings(context), lane, build, dry_run=dry_run))
    if json:
        output.print_json(replayed)
    else:
        build_view.show_replayed(replayed, output.console())


def _end(status: Exit) -> None:
    if status is not Exit.OK:
        raise typer.Exit(status)


async def _start(settings: "Settings", lane: str, reason: str, *, dry_run: bool) -> "Started":
    from schemas import Command
    from streams.services.build_start import start_build
    from streams.services.open import (
        lane_config,
        open_control,
        open_embedder,
        open_log,
        open_store,
    )

    lane_config(settings, lane)
    now_ms = time.time_ns() // 1_000_000
    given = made(Command, Manner(reason), now_ms)
    async with AsyncExitStack() as exits:
        embedder = open_embedder(settings, lane)
        exits.push_async_callback(embedder.close)
        log = open_log(settings)
        exits.push_async_callback(log.close)
        store = open_store(settings)
        exits.push_async_callback(store.close)
        control = open_control(settings, log)
        warn_of_signatures(settings, await control.refresh())
        return await start_build(
            settings,
            lane,
            log=log,
            store=store,
            embedder=embedder,
            control=control,
            by=given.by,
            now_ms=now_ms,
            reason=given.reason,
            dry_run=dry_run,
        )


async def _newest(settings: "Settings", lane: str) -> int:
    from streams.services.control import build_of
    from streams.services.open import open_control, open_log

    async with AsyncExitStack() as exits:
        log = open_log(settings)
        exits.push_async_callback(log.close)
        state = await open_control(settings, log).refresh()
        build_of(state, lane)
        return max(state.lanes[lane].builds)


async def _drop(settings: "Settings", lane: str, number: int, manner: Manner) -> "Dropped":
    from streams.services.build_drop import drop_build
    from streams.services.open import open_control, open_log, open_store

    def order(**fields: Any) -> "BuildDropped":  # noqa: ANN401 (the fields all orders have)
        from schemas import BuildDropped

        return BuildDropped(lane=lane, build=number, **fields)

    async with AsyncExitStack() as exits:
        log = open_log(settings)
        exits.push_async_callback(log.close)
        store = open_store(settings)
        exits.push_async_callback(store.close)
        control = open_control(settings, log)
        now_ms = time.time_ns() // 1_000_000
        dropped = await drop_build(
            settings,
            made(order, manner, now_ms),
            store=store,
            control=control,
            now_ms=now_ms,
            dry_run=manner.dry_run,
        )
        warn_of_signatures(settings, control.state)
        return dropped


async def _replay(
    settings: "Settings", lane: str, number: int | None, *, dry_run: bool
) -> "Replay":
    from streams.services.build_replay import replay_build
    from streams.services.builds import existing_build
    from streams.services.gate import LaneGate, Pace
    from streams.services.lane_parts import budget_of, lane_of
    from streams.services.open import (
        lane_config,
        open_control,
        open_embedder,
        open_log,
        open_store,
    )

    lane_config(settings, lane)
    async with AsyncExitStack() as exits:
        log = open_log(settings)
        exits.push_async_callback(log.close)
        store = open_store(settings)
        exits.push_async_callback(store.close)
        control = open_control(settings, log)
        build = existing_build(await control.refresh(), lane, number)
        embedder = open_embedder(settings, lane, build.fingerprint)
        exits.push_async_callback(embedder.close)
        gate = LaneGate(lambda: control.state, lane, build.build)
        work = lane_of(
            settings,
            build,
            log=log,
            store=store,
            embedder=embedder,
            budget=budget_of(settings, lane),
            pace=Pace(gate.documents_per_second),
        )
        with build_view.replaying(build) as on_progress:
            return await replay_build(
                settings,
                build,
                work,
                log,
                gate=gate,
                control=control,
                on_progress=on_progress,
                dry_run=dry_run,
            )
