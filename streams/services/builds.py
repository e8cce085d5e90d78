"""The first build of a lane: its fingerprint and collection, pinned in the control log.

Decides what a lane is called in Milvus and whether what is there is still what was pinned.
"""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass

from schemas import BuildStarted, Fingerprint
from streams.errors import DriftError
from streams.migration.state import State
from streams.ports import Embedder, VectorStore
from streams.services.control import ControlLog, build_of
from streams.services.steps import Action, Step

__all__ = ["Plan", "collection_name", "ensure_build"]

_FIRST_BUILD = 1


@dataclass(frozen=True, slots=True)
class Plan:
    """What holds for all lanes of one run."""

    state: State
    collection_prefix: str
    documents_partitions: int
    groups: Mapping[str, str]
    """Lane → its consumer group."""
    committed: Mapping[str, int]
    """Lane → records of `documents` that its consumer group has behind it."""
    by: str
    dry_run: bool


def collection_name(prefix: str, lane: str, fingerprint: Fingerprint, build: int) -> str:
    """`<prefix>_<lane>_<fp8>_<build>`: no two lanes, models or builds share one."""
    return f"{prefix}_{lane}_{fingerprint.short}_{build}"


async def ensure_build(
    lane: str, embedder: Embedder, store: VectorStore, control: ControlLog, plan: Plan
) -> Step:
    """Start the lane's first build, or compare the one it has with the live model and store.

    The collection is made before the build is announced. After a crash between the two there
    is an empty collection that the next run takes, or, if the model was changed meanwhile, one
    that nothing refers to.

    Raises: DriftError, TransientError, LaneHalted.
    """
    live = await embedder.identify()
    known = plan.state.lanes.get(lane)
    if known is not None:
        return await _keep(known.pinned, live, store, plan)
    build = BuildStarted(
        id=str(uuid.uuid4()),
        by=plan.by,
        lane=lane,
        build=_FIRST_BUILD,
        collection=collection_name(plan.collection_prefix, lane, live, _FIRST_BUILD),
        fingerprint=live,
        documents_partitions=plan.documents_partitions,
    )
    await _refuse_leftovers(build, store, plan)
    if plan.dry_run:
        return _step(build, Action.WOULD_CREATE)
    await store.create(build.collection, live)
    await control.append(build)
    first = build_of(control.state, lane)
    if first.id != build.id:  # somebody else's init was faster, and the first one counts
        return await _keep(first, live, store, plan)
    return _step(build, Action.CREATED)


async def _keep(build: BuildStarted, live: Fingerprint, store: VectorStore, plan: Plan) -> Step:
    lane = f"lane {build.lane}"
    new_lane = "or give the lane another name, to fill a new collection beside this one"
    if differences := build.fingerprint.differences(live):
        restore = "put the model and its settings back as they were"
        raise DriftError(f"{lane}, build {build.build}", differences, f"{restore}, {new_lane}")
    if build.documents_partitions != plan.documents_partitions:
        raise DriftError(
            f"{lane}, build {build.build}",
            {"partitions of documents": (build.documents_partitions, plan.documents_partitions)},
            f"rows are versioned by partition and offset: restore the topic, {new_lane}",
        )
    stored = await store.fingerprint(build.collection)
    found: dict[str, tuple[object, object]] = {"collection": ("present", "absent")}
    if stored is not None:
        found = build.fingerprint.differences(stored)
    if found:
        remedy = f"restore the collection from a backup, {new_lane}"
        raise DriftError(f"collection {build.collection}", found, remedy)
    return _step(build, Action.KEPT)


async def _refuse_leftovers(build: BuildStarted, store: VectorStore, plan: Plan) -> None:
    """Refuse rows and offsets that no build in the control log accounts for.

    Workers write and commit only for announced builds, so the control log is not the one it
    was. A first build over old offsets would start in the middle and never be complete.
    """
    why = "the control log knows no build of this lane: restore the control topic, or"
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
            f"{why} have the lane filled from the start: kafka-consumer-groups.sh --delete"
            f" --group {group}",
        )


def _step(build: BuildStarted, action: Action) -> Step:
    model = f"{build.fingerprint.model}, {build.fingerprint.dimensions} dimensions"
    return Step(f"lane {build.lane}", action, f"collection {build.collection} ({model})")
