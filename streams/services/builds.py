"""Builds of a lane: each one's fingerprint and collection, pinned in the control log.

Decides what a build is called in Milvus, whether what is there is still what was pinned, and what
a new build may begin on. `hotswap init` makes a lane's first one.
"""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from schemas import BuildStarted, Canary, Fingerprint
from streams.errors import ConfigurationError, DriftError
from streams.migration.state import LaneState, State
from streams.ports import Embedder, VectorStore
from streams.services.control import ControlLog, build_of
from streams.services.live_model import new_canaries
from streams.services.pinned import way_on
from streams.services.steps import Action, Step

__all__ = [
    "Plan",
    "builds_of",
    "collection_name",
    "ensure_build",
    "existing_build",
    "find_build",
    "new_build",
    "refuse_leftovers",
]

_FIRST_BUILD = 1


@dataclass(frozen=True, slots=True)
class Plan:
    """What holds for all lanes of one run."""

    state: State
    collection_prefix: str
    documents_partitions: int
    groups: Mapping[str, str]
    """Lane → the consumer group of the build that would be new."""
    committed: Mapping[str, int]
    """Lane → records of `documents` that this group has behind it."""
    by: str
    dry_run: bool


def collection_name(prefix: str, lane: str, fingerprint: Fingerprint, build: int) -> str:
    """`<prefix>_<lane>_<fp8>_<build>`: no two lanes, models or builds share one."""
    return f"{prefix}_{lane}_{fingerprint.short}_{build}"


def builds_of(state: State, lane: str) -> list[BuildStarted]:
    """What the lane's builds began with, oldest first; none if the lane is not known."""
    known = state.lanes.get(lane)
    return [] if known is None else [known.builds[number].pinned for number in sorted(known.builds)]


def find_build(state: State, lane: str, number: int | None = None) -> BuildStarted | None:
    """A build of the lane, the serving one by default; None if it was dropped.

    Raises: ConfigurationError if the lane has no build at all, or never had this one.
    """
    serving = build_of(state, lane)
    known = state.lanes[lane]
    if number is None:
        return serving
    if number in known.builds:
        return known.builds[number].pinned
    if number <= known.newest:
        return None
    there = ", ".join(map(str, sorted(known.builds)))
    raise ConfigurationError(
        f"build {number} of lane {lane}",
        "there is none",
        f"there are: {there}; `hotswap build start {lane}` begins build {known.newest + 1}",
    )


def existing_build(state: State, lane: str, number: int | None = None) -> BuildStarted:
    """The same, where only a build that is there will do.

    Raises: ConfigurationError also if it was dropped.
    """
    build = find_build(state, lane, number)
    if build is None:
        there = ", ".join(str(one.build) for one in builds_of(state, lane))
        raise ConfigurationError(
            f"build {number} of lane {lane}", "was dropped", f"there are: {there}"
        )
    return build


def new_build(
    lane: str,
    number: int,
    live: Fingerprint,
    plan: Plan,
    *,
    canaries: tuple[Canary, ...] = (),
    reason: str = "",
) -> BuildStarted:
    """The record that begins a build of what the live model is, and makes of the canaries."""
    return BuildStarted(
        id=str(uuid.uuid4()),
        by=plan.by,
        reason=reason,
        lane=lane,
        build=number,
        collection=collection_name(plan.collection_prefix, lane, live, number),
        fingerprint=live,
        documents_partitions=plan.documents_partitions,
        canaries=canaries,
    )


async def ensure_build(
    lane: str, embedder: Embedder, store: VectorStore, control: ControlLog, plan: Plan
) -> Step:
    """Start the lane's first build, or compare those it has with the live model and the store.

    The live model must be that of some build: of an old one that is still written, or of a new
    one that is being filled.

    The collection is made before the build is announced. After a crash between the two there is
    an empty collection that the next run takes, or, if the model was changed meanwhile, one that
    nothing refers to.

    Raises: DriftError, TransientError, LaneHalted.
    """
    live = await embedder.identify()
    known = plan.state.lanes.get(lane)
    if known is not None:
        return await _keep(known, live, store, plan)
    canaries = () if plan.dry_run else await new_canaries(embedder)
    build = new_build(lane, _FIRST_BUILD, live, plan, canaries=canaries)
    await refuse_leftovers(build, store, plan)
    if plan.dry_run:
        return _step(build, Action.WOULD_CREATE)
    await store.create(build.collection, live)
    await control.append(build)
    first = build_of(control.state, lane)
    if first.id != build.id:  # somebody else's init was faster, and the first one counts
        return await _keep(control.state.lanes[lane], live, store, plan)
    return _step(build, Action.CREATED)


async def _keep(known: LaneState, live: Fingerprint, store: VectorStore, plan: Plan) -> Step:
    every = [known.builds[number].pinned for number in sorted(known.builds)]
    newest = every[-1]
    name = f"lane {newest.lane}, build {newest.build}"
    if all(build.fingerprint != live for build in every):
        raise DriftError(name, newest.fingerprint.differences(live), way_on(newest.lane))
    if newest.documents_partitions != plan.documents_partitions:
        raise DriftError(
            name,
            {"partitions of documents": (newest.documents_partitions, plan.documents_partitions)},
            "rows are versioned by partition and offset: restore the topic, or fill a new"
            f" collection: `hotswap build start {newest.lane}`",
        )
    for build in every:
        await _compare(build, store)
    others = [build for build in every if build.build != known.serving]
    return _step(known.pinned, Action.KEPT, others)


async def _compare(build: BuildStarted, store: VectorStore) -> None:
    stored = await store.fingerprint(build.collection)
    found: dict[str, tuple[object, object]] = {"collection": ("present", "absent")}
    if stored is not None:
        found = build.fingerprint.differences(stored)
    if found:
        raise DriftError(
            f"collection {build.collection}",
            found,
            "restore the collection from a backup, or fill a new one beside it: `hotswap build"
            f" start {build.lane}`",
        )


async def refuse_leftovers(build: BuildStarted, store: VectorStore, plan: Plan) -> None:
    """Refuse rows and offsets that no build in the control log accounts for.

    Workers write and commit only for announced builds, so the control log is not the one it
    was. A build over old offsets would start in the middle and never be complete.

    Raises: DriftError, TransientError.
    """
    number, lane = build.build, build.lane
    why = f"the control log knows no build {number} of {lane}: restore the control topic, or"
    if await store.fingerprint(build.collection) is not None:
        rows = await store.count(build.collection)
        if rows:
            raise DriftError(
                f"collection {build.collection}",
                {"rows": (0, rows)},
                f"{why} drop the collection, or set milvus.collection_prefix to another word",
            )
    if plan.committed[build.lane]:
        group = plan.groups[build.lane]
        raise DriftError(
            f"consumer group {group}",
            {"committed records of documents": (0, plan.committed[build.lane])},
            f"{why} have the build filled from the start: kafka-consumer-groups.sh --delete"
            f" --group {group}",
        )


def _step(build: BuildStarted, action: Action, others: Sequence[BuildStarted] = ()) -> Step:
    told = [_told(build), *(f"build {other.build}: {_told(other)}" for other in others)]
    return Step(f"lane {build.lane}", action, "; ".join(told))


def _told(build: BuildStarted) -> str:
    model = f"{build.fingerprint.model}, {build.fingerprint.dimensions} dimensions"
    return f"collection {build.collection} ({model})"
