"""How good the target's answers are: by judgments of relevance, and by what the source finds."""

import math

from schemas.evidence import GateVerdict
from streams.core.criteria.estimates import mean_interval
from streams.core.criteria.judgement import MAX_IDS, Judgement
from streams.core.criteria.limits import Limits
from streams.core.criteria.look import Look

__all__ = ["agreement", "quality"]


def quality(look: Look, limits: Limits) -> Judgement:
    """The target keeps what the source reaches, by the newest `hotswap quality`.

    The lower end of the interval must reach the threshold; the upper end below it is a failure.
    """
    least, needed = limits.quality_retention, limits.quality_queries
    found = look.quality
    threshold, thresholds = f"low ≥ {100 * least:g} %", {"low": least}
    if found is None:
        return Judgement(
            "quality",
            GateVerdict.INCONCLUSIVE,
            "not measured for these builds: run `hotswap quality`",
            value="unknown",
            threshold=threshold,
            needed=needed,
            thresholds=thresholds,
        )
    verdict, reason = GateVerdict.INCONCLUSIVE, "ask more queries: the interval holds the limit"
    if not found.labelled:
        reason = "the queries came without judgments of relevance"
    elif not all(map(math.isfinite, (found.retention, found.low, found.high))):
        reason = "the source itself found nothing relevant"
    elif found.queries < needed:
        reason = f"{found.queries:,} of {needed:,} queries"
    elif found.low >= least:
        verdict, reason = GateVerdict.SUCCESSFUL, f"{found.measure} over {found.queries:,} queries"
    elif found.high < least:
        verdict, reason = GateVerdict.FAILED, f"{found.measure} falls short"
    return Judgement(
        "quality",
        verdict,
        reason,
        value=f"{100 * found.low:.1f} to {100 * found.high:.1f} %",
        threshold=threshold,
        samples=found.queries,
        needed=needed,
        values={"retention": found.retention, "low": found.low, "high": found.high},
        thresholds=thresholds,
    )


def agreement(look: Look, limits: Limits) -> Judgement:
    """Both lanes find much the same, as far as that is asked for at all."""
    least, needed = limits.agreement, limits.samples
    known = [
        (query.overlap, query.query_id)
        for query in look.mirrored
        if query.overlap is not None and 0 <= query.overlap <= 1
    ]
    threshold, thresholds = f"mean ≥ {100 * least:g} %", {"low": least}
    if not known:
        return Judgement(
            "agreement",
            GateVerdict.INCONCLUSIVE,
            "no answers of both lanes were compared",
            value="unknown",
            threshold=threshold,
            needed=needed,
            thresholds=thresholds,
        )
    mean, low, high = mean_interval([overlap for overlap, _ in known])
    if len(known) < needed:
        verdict, reason = GateVerdict.INCONCLUSIVE, f"{len(known):,} of {needed:,} samples"
    elif low >= least:
        verdict, reason = GateVerdict.SUCCESSFUL, "of the top k, found by both"
    elif high < least:
        verdict, reason = GateVerdict.FAILED, "the lanes find different things"
    else:
        verdict, reason = GateVerdict.INCONCLUSIVE, "too few queries to tell"
    return Judgement(
        "agreement",
        verdict,
        reason,
        value=f"{100 * mean:.1f} %",
        threshold=threshold,
        samples=len(known),
        needed=needed,
        values={"mean": mean, **({"low": low, "high": high} if math.isfinite(low) else {})},
        thresholds=thresholds,
        ids=tuple(query_id for _, query_id in sorted(known)[:MAX_IDS]),
    )
