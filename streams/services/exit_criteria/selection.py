"""What counts for the exit criteria, of all that was seen: functions on values.

Counted is what was measured on the builds that serve, by processes that knew the record which
began the dual-write window, and not before the window of the newest hours.
"""

from collections.abc import Iterable

from schemas import MirroredSide, VerifyEvidence
from schemas.verify import Finding
from streams.core.criteria import Mirrored, Quality, Side, Verified
from streams.migration.state import State, verify_key
from streams.services.exit_criteria.observed import SeenQuality, SeenQuery

__all__ = ["Pair", "counted_quality", "counted_queries", "pair_of", "verified_of", "window_start"]

Pair = tuple[tuple[str, int], tuple[str, int]]
"""Lane and serving build of the source, and of the target."""


def pair_of(state: State) -> Pair | None:
    """Which builds are compared; None if there is no migration, or a lane has no build."""
    migration = state.migration
    if migration is None:
        return None
    source, target = state.lanes.get(migration.source), state.lanes.get(migration.target)
    if source is None or target is None:
        return None
    return (migration.source, source.serving), (migration.target, target.serving)


def window_start(state: State, pair: Pair) -> int | None:
    """Offset of the control record since which both lanes are as they are; None: not written."""
    source, target = (state.lanes[name] for name, _ in pair)
    if target.written_from is None:
        return None
    return max(target.written_from, target.build.since, target.serves_from, source.serves_from)


def counted_queries(
    seen: Iterable[SeenQuery], pair: Pair, since_offset: int, since_ms: int
) -> list[Mirrored]:
    """The mirrored queries that count, in the order in which they were seen."""
    counted = []
    for at, observation in seen:
        if at < since_ms or observation.flag_version < since_offset:
            continue
        sides = {side.lane: side for side in (observation.answered, observation.mirrored)}
        source, target = (_side_of(sides, lane, build) for lane, build in pair)
        if source is None or target is None:
            continue
        counted.append(
            Mirrored(
                query_id=observation.query_id,
                at=at,
                target=_timed(target),
                source=_timed(source),
                asked_beside=target is observation.mirrored,
                failure=target.failure,
                overlap=observation.overlap,
            )
        )
    return counted


def _side_of(sides: dict[str, MirroredSide], lane: str, build: int) -> MirroredSide | None:
    side = sides.get(lane)
    if side is None:
        return None
    # A failure may come before the build is known. To leave it out would be to the good.
    known = side.build == build or (side.build is None and side.failure is not None)
    return side if known else None


def _timed(side: MirroredSide) -> Side:
    # A vector that was kept from before took no time to embed, and tells nothing of the model.
    return Side(None if side.cached else side.embed_ms, side.search_ms)


def counted_quality(
    seen: Iterable[SeenQuality], pair: Pair, since_offset: int, since_ms: int
) -> Quality | None:
    """The newest run that counts."""
    newest: SeenQuality | None = None
    for run in seen:
        one = run.observation
        builds = ((one.source.lane, one.source.build), (one.target.lane, one.target.build))
        if run.at >= since_ms and one.control_version >= since_offset and builds == pair:
            newest = run
    if newest is None:
        return None
    one = newest.observation
    return Quality(one.queries, one.labelled, one.measure, one.retention, one.low, one.high)


def verified_of(state: State, lane: str, build: int, now_ms: int) -> Verified | None:
    """The newest evidence of a verify of a build."""
    recorded = state.evidence.get(verify_key(lane, build))
    if recorded is None or not isinstance(recorded.evidence, VerifyEvidence):
        return None
    evidence, known = recorded.evidence, state.lanes[lane]
    began = max(known.written_from or 0, known.builds[build].since)
    dead = evidence.counts.get(Finding.DEAD_LETTERED, 0)
    return Verified(
        verdict=evidence.verdict,
        offset=recorded.offset,
        age_seconds=max(0, now_ms - recorded.at) / 1000,
        is_after=known.written_from is not None and evidence.as_of >= began,
        documents=evidence.documents,
        dead=dead,
        wrong=sum(evidence.counts.values()) - dead,
    )
