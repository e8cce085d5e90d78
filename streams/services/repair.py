"""Mending what a verification found, through the lane's own path: `hotswap verify --repair`.

Writes each id's newest document over its row, while the lane may be writing, too. What makes that
safe is the look at the end of `documents` after each write: whoever is newer than what was written
is written as well, and only an id that nothing came after is done. From then on the lane sees an
older row, as it should. See ops/decisions/0012-repair-goes-through-the-lane.md.
"""

import asyncio
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, cast

import numpy as np

from schemas import BuildStarted
from schemas.verify import RepairReport
from streams.adapters.partitioning import partition_of
from streams.config import Settings
from streams.core.repair import MOST_AT_ONCE, Mend, RepairPlan, plan_repair
from streams.core.verification import Suspect
from streams.errors import DriftError, TransientError
from streams.ports import Embedder, Log, LogRecord, VectorStore
from streams.services.gate import LaneGate, Pace
from streams.services.lane import Lane
from streams.services.lane_parts import budget_of, lane_of
from streams.services.overruled import Overruled
from streams.services.places import records_at
from streams.services.reembedding import SHARE, refuse_another_model

__all__ = ["Collected", "rehearsed", "repair"]

_AT_ONCE: Final = 256
_ROUNDS: Final = 10
_WAIT_SECONDS: Final = 0.2


@dataclass(slots=True)
class Collected:
    """Differences, as a verification finds them; no more than one repair mends."""

    suspects: list[Suspect] = field(default_factory=list)
    in_all: int = 0

    def add(self, found: Sequence[Suspect]) -> None:
        """Take some more."""
        self.in_all += len(found)
        self.suspects += found[: MOST_AT_ONCE - len(self.suspects)]

    def plan(self) -> RepairPlan:
        """What a repair would do."""
        return plan_repair(self.suspects, self.in_all)


def rehearsed(plan: RepairPlan) -> RepairReport:
    """What a repair would do, as a report."""
    return RepairReport(
        rehearsed=True, mended=plan.counts(), left=plan.left, why_left=tuple(plan.why_left)
    )


async def repair(
    settings: Settings,
    build: BuildStarted,
    plan: RepairPlan,
    snapshot: Mapping[int, int],
    *,
    log: Log,
    store: VectorStore,
    embedder: Embedder,
    gate: LaneGate,
    on_progress: Callable[[int], None],
) -> RepairReport:
    """Mend all that the plan names. Killed at any point, another run does the rest.

    Args:
        settings: the lane's limits, of which it keeps to half, and the topics.
        build: what is mended.
        plan: made of the differences from `documents` up to the snapshot.
        snapshot: partition → end offset.
        log: where the topics are.
        store: where the build's collection is.
        embedder: of the build's model.
        gate: of the build; a lane that rests is not mended.
        on_progress: told how many differences are done.

    Raises:
        DriftError: the collection, or the live model, is not the build's.
        TransientError: Kafka, Milvus or the embedder can not be reached, or documents change
            faster than they can be written.
        LaneHalted: the provider refuses to work.
        LanePaused: the lane rests.
    """
    started = time.monotonic()
    gate.check()
    await refuse_another_model(build, embedder)
    stored = await store.fingerprint(build.collection)
    if stored is None or (differences := build.fingerprint.differences(stored)):
        raise DriftError(
            f"collection {build.collection}",
            {"collection": ("present", "absent")} if stored is None else differences,
            f"rows of two models are never mixed: `hotswap build start {build.lane}`",
        )
    budget, pace = budget_of(settings, build.lane), Pace(gate.documents_per_second)
    budget.share(SHARE)
    pace.share(SHARE)
    overruled = Overruled(store, build.fingerprint.dimensions)
    lane = lane_of(
        settings,
        build,
        log=log,
        # All that a lane asks of a store.
        store=cast("VectorStore", overruled),
        embedder=embedder,
        budget=budget,
        pace=pace,
    )
    topic = settings.kafka.topics.documents
    run = _Run(log, topic, build, lane, overruled, gate.check, on_progress, snapshot)
    await run.mend_all(plan)
    counters = lane.counters
    return RepairReport(
        mended=plan.counts(),
        left=plan.left,
        why_left=tuple(plan.why_left),
        written=counters["written"],
        embedded=counters["embedded"],
        deleted=counters["deleted"],
        dead_lettered=counters["dead_lettered"],
        seconds=time.monotonic() - started,
    )


