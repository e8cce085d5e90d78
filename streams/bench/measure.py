"""What a bench finds: a value, its reference, and whether the ratio reaches far enough.

Pure: knows nothing of what was measured, or how.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

__all__ = ["Measure", "compare", "none", "percentile", "within"]


@dataclass(frozen=True, slots=True)
class Measure:
    """One line of a bench's result.

    Attributes:
        measure: what was measured, and against what.
        value: median of the measured runs.
        unit: of `value` and `reference`.
        reference: median of the reference's runs.
        ratio: `value` to `reference`.
        reach: the ratio that is good enough; 0 where there must be none at all.
        ok: whether it is.
        at_most: whether less is better, so that the ratio must not exceed `reach`.
    """

    measure: str
    value: float
    unit: str
    reference: float
    ratio: float
    reach: float
    ok: bool
    at_most: bool = False


def compare(
    measure: str,
    measured: Sequence[float],
    reference: Sequence[float],
    *,
    reach: float,
    unit: str = "documents/s",
) -> Measure:
    """Compare medians of runs; more is better.

    Raises: ValueError if there are no runs, or the reference did nothing.
    """
    value, against = _medians(measure, measured, reference)
    ratio = value / against
    return Measure(measure, value, unit, against, ratio, reach, ok=ratio >= reach)


def within(
    measure: str,
    measured: Sequence[float],
    reference: Sequence[float],
    *,
    times: float = 1.0,
    plus: float = 0.0,
    unit: str = "ms",
) -> Measure:
    """Compare medians of runs; less is better: up to `times` the reference and `plus` more.

    Args:
        measure: its name.
        measured: one figure for each run, in `unit`.
        reference: the same, of what it is compared with.
        times: how many times the reference is good enough.
        plus: how much more, in `unit`.
        unit: of all of them.

    Raises: ValueError if there are no runs, or the reference did nothing.
    """
    value, against = _medians(measure, measured, reference)
    ratio, reach = value / against, times + plus / against
    return Measure(measure, value, unit, against, ratio, reach, ok=ratio <= reach, at_most=True)


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


def _medians(
    measure: str, measured: Sequence[float], reference: Sequence[float]
) -> tuple[float, float]:
    if not measured or not reference:
        raise ValueError(f"{measure}: nothing was measured")
    value, against = median(measured), median(reference)
    if against <= 0:
        raise ValueError(f"{measure}: the reference did nothing")
    return value, against
