"""Giving a build up: first the record, then its collection.

The record ends the build's workers and reads of it; only what nobody is to write any more is
dropped. A run that is cut off in between is finished by the next one, which finds the build's
collection in the history of the control log.
"""

from dataclasses import dataclass

from schemas import BuildDropped, BuildStarted
from streams.config import Settings
from streams.core.role_names import embed_role_name
from streams.errors import ConfigurationError
from streams.migration.fold import Folded
from streams.migration.verdicts import Accepted, Unchanged
from streams.ports import VectorStore
from streams.services.control import ControlLog
from streams.services.orders import Outcome, aimed, order, rehearse

__all__ = ["Dropped", "drop_build"]


@dataclass(frozen=True, slots=True)
class Dropped:
    """What became of the order, and of the collection.

    Attributes:
        outcome: the fold's verdict.
        collection: the build's.
        rows: it held before; None if it was gone already.
        is_gone: whether there is none now.
        group: the consumer group of its workers, which Kafka keeps until its offsets expire.
    """

    outcome: Outcome
    collection: str
    rows: int | None
    is_gone: bool
    group: str


async def drop_build(
    settings: Settings,
    command: BuildDropped,
    *,
    store: VectorStore,
    control: ControlLog,
    now_ms: int,
    dry_run: bool = False,
) -> Dropped:
    """Order the drop, and drop the collection if that is accepted, or was before.

    Args:
        settings: name the consumer group.
        command: which build, who asks, and why.
        store: where its collection is.
        control: of which nothing was read yet.
        now_ms: what the broker's clock might say, for a dry run; ms since the epoch.
        dry_run: change nothing, and say what would become of the order.

    Raises:
        ConfigurationError: there never was such a build.
        TransientError: Kafka or Milvus does not answer; run it again.
    """
    lane, number = command.lane, command.build
    began = await _begun(control, lane)
    if number not in began:
        known = ", ".join(map(str, sorted(began))) or "none"
        raise ConfigurationError(
            f"build {number} of lane {lane}", "there never was one", f"there were: {known}"
        )
    collection = began[number].collection
    aimed_at = aimed(command, control.state)
    rows = None
    if await store.fingerprint(collection) is not None:
        rows = await store.count(collection)
    if dry_run:
        outcome = rehearse(control, aimed_at, now_ms)
    else:
        outcome = await order(control, aimed_at)
        if isinstance(outcome.folded.verdict, Accepted | Unchanged):
            _refuse_in_use(control, collection)
            await store.drop(collection)
    is_gone = await store.fingerprint(collection) is None
    return Dropped(
        outcome, collection, rows, is_gone, settings.group(embed_role_name(lane, number))
    )


async def _begun(control: ControlLog, lane: str) -> dict[int, BuildStarted]:
    """Number → what each build of the lane began with, also of those that were dropped."""
    began: dict[int, BuildStarted] = {}

    def note(folded: Folded) -> None:
        command = folded.command
        if (
            isinstance(command, BuildStarted)
            and command.lane == lane
            and isinstance(folded.verdict, Accepted)
        ):
            began[command.build] = command

    end = control.listen(note)
    try:
        await control.refresh()
    finally:
        end()
    return began


def _refuse_in_use(control: ControlLog, collection: str) -> None:
    """Never drop what another build stands on, whatever name it was given by hand."""
    for lane in control.state.lanes.values():
        for build in lane.builds.values():
            if build.pinned.collection == collection:
                raise ConfigurationError(
                    f"collection {collection}",
                    f"is that of build {build.pinned.build} of lane {build.pinned.lane}, too",
                    "it is left as it is; drop that build as well",
                )
