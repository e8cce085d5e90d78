"""Beginning another build of a lane, beside the one that serves.

The collection is made before the build is announced. After a crash in between, or if somebody
else's order was faster, there is an empty collection that the next start takes.
"""

from dataclasses import dataclass

from schemas import BuildStarted
from streams.config import Settings
from streams.core.role_names import embed_role_name
from streams.migration.verdicts import Accepted
from streams.ports import Embedder, Log, VectorStore
from streams.services.builds import Plan, new_build, refuse_leftovers
from streams.services.control import ControlLog, build_of
from streams.services.live_model import new_canaries
from streams.services.orders import Outcome, aimed, order, rehearse
from streams.services.topics import describe_all, own_topics, refuse_drift

__all__ = ["Started", "start_build"]


@dataclass(frozen=True, slots=True)
class Started:
    """What became of the order.

    Attributes:
        outcome: the fold's verdict.
        build: what the build is pinned to.
        differences: field of the fingerprint → (the serving build's, the new one's).
    """

    outcome: Outcome
    build: BuildStarted
    differences: dict[str, tuple[object, object]]

    @property
    def next_steps(self) -> tuple[str, ...]:
        """What happens by itself now, and what is left to do; empty if there is no such build."""
        if not isinstance(self.outcome.folded.verdict, Accepted):
            return ()
        lane, number = self.build.lane, self.build.build
        worker = f"hotswap worker embed {lane} --build {number}"
        verify, promote = f"{lane} --build {number}", f"{lane} {number}"
        return (
            f"`hotswap up` starts its worker by itself; otherwise run `{worker}`",
            "`hotswap status` shows how far it is; reads stay where they are meanwhile",
            f"once filled: `hotswap verify {verify}`, then `hotswap build promote {promote}`",
        )


async def start_build(
    settings: Settings,
    lane: str,
    *,
    log: Log,
    store: VectorStore,
    embedder: Embedder,
    control: ControlLog,
    by: str,
    now_ms: int,
    reason: str = "",
    dry_run: bool = False,
) -> Started:
    """Pin the lane's live model, make a collection for it, and announce the build.

    Args:
        settings: name the topics, and what the collection's name begins with.
        lane: which one; `init` has made its first build.
        log: where `documents` is.
        store: where the collection is made.
        embedder: of the model as it is configured now.
        control: is brought up to date first.
        by: who asks for it.
        now_ms: what the broker's clock might say, for a dry run; ms since the epoch.
        reason: why, for the history.
        dry_run: make nothing, embed nothing, and say what would become of the order.

    Raises:
        ConfigurationError: the lane has no build yet.
        DriftError: `documents` is not as it must be, or something stands in the build's place.
        TransientError, LaneHalted: Kafka, Milvus or the embedder does not answer as it must.
    """
    state = await control.refresh()
    serving = build_of(state, lane)
    specs = own_topics(settings)
    refuse_drift(specs, await describe_all(log, specs), settings.kafka.bootstrap)
    live = await embedder.identify()
    number = state.lanes[lane].newest + 1
    group = settings.group(embed_role_name(lane, number))
    committed = await log.committed(group, settings.kafka.topics.documents)
    plan = Plan(
        state=state,
        collection_prefix=settings.milvus.collection_prefix,
        documents_partitions=settings.kafka.topics.documents_partitions,
        groups={lane: group},
        committed={lane: sum(committed.values())},
        by=by,
        dry_run=dry_run,
    )
    canaries = () if dry_run else await new_canaries(embedder)
    build = new_build(lane, number, live, plan, canaries=canaries, reason=reason)
    await refuse_leftovers(build, store, plan)
    command = aimed(build, state)
    differences = serving.fingerprint.differences(live)
    if dry_run:
        return Started(rehearse(control, command, now_ms), build, differences)
    await store.create(build.collection, live)
    return Started(await order(control, command), build, differences)
