"""How fast the target embeds and searches: by itself, and against the source.

Measured are mirrored queries that got so far. One that ran out of time is no sample here, it
counts as a timeout.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import NamedTuple

from schemas.evidence import GateVerdict
from streams.core.criteria.estimates import percentile
from streams.core.criteria.judgement import MAX_IDS, Judgement
from streams.core.criteria.limits import Limits
from streams.core.criteria.look import Look, Mirrored, Side

__all__ = ["embedding", "embedding_against_source", "search", "search_against_source"]


class _Measure(NamedTuple):
    name: str
    of: Callable[[Side], float | None]


_EMBEDDING = _Measure("embedding", lambda side: side.embed_ms)
_SEARCH = _Measure("search", lambda side: side.search_ms)


def embedding(look: Look, limits: Limits) -> Judgement:
    """The target embeds a query within the SLO."""
    return _against_slo(
        _EMBEDDING, look, limits.samples, limits.embedding_p95_ms, limits.embedding_p99_ms
    )


def search(look: Look, limits: Limits) -> Judgement:
    """The target's collection is searched within the SLO."""
    return _against_slo(_SEARCH, look, limits.samples, limits.search_p95_ms, limits.search_p99_ms)


def embedding_against_source(look: Look, limits: Limits) -> Judgement:
    """The target embeds a query about as fast as the source does."""
    return _against_source(_EMBEDDING, look, limits)


def search_against_source(look: Look, limits: Limits) -> Judgement:
    """The target's collection is searched about as fast as the source's is."""
    return _against_source(_SEARCH, look, limits)


def _against_slo(measure: _Measure, look: Look, needed: int, p95: float, p99: float) -> Judgement:
    samples = _samples(look.mirrored, lambda query: measure.of(query.target))
    threshold = f"≤ {p95:,.0f} / {p99:,.0f} ms"
    thresholds = {"p95_ms": p95, "p99_ms": p99}
    if not samples:
        return _nothing(measure.name, threshold, thresholds, needed)
    times = [value for value, _ in samples]
    found = {"p95_ms": percentile(times, 95), "p99_ms": percentile(times, 99)}
    slow = [name.removesuffix("_ms") for name in found if found[name] > thresholds[name]]
    reason = f"{' and '.join(slow)} above the limit" if slow else "p95 / p99 within the limits"
    return _judged(
        Judgement(
            measure.name,
            GateVerdict.FAILED if slow else GateVerdict.SUCCESSFUL,
            reason,
            value=f"{found['p95_ms']:,.0f} / {found['p99_ms']:,.0f} ms",
            threshold=threshold,
            samples=len(samples),
            needed=needed,
            values=found,
            thresholds=thresholds,
            ids=_slowest(samples),
        )
    )


def _against_source(measure: _Measure, look: Look, limits: Limits) -> Judgement:
    name = f"{measure.name}-source"
    ratio, slack = limits.source_ratio, limits.source_slack_ms
    # Both lanes over the same queries: one lane's hard ones must not be set against easy ones.
    both = [
        query
        for query in look.mirrored
        if measure.of(query.target) is not None and measure.of(query.source) is not None
    ]
    targets = _samples(both, lambda query: measure.of(query.target))
    sources = _samples(both, lambda query: measure.of(query.source))
    rule = f"≤ source * {ratio:g} + {slack:g} ms"
    if not both:
        return _nothing(name, rule, {"ratio": ratio, "slack_ms": slack}, limits.samples)
    target = percentile([value for value, _ in targets], 95)
    source = percentile([value for value, _ in sources], 95)
    most = source * ratio + slack
    good = target <= most
    return _judged(
        Judgement(
            name,
            GateVerdict.SUCCESSFUL if good else GateVerdict.FAILED,
            f"the source's p95 is {source:,.1f} ms" + ("" if good else ", the target is too slow"),
            value=f"{target:,.0f} ms",
            threshold=f"≤ {most:,.0f} ms",
            samples=len(both),
            needed=limits.samples,
            values={"p95_ms": target, "source_p95_ms": source},
            thresholds={"p95_ms": most, "ratio": ratio, "slack_ms": slack},
            ids=_slowest(targets),
        )
    )


def _samples(
    queries: Sequence[Mirrored], of: Callable[[Mirrored], float | None]
) -> list[tuple[float, str]]:
    """Each measured time with its query's id. What is no number is no time that anybody waited."""
    return [
        (math.inf if math.isnan(value) else value, query.query_id)
        for query in queries
        if (value := of(query)) is not None
    ]


def _slowest(samples: Sequence[tuple[float, str]]) -> tuple[str, ...]:
    return tuple(query_id for _, query_id in sorted(samples, reverse=True)[:MAX_IDS])


def _nothing(name: str, threshold: str, thresholds: dict[str, float], needed: int) -> Judgement:
    return Judgement(
        name,
        GateVerdict.INCONCLUSIVE,
        "no mirrored query was measured",
        value="unknown",
        threshold=threshold,
        needed=needed,
        thresholds=thresholds,
    )


def _judged(judgement: Judgement) -> Judgement:
    """Too few samples say nothing either way: a percentile of a handful is one odd query."""
    if judgement.samples >= judgement.needed:
        return judgement
    few = f"{judgement.samples:,} of {judgement.needed:,} samples"
    return replace(judgement, verdict=GateVerdict.INCONCLUSIVE, reason=few)
