"""What one look at a migration saw, as far as the exit criteria judge by it.

Only what counts is in here: of the builds that serve, since both lanes were written, within the
window. Who collects it has left out the rest (`streams.services.exit_criteria`). Times are the
broker's; what was not found out is None or empty, and no criterion takes that for good.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from schemas.search import Why
from schemas.verify import Verdict

__all__ = ["Backlog", "Look", "Mirrored", "Quality", "Side", "Verified"]


@dataclass(frozen=True, slots=True)
class Side:
    """How one lane did with a mirrored query. Milliseconds; None: nothing was measured."""

    embed_ms: float | None = None
    search_ms: float | None = None


@dataclass(frozen=True, slots=True)
class Mirrored:
    """One query that both lanes were asked.

    Attributes:
        query_id: for whoever wants to know more.
        at: the broker's time of its record, ms since the epoch.
        target, source: how each did.
        asked_beside: the target was asked beside the answer, and did not give it. Only such
            queries count for failures, since a lane that fails to answer is not mirrored.
        failure: why the target found nothing; None if it did.
        overlap: share of the top k that both found, 0 to 1.
    """

    query_id: str
    at: int
    target: Side
    source: Side
    asked_beside: bool = True
    failure: Why | None = None
    overlap: float | None = None


@dataclass(frozen=True, slots=True)
class Verified:
    """The newest evidence of a verify of the target's build.

    Attributes:
        offset: of its record on the control log.
        age_seconds: of that record.
        is_after: it looked after the build's writes began.
        documents: that `documents` held.
        dead: of these, dead letters; they have no row by rights.
        wrong: differences.
    """

    verdict: Verdict
    offset: int
    age_seconds: float
    is_after: bool
    documents: int
    dead: int
    wrong: int


@dataclass(frozen=True, slots=True)
class Backlog:
    """How far the target's workers are.

    Attributes:
        committed: records of `documents` that are done.
        lag: records that are not, over all partitions.
    """

    committed: int
    lag: int


@dataclass(frozen=True, slots=True)
class Quality:
    """The newest run of `hotswap quality` over the builds that serve."""

    queries: int
    labelled: bool
    measure: str
    retention: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Look:
    """One look.

    Attributes:
        now_ms: the broker's time, ms since the epoch.
        since_ms: when the dual-write window of these builds began; None while the target is
            not written.
        since_offset: of the control record that began it.
        letters: ids of the target's open dead letters; None if that is not known.
    """

    now_ms: int
    since_ms: int | None = None
    since_offset: int | None = None
    verified: Verified | None = None
    backlog: Backlog | None = None
    letters: Sequence[str] | None = None
    mirrored: Sequence[Mirrored] = ()
    quality: Quality | None = None
