"""Verifying one build as the settings and the control log have it, and recording the verdict."""

import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from schemas import VerifyEvidence, VerifyReport
from streams.config import Settings
from streams.core.role_names import embed_role_name
from streams.core.stored_vectors import SIMILARITY
from streams.core.verification import Suspect
from streams.ports import Embedder, Log, VectorStore
from streams.services.builds import existing_build
from streams.services.control import ControlLog
from streams.services.gate import LaneGate
from streams.services.orders import Outcome, order
from streams.services.reembedding import embed_again, refuse_another_model
from streams.services.sampling import Sampling
from streams.services.verification import Progress, verify

__all__ = ["Sample", "Verified", "record", "verify_lane"]


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


@dataclass(frozen=True, slots=True)
class Sample:
    """Documents to embed again.

    Attributes:
        embedder: of the build's model.
        size: how many; None: all.
        seed: of the draw.
        similarity: least cosine that counts as the same vector.
    """

    embedder: Embedder
    size: int | None
    seed: int = 0
    similarity: float = SIMILARITY


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
    build: int | None = None,
    sample: Sample | None = None,
    on_found: Callable[[Sequence[Suspect]], None] = lambda _found: None,
) -> Verified:
    """Compare a build of the lane with `documents` as they are now.

    Args:
        settings: name the build's group and the topics.
        lane: which one.
        control: is brought up to date first.
        log: where the topics are.
        store: where the build's collection is.
        wait_seconds: how long to wait for the lane to get as far as the snapshot.
        on_progress: called often; must return at once.
        vectors: also read and check each vector.
        build: which one; None: the one that serves.
        sample: documents to embed again; None: none.
        on_found: told of all differences, lot by lot.

    Raises: as `streams.services.verification.verify`; ConfigurationError if there is no such
        build; DriftError if the live model is not the build's, and a sample is wanted.
    """
    state = await control.refresh()
    # From here on: an order that comes while ids are compared is not covered by the verdict.
    as_of = control.fold.offset
    known = existing_build(state, lane, build)
    sampling = None
    if sample is not None:
        await refuse_another_model(known, sample.embedder)
        gate = LaneGate(lambda: control.state, lane, known.build)
        embed = embed_again(settings, known, sample.embedder, gate)
        sampling = Sampling(sample.size, sample.seed, embed, sample.similarity)
    report = await verify(
        lane=lane,
        build=known.build,
        collection=known.collection,
        fingerprint=known.fingerprint,
        group=settings.group(embed_role_name(lane, known.build)),
        topics=settings.kafka.topics,
        log=log,
        store=store,
        wait_seconds=wait_seconds,
        on_progress=on_progress,
        vectors=vectors,
        sampling=sampling,
        on_found=on_found,
    )
    return Verified(report, known.build, as_of)


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
