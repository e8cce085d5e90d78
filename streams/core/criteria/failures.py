"""How often the target does not answer a mirrored query: errors, and answers that come late.

The interval of the rate decides. Its upper end must reach the limit to be good, its lower end
must be beyond it to be bad; in between, more queries have to tell.
"""

from collections.abc import Callable

from schemas.evidence import GateVerdict
from schemas.search import Why
from streams.core.criteria.estimates import wilson
from streams.core.criteria.judgement import MAX_IDS, Judgement
from streams.core.criteria.limits import Limits
from streams.core.criteria.look import Look

__all__ = ["errors", "timeouts"]


def errors(look: Look, limits: Limits) -> Judgement:
    """The target answers, whatever it finds."""
    return _rate(
        "errors", look, lambda why: why is not Why.DEADLINE, limits.error_rate, limits.samples
    )


def timeouts(look: Look, limits: Limits) -> Judgement:
    """The target answers before its deadline."""
    return _rate(
        "timeouts", look, lambda why: why is Why.DEADLINE, limits.timeout_rate, limits.samples
    )


def _rate(
    name: str, look: Look, counts: Callable[[Why], bool], limit: float, needed: int
) -> Judgement:
    asked = [query for query in look.mirrored if query.asked_beside]
    hits = [query for query in asked if query.failure is not None and counts(query.failure)]
    low, high = wilson(len(hits), len(asked))
    if not asked:
        verdict, reason = GateVerdict.INCONCLUSIVE, "no query was mirrored to the target"
    elif high <= limit:
        verdict, reason = GateVerdict.SUCCESSFUL, f"{len(hits):,} of {len(asked):,}"
    elif low > limit:
        whys = sorted({str(query.failure) for query in hits})
        verdict, reason = GateVerdict.FAILED, f"{len(hits):,} of {len(asked):,}: {', '.join(whys)}"
    else:
        verdict, reason = GateVerdict.INCONCLUSIVE, "too few queries to tell"
    return Judgement(
        name,
        verdict,
        reason,
        value=f"{100 * low:.2f} to {100 * high:.2f} %" if asked else "unknown",
        threshold=f"≤ {100 * limit:g} %",
        samples=len(asked),
        needed=needed,
        values={"rate": len(hits) / len(asked), "low": low, "high": high} if asked else {},
        thresholds={"high": limit},
        ids=tuple(query.query_id for query in hits[-MAX_IDS:]),
    )
