"""Retiring the source lane: a last verify of the lane that stays, the order, the drop.

The order ends all that needs the lane; only then are its collections dropped. A run that is cut
off after the order is finished by the next one: the fold keeps the builds of a retired lane.
"""

from collections.abc import Callable
from contextlib import aclosing
from dataclasses import dataclass

from schemas import Retire, Verdict
from streams.config import Settings
from streams.core.estimate import milvus_room
from streams.core.role_names import embed_role_name
from streams.core.savings import Purchases, Savings, savings
from streams.errors import ConfigurationError, TransientError
from streams.migration.state import State
from streams.migration.verdicts import Accepted, Guard, Held, Unchanged
from streams.ports import Log, VectorStore
from streams.services.control import ControlLog
from streams.services.orders import Outcome, aimed, order, rehearse
from streams.services.shards import OnRead, shard_by_shard
from streams.services.verification import Progress
from streams.services.verify_lane import Verified, record, verify_lane

__all__ = ["Going", "RetireParts", "Retired", "Retirement", "foresee", "retire", "saved"]


@dataclass(frozen=True, slots=True)
class Going:
    """One build that goes.

    Attributes:
        rows: in its collection; None if that is gone already.
        vector_bytes: of its vectors alone, before indexes and replicas; None likewise.
        group: the consumer group of its workers, which Kafka keeps until its offsets expire.
    """

    build: int
    collection: str
    rows: int | None
    vector_bytes: int | None
    group: str


@dataclass(frozen=True, slots=True)
class Retirement:
    """What retiring would do.

    Attributes:
        lane: that goes.
        survivor: that stays.
        going: its builds.
        outcome: the verdict on the order, were it given now.
        possible: it would be accepted after a clean verify, which retiring itself makes.
        finishes: the order was given before, and only what it left behind is dropped.
    """

    lane: str
    survivor: str
    going: tuple[Going, ...]
    outcome: Outcome
    possible: bool
    finishes: bool


@dataclass(frozen=True, slots=True)
class Retired:
    """What retiring did.

    Attributes:
        verified: the last verify of the lane that stays; None if it was made by an earlier run.
        recorded: what became of it as evidence.
        outcome: the verdict on the order; None if it was not given, since the verify was not clean.
        dropped: collections that are gone now, by this run.
    """

    verified: Verified | None
    recorded: Outcome | None
    outcome: Outcome | None
    dropped: tuple[str, ...]

    @property
    def is_retired(self) -> bool:
        """Whether the lane is."""
        outcome = self.outcome
        return outcome is not None and isinstance(outcome.folded.verdict, Accepted | Unchanged)


@dataclass(frozen=True, slots=True)
class RetireParts:
    """What retiring works with."""

    settings: Settings
    log: Log
    control: ControlLog
    store: VectorStore
    wait_seconds: float = 60.0
    on_progress: Callable[[Progress], None] = lambda _progress: None


async def foresee(parts: RetireParts, command: Retire, now_ms: int) -> Retirement:
    """What `retire` would do. Changes nothing.

    Args:
        parts: what to look at.
        command: the order.
        now_ms: what the broker's clock might say, ms since the epoch.

    Raises:
        ConfigurationError: there is no such lane, or no migration.
        TransientError: Kafka or Milvus does not answer.
    """
    state = await parts.control.refresh()
    survivor = _survivor(state, command.lane)
    outcome = rehearse(parts.control, aimed(command, state), now_ms)
    verdict = outcome.folded.verdict
    # The verify that the guard asks for is made on the way.
    only_verify = isinstance(verdict, Held) and set(verdict.guards) <= {Guard.VERIFIED}
    finishes = isinstance(verdict, Unchanged)
    possible = finishes or only_verify or isinstance(verdict, Accepted)
    going = await _going(parts, state, command.lane)
    return Retirement(command.lane, survivor, going, outcome, possible=possible, finishes=finishes)


