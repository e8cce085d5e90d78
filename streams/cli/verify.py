"""`hotswap verify`: a lane compared with `documents`, id by id; and what differs mended."""
# ruff: noqa: PLC0415 (`hotswap --help` must not wait for libraries it does not use)

from collections.abc import Coroutine
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from streams.cli import output, session, verify_file, verify_view
from streams.cli.exits import Exit
from streams.cli.ordering import warn_of_signatures
from streams.cli.verify_outcome import Done, LaneDone
from streams.errors import ConfigurationError, TransientError

if TYPE_CHECKING:
    from schemas import SourceReport
    from streams.config import Settings
    from streams.ports import Log, VectorStore
    from streams.services.control import ControlLog
    from streams.services.orders import Outcome

__all__ = ["command"]

_ALL = "all"


def command(
    context: typer.Context,
    lane: Annotated[str | None, typer.Argument(help="The lane; all of them by default.")] = None,
    *,
    build: Annotated[
        int | None, typer.Option(min=1, help="Of the lane; the one that serves by default.")
    ] = None,
    sample: Annotated[
        str | None,
        typer.Option(
            metavar="N|all",
            help="Embed so many documents again, and compare with the stored vectors.",
        ),
    ] = None,
    seed: Annotated[
        int | None, typer.Option(min=0, max=2**62, help="Of the sample; a new one by default.")
    ] = None,
    similarity: Annotated[
        float | None,
        typer.Option(min=-1, max=1, help="Least cosine that counts as the same; 0.999 by default."),
    ] = None,
    source: Annotated[
        bool, typer.Option("--source", help="First compare the database itself with `documents`.")
    ] = False,
    repair: Annotated[
        bool, typer.Option("--repair", help="Mend what differs, and verify again.")
    ] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Mend and record nothing; say what would be mended.")
    ] = False,
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
    report: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Also write the report there, as .json or .md."),
    ] = None,
    json: session.Json = False,
) -> None:
    """Compare every id of a lane with `documents`: what is missing, extra, stale or malformed.

    Exit status 0 only if all is clean; 6 if nothing differs, but something is still behind.
    """
    settings = session.settings(context)
    wanted = _Wanted(
        _lanes(settings, lane, build),
        build=build,
        draw=_draw(sample, seed, similarity),
        wait=wait,
        source=source,
        repair=repair,
        dry_run=dry_run,
        vectors=vectors,
        evidence=evidence and vectors and not dry_run,
    )
    if not vectors and (repair or wanted.draw is not None):
        raise typer.BadParameter(
            "--repair and --sample look at the vectors: leave it out", param_hint="--no-vectors"
        )
    if report is not None:
        verify_file.must_be_writable(report)
    done = Done()
    try:
        session.run(_verify(settings, wanted, done, json=json))
    finally:
        # What was found counts, even if a later lane could not be compared or recorded.
        found = done.as_data()
        if report is not None and done.any:
            verify_file.write_report(report, found)
        if json and done.any:
            output.print_json(found if source else found["lanes"])
    if (status := done.status()) is not Exit.OK:
        raise typer.Exit(status)


@dataclass(frozen=True, slots=True)
class _Draw:
    """The sample: how many documents (None: all), by which seed, and how near."""

    size: int | None
    seed: int
    similarity: float


@dataclass(frozen=True, slots=True)
class _Wanted:
    lanes: list[str]
    build: int | None
    draw: _Draw | None
    wait: float
    source: bool
    repair: bool
    dry_run: bool
    vectors: bool
    evidence: bool


def _lanes(settings: "Settings", lane: str | None, build: int | None) -> list[str]:
    if lane is not None and lane not in settings.lanes:
        known = ", ".join(sorted(settings.lanes))
        raise ConfigurationError(f"lanes.{lane}", "there is no such lane", f"choose from: {known}")
    if lane is None and build is not None:
        raise typer.BadParameter("name the lane, too: builds are a lane's", param_hint="--build")
    return [lane] if lane is not None else list(settings.lanes)


