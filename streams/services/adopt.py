"""Taking over a collection that Hotswap did not make, without buying its vectors again.

Survey, proof, copy: nothing is written before a sample, embedded anew, has shown that the lane's
model made the vectors. The original is only read. The lane rests meanwhile: a row of an older
version must never come after one that a worker has just written.
"""

import asyncio
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from schemas import BuildStarted, WorkerReport, WorkerState
from streams.config import Settings
from streams.core.adoption import IdIs, Proof
from streams.core.role_names import embed_role_name
from streams.errors import ConfigurationError, DriftError, TransientError
from streams.ports import Embedder, ForeignCollection, ForeignId, Log, VectorStore
from streams.services.adopt_copy import Copied, Copier
from streams.services.adopt_outcome import Adoption, Taken, summarise
from streams.services.adopt_proof import Proved, Prover
from streams.services.adopt_survey import AdoptProgress, Sides, Survey, survey
from streams.services.control import ControlLog, build_of
from streams.services.live_model import live_differences
from streams.services.status import latest_reports

__all__ = ["AdoptionParts", "AdoptionWish", "adopt"]

_LOOK_SECONDS = 0.25
_LIVES_MS = 10_000


@dataclass(frozen=True, slots=True)
class AdoptionWish:
    """What is to be adopted, and how.

    Attributes:
        lane: whose serving build gets the rows.
        source: whose documents they are.
        id_is: what the foreign ids are.
        compare_texts: rows hold their text, and those with another text are left out.
        sample: rows to prove the model with.
        seed: of the sample.
        tolerance: cosine from which on two vectors count as those of one text.
        allowed_below: share of the sample that may stay below it, from 0 to 1.
        batch: rows that are written at a time.
        wait_seconds: for the lane's workers to know that it is paused.
        dry_run: write nothing; the proof is made all the same.
    """

    lane: str
    source: str
    id_is: IdIs = IdIs.KEY
    compare_texts: bool = False
    sample: int = 50
    seed: int = 0
    tolerance: float = 0.99
    allowed_below: float = 0.1
    batch: int = 500
    wait_seconds: float = 30.0
    dry_run: bool = False


@dataclass(frozen=True, slots=True)
class AdoptionParts:
    """What adopting works with. `now_ms`: the clock, ms since the epoch."""

    settings: Settings
    log: Log
    control: ControlLog
    store: VectorStore
    embedder: Embedder
    foreign: ForeignCollection
    on_progress: Callable[[AdoptProgress], None] = lambda _progress: None
    on_unmatched: Callable[[Sequence[ForeignId | None]], None] = lambda _ids: None
    now_ms: Callable[[], int] = lambda: time.time_ns() // 1_000_000


async def adopt(wish: AdoptionWish, parts: AdoptionParts) -> Adoption:
    """Adopt what can be adopted. Can be cut off anywhere and run again.

    Raises:
        ConfigurationError: the wish does not fit the configuration, the collection or the lane;
            or the lane is not paused.
        DriftError: the live model is not the one that the lane is pinned to.
        TransientError, LaneHalted, InputRefused: of the systems around; run it again.
    """
    _check_source(parts.settings, wish)
    build = build_of(await parts.control.refresh(), wish.lane)
    metric = await _check_fit(wish, build, parts)
    await _check_paused(parts.control, build)
    await _workers_know(wish, build, parts)
    topic = parts.settings.kafka.topics.documents
    sides = Sides(
        log=parts.log,
        topic=topic,
        # Not before the workers rest: all they have written is of versions below it.
        snapshot=await parts.log.ends(topic),
        store=parts.store,
        collection=build.collection,
        foreign=parts.foreign,
        source=wish.source,
        id_is=wish.id_is,
    )
    found = await survey(sides, on_progress=parts.on_progress, on_unmatched=parts.on_unmatched)
    proved = await _prove(wish, found, parts) if found.wanted else None
    refused = "" if proved is None else _refusal(proved.proof)
    copied = Copied()
    if proved is not None and not refused:
        copied = await _copier(wish, sides, build, proved, parts).copy(found, parts.on_progress)
    taken = Taken(
        original=parts.foreign.name,
        metric=metric,
        collection=build.collection,
        source=wish.source,
        lane=wish.lane,
        stale_unseen=not wish.compare_texts,
        dry_run=wish.dry_run,
    )
    return summarise(parts.settings, taken, found, proved=proved, copied=copied, refused=refused)


def _check_source(settings: Settings, wish: AdoptionWish) -> None:
    keys = {source.name: source.key for source in settings.sources}
    if wish.source not in keys:
        known = ", ".join(sorted(keys))
        raise ConfigurationError(
            f"--source {wish.source}", "there is no such source", f"choose from: {known}"
        )
    if wish.id_is is IdIs.KEY and len(keys[wish.source]) > 1:
        columns = ", ".join(keys[wish.source])
        raise ConfigurationError(
            f"--source {wish.source}",
            f"its key has several columns ({columns}), and a row's id holds one value",
            "adopt a collection whose ids are document ids, with --id-is document-id",
        )


