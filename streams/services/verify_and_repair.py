"""Verifying a build, mending what differs, and verifying it again."""

from collections.abc import Callable
from dataclasses import dataclass

from schemas import RepairReport
from streams.config import Settings
from streams.ports import Embedder, Log, VectorStore
from streams.services.builds import existing_build
from streams.services.control import ControlLog
from streams.services.gate import LaneGate
from streams.services.repair import Collected, rehearsed, repair
from streams.services.verification import Phase, Progress
from streams.services.verify_lane import Sample, Verified, verify_lane

__all__ = ["Repaired", "verify_and_repair"]


@dataclass(frozen=True, slots=True)
class Repaired:
    """What came of it.

    Attributes:
        before: the verification that found what was mended.
        repair: None if there was nothing to mend.
        after: the verification that counts: of the whole build, after the repair.
    """

    before: Verified
    repair: RepairReport | None
    after: Verified


async def verify_and_repair(
    settings: Settings,
    lane: str,
    control: ControlLog,
    log: Log,
    store: VectorStore,
    *,
    embedder: Embedder,
    wait_seconds: float,
    on_progress: Callable[[Progress], None] = lambda _progress: None,
    build: int | None = None,
    sample: Sample | None = None,
    dry_run: bool = False,
) -> Repaired:
    """Verify a build with its vectors, and mend it if something differs.

    Args:
        settings: name the build's group and the topics.
        lane: which one.
        control: follows the control log, so that a pause holds the repair up, too.
        log: where the topics are.
        store: where the build's collection is.
        embedder: of the build's model.
        wait_seconds: how long to wait for the lane to get as far as each snapshot.
        on_progress: called often; must return at once.
        build: which one; None: the one that serves.
        sample: documents to embed again. The second verification draws it by the same seed, and so
            looks again at what was mended in it.
        dry_run: only say what would be done.

    Raises: as `verify_lane` and `streams.services.repair.repair`.
    """
    known = existing_build(await control.refresh(), lane, build)

    async def verified(collected: Collected) -> Verified:
        return await verify_lane(
            settings,
            lane,
            control,
            log,
            store,
            wait_seconds=wait_seconds,
            on_progress=on_progress,
            build=known.build,
            sample=sample,
            on_found=collected.add,
        )

    collected = Collected()
    before = await verified(collected)
    if before.report.fingerprint_differences:
        return Repaired(before, _refused(before, lane), before)
    plan = collected.plan()
    if not collected.in_all:
        return Repaired(before, None, before)
    if dry_run or not plan.mends:
        return Repaired(before, rehearsed(plan), before)
    done = await repair(
        settings,
        known,
        plan,
        before.report.snapshot,
        log=log,
        store=store,
        embedder=embedder,
        gate=LaneGate(lambda: control.state, lane, known.build),
        on_progress=lambda count: on_progress(Progress(Phase.MEND, count, len(plan.mends))),
    )
    return Repaired(before, done, await verified(Collected()))


def _refused(before: Verified, lane: str) -> RepairReport:
    why = (
        f"the collection is another model's, and vectors of two models are never mixed:"
        f" `hotswap build start {lane}`"
    )
    return RepairReport(rehearsed=True, mended={}, left=before.report.rows, why_left=(why,))
