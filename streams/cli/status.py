"""`hotswap status`: how far each role is, and why one is not getting on."""
# ruff: noqa: PLC0415 (`hotswap --help` must not wait for libraries it does not use)

import asyncio
import math
import time
from collections import Counter
from collections.abc import Sequence
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING, Annotated

import typer

from streams.cli import output, session

if TYPE_CHECKING:
    from rich.console import Group

    from streams.config import Settings
    from streams.services.migration_status import LaneStatus, MigrationStatus
    from streams.services.status import RoleStatus, Status, WorkerStatus

__all__ = ["command"]

_EVERY_SECONDS = 1.0
_OLD_SECONDS = 5.0
"""A follower asks for the end of the control log every second."""


def command(
    context: typer.Context,
    *,
    watch: Annotated[
        bool, typer.Option("--watch", "-w", help="Every second again, until Ctrl-C.")
    ] = False,
    json: session.Json = False,
) -> None:
    """Show the migration, and each role's lag, rows, rate, and what holds it up.

    With --watch --json: one line of JSON a second.
    """
    session.run(_show(session.settings(context), watch=watch, json=json))


async def _show(settings: "Settings", *, watch: bool, json: bool) -> None:
    from rich.live import Live

    from streams.services.open import open_control, open_log, open_store
    from streams.services.status import StatusSources, collect

    async with AsyncExitStack() as exits:
        log = open_log(settings)
        exits.push_async_callback(log.close)
        store = open_store(settings)
        exits.push_async_callback(store.close)
        control = open_control(settings, log)

        async def look() -> "Status":
            state = await control.refresh()
            newest = control.folded(state.version)
            changed_at = None if newest is None else newest.at
            sources = StatusSources(settings, log, store, state, changed_at)
            return await collect(sources, time.time_ns() // 1_000_000)

        if json:
            output.print_json(await look(), indent=not watch)
            while watch:
                await asyncio.sleep(_EVERY_SECONDS)
                output.print_json(await look(), indent=False)
            return
        first = _screen(await look())
        if not watch:
            output.console().print(first)
            return
        with Live(first, console=output.console(), auto_refresh=False) as live:
            while True:
                await asyncio.sleep(_EVERY_SECONDS)
                live.update(_screen(await look()), refresh=True)


def _screen(status: "Status") -> "Group":
    from rich.console import Group
    from rich.text import Text

    from streams.services.pinned import changed_in_words

    rows = [row for role in status.roles for row in _rows(role)]
    columns = ("role", "lag", "rows", "worker", "partitions", "records/s", "state")
    changed = [
        f"lane {lane}: {changed_in_words(lane, differences)}"
        for lane, differences in status.changed.items()
    ]
    head = [*_migration(status.migration), *_builds(status.roles), *changed]
    above = [Text(output.one_line(line)) for line in head]
    notes = [note for role in status.roles for note in _notes(role, status.control_version)]
    below = [Text(output.one_line(line)) for line in [*notes, *_lags(status.roles)]]
    return Group(*above, output.table(columns, rows), *below)


def _migration(migration: "MigrationStatus | None") -> list[str]:
    if migration is None:
        return ["no migration is defined: run `hotswap init`"]
    version = f"version {migration.version}"
    if migration.changed_seconds is not None:
        version += f", {output.span(migration.changed_seconds)} old"
    stage = f"stage {migration.stage} since {output.span(migration.stage_seconds)}"
    mirrored = "; mirrored to the other lane" if migration.mirrored else ""
    lines = [
        f"{stage}; from {migration.source} to {migration.target}; {version}",
        f"reads: {migration.reads_in_words}{mirrored}",
    ]
    if migration.reopened:
        lines.append(f"{migration.source} is reopened: it is written again")
    if migration.retired:
        lines.append(f"{migration.source} is retired")
    for name, lane in migration.lanes.items():
        if words := _lane(lane):
            lines.append(f"lane {name}: {'; '.join(words)}")
    return lines


def _lane(lane: "LaneStatus") -> list[str]:
    """What is worth a word: nothing of a lane that is written, verified and free."""
    words = []
    if not lane.written:
        words.append("not written in this stage")
    elif not lane.fully_written:
        words.append("not verified since its writes began")
    if lane.paused is not None:
        words.append(f"paused {lane.paused}")
    if lane.documents_per_second is not None:
        words.append(f"throttled to {lane.documents_per_second:g} documents/s")
    return words


def _rows(role: "RoleStatus") -> list[tuple[str, ...]]:
    rows = "" if role.rows is None else f"{role.rows:,}"
    head = (role.role, f"{role.total_lag:,}", rows)
    if not role.workers:
        return [(*head, "none", "", "", "not running")]
    lines: list[tuple[str, ...]] = []
    for worker in role.workers:
        rate = "" if worker.records_per_second is None else f"{worker.records_per_second:,.0f}"
        partitions = _ranges(worker.partitions)
        lines.append((*head, _own(worker.worker), partitions, rate, str(worker.state)))
        head = ("", "", "")
    return lines


def _own(worker: str) -> str:
    """The part of a worker's name that is not its role's."""
    return worker.rpartition("-")[2]


def _notes(role: "RoleStatus", version: int) -> list[str]:
    """A line for each worker of which there is more to say: whole sentences fit no column."""
    lines = []
    for worker in role.workers:
        who = role.role if len(role.workers) == 1 else f"{role.role} {_own(worker.worker)}"
        reason = f": {worker.reason}" if worker.reason else ""
        if more := reason + _behind(worker, version):
            lines.append(f"{who} is {worker.state}{more}")
    return lines


def _builds(roles: "Sequence[RoleStatus]") -> list[str]:
    """A line for each build of a lane that has several, and for one that is being filled."""
    builds = [role.build for role in roles if role.build is not None]
    several = Counter(build.lane for build in builds)
    lines = []
    for build in builds:
        if several[build.lane] == 1 and not build.is_filling:
            continue
        words = ["serves"] if build.serves else []
        if build.is_filling:
            left = "" if build.seconds_left is None else f", {output.span(build.seconds_left)} left"
            words.append(f"filling, {math.floor(build.percent)} %{left}")
        else:
            words.append("verified" if build.proven else "not verified")
        lines.append(f"build {build.build} of {build.lane}: {'; '.join(words)}")
    return lines


def _behind(worker: "WorkerStatus", version: int) -> str:
    """Whether the worker goes by an old state of the control log, or may do so."""
    behind = ""
    if worker.control_version < version:
        behind = f"; goes by control version {worker.control_version} of {version}"
    if worker.control_age_seconds > _OLD_SECONDS:
        behind += (
            f"; has not heard of the control log for {output.span(worker.control_age_seconds)}"
        )
    return behind


def _lags(roles: "Sequence[RoleStatus]") -> list[str]:
    """A line for each role that is behind: topic by topic, `partition:records`."""
    lines = []
    for role in roles:
        behind: dict[str, list[str]] = {}
        for place, lag in role.lag.items():
            topic, _, partition = place.rpartition("/")
            if lag:
                behind.setdefault(topic, []).append(f"{partition}:{lag:,}")
        if behind:
            topics = (f"{topic} {' '.join(those)}" for topic, those in behind.items())
            lines.append(f"{role.role} is behind in {', '.join(topics)}")
    return lines


def _ranges(numbers: "Sequence[int]") -> str:
    """Numbers with runs of them drawn together, such as `0-3, 7`."""
    runs: list[list[int]] = []
    for number in sorted(numbers):
        if runs and number == runs[-1][-1] + 1:
            runs[-1][1:] = [number]
        else:
            runs.append([number])
    return ", ".join("-".join(map(str, run)) for run in runs)