async def _check_fit(wish: AdoptionWish, build: BuildStarted, parts: AdoptionParts) -> str:
    """Refuse a collection whose rows can not be the lane's; the metric of its index."""
    known = parts.control.state.lanes.values()
    if parts.foreign.name in {
        one.pinned.collection for lane in known for one in lane.builds.values()
    }:
        raise ConfigurationError(
            f"--collection {parts.foreign.name}",
            "is Hotswap's own, and holds its rows already",
            "name the collection that was there before Hotswap",
        )
    if differences := await live_differences(build, parts.embedder):
        raise DriftError(
            f"lane {wish.lane}, build {build.build}",
            differences,
            "put the model and its settings back as they were",
        )
    shape = await parts.foreign.shape()
    if shape.dimensions != build.fingerprint.dimensions:
        raise ConfigurationError(
            f"--collection {parts.foreign.name}",
            f"holds vectors of {shape.dimensions} dimensions, lane {wish.lane} has"
            f" {build.fingerprint.dimensions}: another model made them",
            "configure the lane with the model that made them, before `hotswap init`",
        )
    if wish.id_is is IdIs.DOCUMENT and shape.numbers:
        raise ConfigurationError(
            "--id-is document-id",
            "the ids are numbers, and a document id is none",
            "leave it out: the ids are taken for keys",
        )
    return shape.metric


async def _check_paused(control: ControlLog, build: BuildStarted) -> None:
    """Let pass only while the lane is paused, with the same build.

    Raises: ConfigurationError.
    """
    name = build.lane
    lane = (await control.refresh()).lanes[name]
    if lane.pinned != build:
        raise ConfigurationError(
            f"lane {name}", "serves another build by now", "run the command again"
        )
    if lane.paused is None:
        raise ConfigurationError(
            f"lane {name}",
            "is not paused: its workers would buy, and write, what is about to be adopted",
            f'run `hotswap pause {name} --force --reason "adopting a collection"`, and this again;'
            f" afterwards `hotswap resume {name}`",
        )


async def _workers_know(wish: AdoptionWish, build: BuildStarted, parts: AdoptionParts) -> None:
    """Wait until each living worker of the build goes by a state in which the lane is paused.

    Raises: TransientError if one does not, in time.
    """
    role = embed_role_name(wish.lane, build.build)
    version = parts.control.state.version
    clock = asyncio.get_running_loop().time
    deadline = clock() + wish.wait_seconds
    while True:
        reports = await latest_reports(parts.log, parts.settings.kafka.topics.observations)
        newest = {report.worker: report for report in reports if report.role == role}
        behind = [one for one in newest.values() if _is_behind(one, version, parts.now_ms())]
        if not behind:
            return
        if clock() >= deadline:
            names = ", ".join(f"{one.worker} at version {one.control_version}" for one in behind)
            raise TransientError(
                f"lane {wish.lane} is paused since version {version} of the control log or before,"
                f" but not all its workers know: {names}\n  remedy: end or restart them"
            )
        parts.on_progress(
            AdoptProgress("waiting for workers", len(newest) - len(behind), len(newest))
        )
        await asyncio.sleep(_LOOK_SECONDS)


def _is_behind(report: WorkerReport, version: int, now_ms: int) -> bool:
    lives = report.state is not WorkerState.STOPPED and now_ms - report.at <= _LIVES_MS
    return lives and report.control_version < version


async def _prove(wish: AdoptionWish, found: Survey, parts: AdoptionParts) -> Proved:
    prover = Prover(
        log=parts.log,
        topic=parts.settings.kafka.topics.documents,
        foreign=parts.foreign,
        embedder=parts.embedder,
        limits=parts.settings.lanes[wish.lane],
        id_is=wish.id_is,
        compare_texts=wish.compare_texts,
        budget_bytes=parts.settings.text_budget_bytes,
        size=wish.sample,
        seed=wish.seed,
        tolerance=wish.tolerance,
        allowed_below=wish.allowed_below,
    )
    parts.on_progress(AdoptProgress("embedding the sample", 0, wish.sample))
    return await prover.prove(found)


def _refusal(proof: Proof) -> str:
    """Why the sample is no proof; empty if it is one."""
    if proof.holds:
        return ""
    if not proof.similarities:
        return "no row of the sample holds the text of its document, so the model is not proven"
    return (
        f"{len(proof.below)} of {len(proof.similarities)} sampled vectors are not what the lane's"
        f" embedder makes of the documents: {proof.share_below:.0%} stay below a cosine of"
        f" {proof.tolerance:g}, {proof.allowed_below:.0%} may"
    )


def _copier(
    wish: AdoptionWish, sides: Sides, build: BuildStarted, proved: Proved, parts: AdoptionParts
) -> Copier:
    async def check() -> None:
        await _check_paused(parts.control, build)

    return Copier(
        sides=sides,
        dimensions=build.fingerprint.dimensions,
        compare_texts=wish.compare_texts,
        budget_bytes=parts.settings.text_budget_bytes,
        left_out=frozenset(id_.encode() for id_ in proved.proof.below),
        batch=wish.batch,
        check=check,
        now_ms=parts.now_ms,
        dry_run=wish.dry_run,
    )
