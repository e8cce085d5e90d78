"""What the exit criteria ask for. The configuration's section `[gate]` fills it in."""

from dataclasses import dataclass

__all__ = ["Limits"]


@dataclass(frozen=True, slots=True)
class Limits:
    """The least and the most that each criterion takes.

    Attributes:
        off: names of criteria that are switched off.
        samples: mirrored queries that every measure of queries must rest on.
        duration_seconds: of the dual-write window, by the broker's clock.
        evidence_seconds: how old the newest verify may be.
        lag_records: records of `documents` that the target may have yet to do.
        dead_letters: open ones of the target.
        embedding_p95_ms, embedding_p99_ms: to embed one query.
        search_p95_ms, search_p99_ms: to search the collection.
        source_ratio, source_slack_ms: the target's p95 may be the source's times the ratio,
            plus the slack.
        error_rate, timeout_rate: shares of mirrored queries, 0 to 1.
        quality_retention: the target's share of the source's measure.
        quality_queries: that this must rest on.
        agreement: mean share of the top k that both lanes find, 0 to 1.
    """

    off: frozenset[str] = frozenset({"agreement"})
    samples: int = 1_000
    duration_seconds: int = 86_400
    evidence_seconds: int = 86_400
    lag_records: int = 100
    dead_letters: int = 0
    embedding_p95_ms: float = 250.0
    embedding_p99_ms: float = 1_000.0
    search_p95_ms: float = 100.0
    search_p99_ms: float = 500.0
    source_ratio: float = 1.5
    source_slack_ms: float = 50.0
    error_rate: float = 0.01
    timeout_rate: float = 0.01
    quality_retention: float = 0.95
    quality_queries: int = 50
    agreement: float = 0.5
