"""What a bench finds: a value, its reference, and whether the ratio reaches far enough.

Pure: knows nothing of what was measured, or how.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

__all__ = ["Measure", "Pair", "compare", "none", "percentile", "within"]


class Pair(NamedTuple):
    """What a run said, and what its reference said in the same minutes."""

    value: float
    reference: float

    @property
    def ratio(self) -> float:
        """The one to the other."""
        return self.value / self.reference


@dataclass(frozen=True, slots=True)
class Measure:
    """One line of a bench's result.

    A machine's speed drifts, so each run is compared with its own reference, and what is told is
    the run in the middle: the one whose ratio is the median of all, the worse one of two.

    Attributes:
        measure: what was measured, and against what.
        value: of the run in the middle.
        unit: of `value` and `reference`.
        reference: of the same run.
        ratio: `value` to `reference`.
        reach: the ratio that is good enough; 0 where there must be none at all.
        ok: whether it is.
        at_most: whether less is better, so that the ratio must not exceed `reach`.
        ratios: of each run, in their order.
    """

    measure: str
    value: float
    unit: str
    reference: float
    ratio: float
    reach: float
    ok: bool
    at_most: bool = False
    ratios: tuple[float, ...] = ()


def compare(
    measure: str, pairs: Sequence[Pair], *, reach: float, unit: str = "documents/s"
) -> Measure:
    """Compare each run with its reference; more is better.

    Raises: ValueError if there are no runs, or a reference did nothing.
    """
    _check(measure, pairs)
    middle = sorted(pairs, key=lambda pair: pair.ratio)[(len(pairs) - 1) // 2]
    return Measure(
        measure,
        middle.value,
        unit,
        middle.reference,
        middle.ratio,
        reach,
        ok=middle.ratio >= reach,
        ratios=tuple(pair.ratio for pair in pairs),
    )


def within(
    measure: str,
    pairs: Sequence[Pair],
    *,
    times: float = 1.0,
    plus: float = 0.0,
    unit: str = "ms",
) -> Measure:
    """Compare each run with its reference; less is better.

    Args:
        measure: its name.
        pairs: one for each run, in `unit`.
        times: how many times the reference is good enough.
        plus: how much more, in `unit`.
        unit: of all of them.

    Raises: ValueError if there are no runs, or a reference did nothing.
    """
    _check(measure, pairs)

    def reach(pair: Pair) -> float:
        return times + plus / pair.reference

    middle = sorted(pairs, key=lambda pair: pair.ratio / reach(pair))[len(pairs) // 2]
    return Measure(
        measure,
        middle.value,
        unit,
        middle.reference,
        middle.ratio,
        reach(middle),
        ok=middle.ratio <= reach(middle),
        at_most=True,
        ratios=tuple(pair.ratio for pair in pairs),
    )


def percentile(values: Sequence[float], percent: float) -> float:
    """The smallest value that at least `percent` % of all do not exceed (nearest rank).

    Raises: ValueError if there are none.
    """
    if not values:
        raise ValueError("nothing was measured")
    return sorted(values)[max(0, math.ceil(len(values) * percent / 100) - 1)]


def none(measure: str, counts: Sequence[int], reference: int, *, unit: str) -> Measure:
    """Of `counts`, one for each run, all must be 0; `reference` is what could have been.

    Raises: ValueError if there are no runs, or the reference is 0 itself.
    """
    if not counts or reference <= 0:
        raise ValueError(f"{measure}: nothing was measured")
    most = max(counts)
    ok = most == 0
    return Measure(measure, most, unit, reference, most / reference, 0.0, ok=ok, at_most=True)


def _check(measure: str, pairs: Sequence[Pair]) -> None:
    if not pairs:
        raise ValueError(f"{measure}: nothing was measured")
    if any(pair.reference <= 0 for pair in pairs):
        raise ValueError(f"{measure}: the reference did nothing")
