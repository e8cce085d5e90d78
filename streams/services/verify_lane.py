"""Verifying one lane as the settings and the control log have it, and recording the verdict."""

import uuid
from collections.abc import Callable
from dataclasses import dataclass

from schemas import VerifyEvidence, VerifyReport
from streams.config import Settings
from streams.ports import Log, VectorStore
from streams.services.control import ControlLog, build_of
from streams.services.orders import Outcome, order
from streams.services.verification import Progress, verify

__all__ = ["Verified", "record", "verify_lane"]


@dataclass(frozen=True, slots=True)
class Verified:
    """A verification, and what it may be evidence of.

    Attributes:
        report: what was found.
        build: the build whose collection was compared.
        as_of: offset of the newest control record that was known before the snapshot was taken.
    """

    report: VerifyReport
    build: int
    as_of: int


async def verify_lane(
    settings: Settings,
    lane: str,
    control: ControlLog,
    log: Log,
    store: VectorStore,
    *,
    wait_seconds: float,
    on_progress: Callable[[Progress], None] = lambda _progress: None,
    vectors: bool = True,
) -> Verified:
    """Compare the lane's serving build with `documents` as they are now.

    Args:
        settings: name the lane's group and the topics.
        lane: which one.
        control: is brought up to date first.
        log: where the topics are.
        store: where the lane's collection is.
        wait_seconds: how long to wait for the lane to get as far as the snapshot.
        on_progress: called often; must return at once.
        vectors: also read and check each vector.

    Raises: as `streams.services.verification.verify`, and ConfigurationError if no build of the
        lane was ever started.
    """
    state = await control.refresh()
    # From here on: an order that comes while ids are compared is not covered by the verdict.
    as_of = control.fold.offset
    build = build_of(state, lane)
    report = await verify(
        lane=lane,
        collection=build.collection,
        fingerprint=build.fingerprint,
        group=settings.group(f"embed:{lane}"),
        topics=settings.kafka.topics,
        log=log,
        store=store,
        wait_seconds=wait_seconds,
        on_progress=on_progress,
        vectors=vectors,
    )
    return Verified(report, build.build, as_of)


async def record(control: ControlLog, verified: Verified, by: str) -> Outcome:
    """Append the verdict to the control log as evidence, and tell what became of it.

    Args:
        control: the log that `as_of` is an offset of.
        verified: a verification that looked at the vectors, too.
        by: who verified.

    Raises:
        TransientError: whether it was recorded is not known.
        ValueError: the vectors were left out, and a verdict without them proves too little.
    """
    report = verified.report
    if not report.vectors_checked:
        raise ValueError("a verify that left the vectors out is no evidence")
    evidence = VerifyEvidence(
        id=str(uuid.uuid4()),
        by=by,
        as_of=verified.as_of,
        lane=report.lane,
        build=verified.build,
        verdict=report.verdict,
        documents=report.documents,
        rows=report.rows,
        counts={finding: count for finding, count in report.counts.items() if count},
    )
    return await order(control, evidence)
