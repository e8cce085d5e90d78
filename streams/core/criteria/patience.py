"""Whether the dual-write window was long enough, and whether enough was asked meanwhile.

Too short and too little are not failures: waiting mends them.
"""

from schemas.evidence import GateVerdict
from streams.core.criteria.judgement import MAX_IDS, Judgement
from streams.core.criteria.limits import Limits
from streams.core.criteria.look import Look

__all__ = ["duration", "samples"]


def duration(look: Look, limits: Limits) -> Judgement:
    """Both lanes were written for long enough, by the broker's clock."""
    least = limits.duration_seconds
    threshold, thresholds = f"≥ {least:,} s", {"seconds": float(least)}
    if look.since_ms is None:
        return Judgement(
            "duration",
            GateVerdict.INCONCLUSIVE,
            "the target is not written in this stage",
            value="unknown",
            threshold=threshold,
            thresholds=thresholds,
        )
    seconds = (look.now_ms - look.since_ms) / 1000
    enough = seconds >= least
    return Judgement(
        "duration",
        GateVerdict.SUCCESSFUL if enough else GateVerdict.INCONCLUSIVE,
        "since the dual write began" if enough else f"{least - seconds:,.0f} s to wait",
        value=f"{seconds:,.0f} s",
        threshold=threshold,
        samples=1,
        values={"seconds": seconds},
        thresholds=thresholds,
        ids=() if look.since_offset is None else (f"control {look.since_offset}",),
    )


def samples(look: Look, limits: Limits) -> Judgement:
    """Enough queries were mirrored to the target."""
    count, least = len(look.mirrored), limits.samples
    enough = count >= max(1, least)
    if enough:
        reason = "mirrored queries in the window"
    elif count:
        reason = f"{least - count:,} queries to come"
    else:
        reason = "no query was mirrored: enter stage shadow"
    return Judgement(
        "samples",
        GateVerdict.SUCCESSFUL if enough else GateVerdict.INCONCLUSIVE,
        reason,
        value=f"{count:,}",
        threshold=f"≥ {least:,}",
        samples=count,
        needed=least,
        values={"queries": float(count)},
        thresholds={"queries": float(least)},
        ids=tuple(query.query_id for query in look.mirrored[-MAX_IDS:]),
    )
