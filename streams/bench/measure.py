"""What a bench finds: a value, its reference, and whether the ratio reaches far enough.

Pure: knows nothing of what was measured, or how.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

__all__ = ["Measure", "compare", "none"]


@dataclass(frozen=True, slots=True)
class Measure:
    """One line of a bench's result.

    Attributes:
        measure: what was measured, and against what.
        value: median of the measured runs.
        unit: of `value` and `reference`.
        reference: median of the reference's runs.
        ratio: `value` to `reference`.
        reach: the least ratio that is good enough; 0 where there must be none at all.
        ok: whether it is.
    """

    measure: str
    value: float
    unit: str
    reference: float
    ratio: float
    reach: float
    ok: bool


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
    if not measured or not reference:
        raise ValueError(f"{measure}: nothing was measured")
    value, against = median(measured), median(reference)
    if against <= 0:
        raise ValueError(f"{measure}: the reference did nothing")
    ratio = value / against
    return Measure(measure, value, unit, against, ratio, reach, ok=ratio >= reach)


def none(measure: str, counts: Sequence[int], reference: int, *, unit: str) -> Measure:
    """Of `counts`, one for each run, all must be 0; `reference` is what could have been.

    Raises: ValueError if there are no runs, or the reference is 0 itself.
    """
    if not counts or reference <= 0:
        raise ValueError(f"{measure}: nothing was measured")
    most = max(counts)
    return Measure(measure, most, unit, reference, most / reference, 0.0, ok=most == 0)
