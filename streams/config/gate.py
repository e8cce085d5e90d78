"""The `[gate]` section: what the exit criteria of the dual-write window ask for."""

from typing import Literal

from pydantic import Field

from streams.config.section import Section
from streams.core.criteria import Limits

__all__ = ["GateConfig"]

_DEFAULT = Limits()

# Named here again, so that a misspelt one is refused with the list; a test compares.
_Criterion = Literal[
    "duration",
    "samples",
    "coverage",
    "lag",
    "dead-letters",
    "embedding",
    "embedding-source",
    "search",
    "search-source",
    "errors",
    "timeouts",
    "quality",
    "agreement",
]


class GateConfig(Section):
    """What the exit criteria ask for."""

    off: tuple[_Criterion, ...] = Field(
        default=("agreement",),
        description="Criteria that are switched off; the gate shows them as such.",
    )
    window_hours: float = Field(
        default=24.0, gt=0, description="Mirrored queries and quality older than this do not count."
    )
    samples: int = Field(default=_DEFAULT.samples, ge=1, description="Mirrored queries to rest on.")
    duration_seconds: int = Field(
        default=_DEFAULT.duration_seconds,
        ge=0,
        description="How long both lanes must have been written, by the broker's clock.",
    )
    lag_records: int = Field(
        default=_DEFAULT.lag_records, ge=0, description="Records that the target may be behind."
    )
    dead_letters: int = Field(
        default=_DEFAULT.dead_letters, ge=0, description="Open dead letters of the target."
    )
    embedding_p95_ms: float = Field(
        default=_DEFAULT.embedding_p95_ms, gt=0, description="For the target to embed a query."
    )
    embedding_p99_ms: float = Field(
        default=_DEFAULT.embedding_p99_ms, gt=0, description="The same, of 99 in 100."
    )
    search_p95_ms: float = Field(
        default=_DEFAULT.search_p95_ms, gt=0, description="To search the target's collection."
    )
    search_p99_ms: float = Field(
        default=_DEFAULT.search_p99_ms, gt=0, description="The same, of 99 in 100."
    )
    source_ratio: float = Field(
        default=_DEFAULT.source_ratio,
        gt=0,
        description="The target's p95 may be the source's, times this, plus `source_slack_ms`.",
    )
    source_slack_ms: float = Field(
        default=_DEFAULT.source_slack_ms, ge=0, description="See `source_ratio`."
    )
    error_rate: float = Field(
        default=_DEFAULT.error_rate,
        ge=0,
        le=1,
        description="Share of mirrored queries that the target may fail, 0 to 1. The upper end"
        " of the rate's 95 % interval must reach it, so a low rate takes many queries.",
    )
    timeout_rate: float = Field(
        default=_DEFAULT.timeout_rate,
        ge=0,
        le=1,
        description="The same for answers that come too late.",
    )
    quality_retention: float = Field(
        default=_DEFAULT.quality_retention,
        ge=0,
        description="The target's share of the source's quality that the lower end of its"
        " interval must reach.",
    )
    quality_queries: int = Field(
        default=_DEFAULT.quality_queries, ge=1, description="Judged queries to rest on."
    )
    agreement: float = Field(
        default=_DEFAULT.agreement,
        ge=0,
        le=1,
        description="Mean share of the top k that both lanes find, 0 to 1.",
    )

    def limits(self, evidence_seconds: int) -> Limits:
        """The same for the criteria.

        Args:
            evidence_seconds: how old a verify may be, by the migration's policy.
        """
        given = self.model_dump(exclude={"off", "window_hours"})
        return Limits(off=frozenset(self.off), evidence_seconds=evidence_seconds, **given)