@dataclass(slots=True)
class _Run:
    """One repair.

    Attributes:
        log: where `documents` is.
        topic: its name.
        build: what is mended.
        lane: works on that build, over `store`.
        store: see `streams.services.overruled`.
        check: raises if the lane is to rest; called before each embedding call and write.
        on_progress: told how many differences are done.
        position: partition → how far `documents` has been read for newer records.
    """

    log: Log
    topic: str
    build: BuildStarted
    lane: Lane
    store: Overruled
    check: Callable[[], None]
    on_progress: Callable[[int], None]
    position: Mapping[int, int]
    _newest: dict[bytes, LogRecord] = field(default_factory=dict)
    _wanted: set[bytes] = field(default_factory=set)

    async def mend_all(self, plan: RepairPlan) -> None:
        self._wanted = {suspect.id.encode() for suspect, _ in plan.mends}
        for start in range(0, len(plan.mends), _AT_ONCE):
            await self._mend(plan.mends[start : start + _AT_ONCE])
            self.on_progress(min(start + _AT_ONCE, len(plan.mends)))

    async def _mend(self, lot: Sequence[tuple[Suspect, Mend]]) -> None:
        mends = {suspect.id: mend for suspect, mend in lot}
        targets = await self._targets([suspect for suspect, _ in lot])
        for attempt in range(1, _ROUNDS + 1):
            failed = await self._write(targets, mends, last=attempt == _ROUNDS)
            newer = await self._look() & targets.keys()
            if not failed and not newer:
                self._let_go(mends)
                return
            again = targets.keys() if failed else newer
            targets = {key: self._newest.get(key, targets[key]) for key in again}
        raise TransientError(
            f"lane {self.build.lane}: {len(targets)} documents, such as"
            f" {min(targets).decode()}, keep changing faster than they can be mended"
        )

    def _let_go(self, ids: Iterable[str]) -> None:
        """These are done: whatever comes for them now is for the lane."""
        keys = {id_.encode() for id_ in ids}
        self._wanted -= keys
        for key in keys:
            self._newest.pop(key, None)

    async def _targets(self, suspects: Sequence[Suspect]) -> dict[bytes, LogRecord]:
        """The newest record of each id; a delete of what has no document."""
        partitions = self.build.documents_partitions
        keys = [suspect.id.encode() for suspect in suspects]
        targets = {
            key: LogRecord(self.topic, partition_of(key, partitions), 0, key, None)
            for key, suspect in zip(keys, suspects, strict=True)
            if suspect.expected is None
        }
        places = [(one.shard, one.expected.version) for one in suspects if one.expected is not None]
        shards = np.array([shard for shard, _ in places], dtype=np.int16)
        versions = np.array([version for _, version in places], dtype=np.int64)
        async for page in records_at(self.log, self.topic, shards, versions):
            targets |= {record.key: record for record in page if record.key is not None}
        # After that, since of a place that compaction has taken there is a newer record.
        await self._look()
        return targets | {key: self._newest[key] for key in keys if key in self._newest}

    async def _write(
        self, targets: Mapping[bytes, LogRecord], mends: Mapping[str, Mend], *, last: bool
    ) -> bool:
        """Whether it has to be done again: the lane may have written in between."""
        self.store.overrule(mends)
        try:
            await self.lane.process(list(targets.values()), self.check)
        except TransientError:
            if last:
                raise
            await asyncio.sleep(_WAIT_SECONDS)
            return True
        return False

    async def _look(self) -> set[bytes]:
        """Read on to the end of `documents`; which of the ids to mend have a newer record."""
        ends = await self.log.ends(self.topic)
        if ends == self.position:
            return set()
        met: set[bytes] = set()
        async for page in self.log.read(self.topic, since=self.position, until=ends):
            for record in page:
                if record.key in self._wanted:
                    self._newest[record.key] = record
                    met.add(record.key)
        self.position = ends
        return met