async def retire(parts: RetireParts, command: Retire, foreseen: Retirement) -> Retired:
    """Verify the lane that stays, give the order, drop what went.

    Raises:
        ConfigurationError: another build stands on a collection that is to go.
        TransientError: Kafka or Milvus does not answer; run it again.
    """
    command = _meant_for(command, foreseen)
    verified = recorded = None
    if not foreseen.finishes:
        verified = await verify_lane(
            parts.settings,
            foreseen.survivor,
            parts.control,
            parts.log,
            parts.store,
            wait_seconds=parts.wait_seconds,
            on_progress=parts.on_progress,
        )
        recorded = await record(parts.control, verified, command.by)
        if verified.report.verdict is not Verdict.CLEAN:
            return Retired(verified, recorded, None, ())
    outcome = await order(parts.control, command)
    done = Retired(verified, recorded, outcome, ())
    if not done.is_retired:
        return done
    dropped = await _drop(parts, foreseen)
    return Retired(verified, recorded, outcome, dropped)


async def saved(parts: RetireParts, lane: str, now_ms: int, on_read: OnRead) -> Savings:
    """What documents would cost the lane in 30 days, by what changed lately; see `core.savings`.

    Args:
        parts: `documents` is read, all of it.
        lane: whose price counts.
        now_ms: ms since the epoch.
        on_read: told how far it is.

    Raises: TransientError, ConfigurationError.
    """
    topic = parts.settings.kafka.topics.documents
    purchases = Purchases(now_ms, parts.control.state.stage_since)
    pages = shard_by_shard(parts.log, topic, await parts.log.ends(topic), on_read)
    at = -1
    async with aclosing(pages):
        async for shard, page in pages:
            if shard != at:
                purchases.begin_shard()
                at = shard
            for one in page:
                purchases.add(one.key, one.value, one.timestamp)
    config = parts.settings.lanes.get(lane)
    return savings(purchases.window, now_ms, getattr(config, "price_per_million_tokens", None))


def _survivor(state: State, lane: str) -> str:
    if state.migration is None:
        raise ConfigurationError("the migration", "none is defined", "run `hotswap init`")
    if lane not in state.lanes:
        known = ", ".join(sorted(state.lanes))
        raise ConfigurationError(f"lane {lane}", "is unknown", f"choose from: {known}")
    return state.migration.target


def _meant_for(command: Retire, foreseen: Retirement) -> Retire:
    """The order for the state that was shown; what came in between is to be looked at first."""
    meant = command.model_copy(update={"expected_version": foreseen.outcome.before.version})
    return meant if command.expected_version is None and not foreseen.finishes else command


async def _going(parts: RetireParts, state: State, lane: str) -> tuple[Going, ...]:
    found = []
    for number, build in sorted(state.lanes[lane].builds.items()):
        collection = build.pinned.collection
        rows = None
        if await parts.store.fingerprint(collection) is not None:
            rows = await parts.store.count(collection)
        room = milvus_room(rows or 0, build.pinned.fingerprint.dimensions, 0, None)
        group = parts.settings.group(embed_role_name(lane, number))
        size = None if rows is None else room.vector_bytes
        found.append(Going(number, collection, rows, size, group))
    return tuple(found)


async def _drop(parts: RetireParts, foreseen: Retirement) -> tuple[str, ...]:
    used = {
        build.pinned.collection
        for name, lane in parts.control.state.lanes.items()
        if name != foreseen.lane
        for build in lane.builds.values()
    }
    dropped: list[str] = []
    for one in foreseen.going:
        if one.collection in used:
            raise ConfigurationError(
                f"collection {one.collection}", "is another lane's, too", "it is left as it is"
            )
        if one.rows is None:
            continue
        try:
            await parts.store.drop(one.collection)
        except TransientError as error:
            raise TransientError(
                f"lane {foreseen.lane} is retired, but {one.collection} could not be dropped:"
                f" {error}\n  remedy: run `hotswap retire {foreseen.lane}` again"
            ) from error
        dropped.append(one.collection)
    return tuple(dropped)
