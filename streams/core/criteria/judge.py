"""All exit criteria by name, and the verdict on a look at the migration."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from schemas.evidence import GateVerdict
from streams.core.criteria.answers import agreement, quality
from streams.core.criteria.completeness import coverage, dead_letters, lag
from streams.core.criteria.failures import errors, timeouts
from streams.core.criteria.judgement import Judgement, conclude, held_to_its_samples
from streams.core.criteria.latency import (
    embedding,
    embedding_against_source,
    search,
    search_against_source,
)
from streams.core.criteria.limits import Limits
from streams.core.criteria.look import Look
from streams.core.criteria.patience import duration, samples

__all__ = ["CRITERIA", "Judged", "judge"]

CRITERIA: Final[Mapping[str, Callable[[Look, Limits], Judgement]]] = {
    "duration": duration,
    "samples": samples,
    "coverage": coverage,
    "lag": lag,
    "dead-letters": dead_letters,
    "embedding": embedding,
    "embedding-source": embedding_against_source,
    "search": search,
    "search-source": search_against_source,
    "errors": errors,
    "timeouts": timeouts,
    "quality": quality,
    "agreement": agreement,
}


@dataclass(frozen=True, slots=True)
class Judged:
    """The verdict, its reason, and every criterion's own."""

    verdict: GateVerdict
    reason: str
    criteria: tuple[Judgement, ...]


def judge(look: Look, limits: Limits) -> Judged:
    """Judge by every criterion; those that are switched off are shown, and count for nothing."""
    criteria = tuple(
        Judgement(name, None, "switched off")
        if name in limits.off
        else held_to_its_samples(criterion(look, limits))
        for name, criterion in CRITERIA.items()
    )
    return Judged(*conclude(criteria), criteria)
