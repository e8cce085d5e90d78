"""A look at a migration in which all is well, to spoil one thing of."""

from dataclasses import replace
from typing import Any

from schemas import Verdict
from streams.core.criteria import Backlog, Limits, Look, Mirrored, Quality, Side, Verified

__all__ = ["LIMITS", "NOW", "good_look", "queries"]

NOW = 1_700_000_000_000
LIMITS = Limits(off=frozenset(), samples=400, duration_seconds=60, quality_queries=20)


def queries(count: int, **changes: Any) -> list[Mirrored]:
    """Mirrored queries that went well but for the changes."""
    good = Mirrored(
        query_id="",
        at=NOW,
        target=Side(embed_ms=20.0, search_ms=5.0),
        source=Side(embed_ms=80.0, search_ms=5.0),
        overlap=0.8,
    )
    return [replace(good, query_id=f"q{number}", **changes) for number in range(count)]


def good_look(**changes: Any) -> Look:
    """A look that `LIMITS` find Successful, but for the changes."""
    look = Look(
        now_ms=NOW,
        since_ms=NOW - 60_000,
        since_offset=4,
        verified=Verified(Verdict.CLEAN, 5, 30.0, is_after=True, documents=100, dead=1, wrong=0),
        backlog=Backlog(committed=120, lag=3),
        letters=(),
        mirrored=queries(400),
        quality=Quality(200, labelled=True, measure="nDCG@10", retention=1, low=0.97, high=1.02),
    )
    return replace(look, **changes)
