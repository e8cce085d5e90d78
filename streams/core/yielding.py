"""How a lane makes its embedding calls while queries wait for the same embedder.

Ollama works on one text at a time, in the order in which they came: a query waits for all texts of
the call before it. So calls get smaller while queries are slow, and once they can get no smaller,
the lane rests after each for as long as it took, which leaves queries half of the time. It never
stands still. Calls grow back as soon as queries are fast, or there are none.

Knows no clock: a step is taken about once a second.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from schemas import Why, WindowObservation

__all__ = ["Calls", "Queries", "next_calls", "queries_of"]

_WELL_BELOW: Final = 0.5
"""Of the limit: from there on calls grow. In between they stay as they are."""
_STEPS: Final = 32
"""From the smallest calls to the largest; about so many seconds."""


@dataclass(frozen=True, slots=True)
class Calls:
    """How embedding calls are made.

    Attributes:
        inputs: most texts in one; at least 1.
        rests: whether the lane waits after each for as long as it took.
    """

    inputs: int
    rests: bool = False


@dataclass(frozen=True, slots=True)
class Queries:
    """How queries did since the step before.

    Attributes:
        p95_ms: of the embeddings that were made for them; None: none was.
        late: those that were not answered in time, or not even asked because others were not.
    """

    p95_ms: float | None = None
    late: int = 0


def queries_of(windows: Iterable[WindowObservation]) -> Queries | None:
    """What windows of any processes say together; None if there are none.

    The worst p95 counts: a percentile over all can not be had from those of parts.
    """
    seen = list(windows)
    if not seen:
        return None
    return Queries(
        p95_ms=max((window.embed.p95_ms for window in seen if window.embed), default=None),
        late=sum(
            window.failures.get(Why.DEADLINE, 0) + window.failures.get(Why.BREAKER_OPEN, 0)
            for window in seen
        ),
    )


def next_calls(calls: Calls, queries: Queries | None, *, limit_ms: float, most: int) -> Calls:
    """The calls from now on: half as large, as they are, or a step larger.

    Args:
        calls: as they are.
        queries: how they did; None: there are none.
        limit_ms: p95 of their embeddings above which they are slow.
        most: texts in a call if nobody waits; at least 1.
    """
    if _are_slow(queries, limit_ms):
        return Calls(calls.inputs // 2) if calls.inputs > 1 else Calls(1, rests=True)
    if not _are_fast(queries, limit_ms):
        return calls
    if calls.rests:
        return Calls(calls.inputs)
    return Calls(min(most, calls.inputs + -(-most // _STEPS)))


def _are_slow(queries: Queries | None, limit_ms: float) -> bool:
    if queries is None:
        return False
    return queries.late > 0 or (queries.p95_ms is not None and queries.p95_ms > limit_ms)


def _are_fast(queries: Queries | None, limit_ms: float) -> bool:
    if queries is None or queries.p95_ms is None:
        return True
    return queries.p95_ms <= _WELL_BELOW * limit_ms