def _draw(sample: str | None, seed: int | None, similarity: float | None) -> _Draw | None:
    from secrets import randbelow

    from streams.core.stored_vectors import SIMILARITY

    if sample is None:
        return None
    if sample != _ALL and not (sample.isascii() and sample.isdigit() and int(sample)):
        raise typer.BadParameter(
            f"{sample} is neither a number nor `{_ALL}`", param_hint="--sample"
        )
    return _Draw(
        size=None if sample == _ALL else int(sample),
        # Small enough to type.
        seed=randbelow(1_000_000) if seed is None else seed,
        similarity=SIMILARITY if similarity is None else similarity,
    )


async def _verify(settings: "Settings", wanted: _Wanted, done: Done, *, json: bool) -> None:
    from streams.services.open import open_control, open_follower, open_log, open_store
    from streams.services.verify_lane import record

    async with AsyncExitStack() as exits:
        log = open_log(settings)
        exits.push_async_callback(log.close)
        if wanted.source:
            done.source = await _source(settings, wanted, log)
            if not json:
                verify_view.show_source(done.source, output.console())
        store = open_store(settings)
        exits.push_async_callback(store.close)
        control: ControlLog = open_control(settings, log)
        if wanted.repair:
            # A repair writes, so it has to hear of a pause while it is under way.
            control = await exits.enter_async_context(open_follower(settings, log))
        for lane in wanted.lanes:
            one = await _lane(settings, wanted, lane, control, log=log, store=store)
            done.lanes.append(one)
            if not json:
                _show(one)
            if wanted.evidence:
                warn_of_signatures(settings, control.state)
                recording = record(control, one.verified, session.operator())
                one.recorded = await _record(recording, lane)
                verify_view.show_evidence(one.recorded, json=json)
            elif not json:
                output.console().print("  not recorded as evidence")


async def _source(settings: "Settings", wanted: _Wanted, log: "Log") -> "SourceReport":
    from streams.services.open import open_database
    from streams.services.verify_source import verify_source

    database = open_database(settings)
    try:
        with verify_view.source_progress() as on_progress:
            return await verify_source(
                settings, log, database, wait_seconds=wanted.wait, on_progress=on_progress
            )
    finally:
        await database.close()


async def _lane(
    settings: "Settings",
    wanted: _Wanted,
    lane: str,
    control: "ControlLog",
    *,
    log: "Log",
    store: "VectorStore",
) -> LaneDone:
    from streams.services.builds import existing_build
    from streams.services.open import open_embedder
    from streams.services.verify_and_repair import verify_and_repair
    from streams.services.verify_lane import Sample, verify_lane

    async with AsyncExitStack() as exits:
        embedder = None
        if wanted.draw is not None or wanted.repair:
            build = existing_build(await control.refresh(), lane, wanted.build)
            embedder = open_embedder(settings, lane, build.fingerprint)
            exits.push_async_callback(embedder.close)
        sample = None
        if wanted.draw is not None and embedder is not None:
            draw = wanted.draw
            sample = Sample(embedder, draw.size, draw.seed, draw.similarity)
        on_progress = exits.enter_context(verify_view.lane_progress(lane))
        if wanted.repair and embedder is not None:
            repaired = await verify_and_repair(
                settings,
                lane,
                control,
                log,
                store,
                embedder=embedder,
                wait_seconds=wanted.wait,
                on_progress=on_progress,
                build=wanted.build,
                sample=sample,
                dry_run=wanted.dry_run,
            )
            return LaneDone(repaired.after, repaired.before, repaired.repair)
        verified = await verify_lane(
            settings,
            lane,
            control,
            log,
            store,
            wait_seconds=wanted.wait,
            on_progress=on_progress,
            vectors=wanted.vectors,
            build=wanted.build,
            sample=sample,
        )
        return LaneDone(verified)


def _show(one: LaneDone) -> None:
    console = output.console()
    if one.before is not None and one.before is not one.verified:
        verify_view.show_lane(one.before.report, console)
    if one.repair is not None and not one.repair.rehearsed:
        verify_view.show_repair(one.repair, console)
    verify_view.show_lane(one.verified.report, console)
    if one.repair is not None and one.repair.rehearsed:
        verify_view.show_repair(one.repair, console)


async def _record(recording: "Coroutine[Any, Any, Outcome]", lane: str) -> "Outcome":
    try:
        return await recording
    except TransientError as error:
        raise TransientError(
            f"the verdict on {lane} could not be recorded as evidence: {error}"
        ) from error
