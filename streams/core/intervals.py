"""How sure a mean over queries is: bootstrap intervals, by resampling the queries.

Percentile intervals as in Efron and Tibshirani, An Introduction to the Bootstrap (1993), chapter
13. Queries are resampled as pairs: one resample holds the same queries for both lanes, so that
what makes a query hard for both does not widen the interval of their ratio. Takes numbers and a
generator whose seed its caller knows; knows nothing of what the numbers measure.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

__all__ = ["CONFIDENCE", "RESAMPLES", "Estimate", "Numbers", "Pair", "means_of", "pairs_of"]

Numbers = npt.NDArray[np.float64]

CONFIDENCE: Final = 0.95
RESAMPLES: Final = 10_000

_CELLS_IN_A_BLOCK: Final = 2_000_000  # bounds the memory to some 50 MB, whatever the queries


@dataclass(frozen=True, slots=True)
class Estimate:
    """A value, and the interval that holds it with a confidence of 95 %."""

    value: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Pair:
    """Means of two lanes over the same queries.

    Attributes:
        source: the source's mean.
        target: the target's mean.
        ratio: target / source. None if the source's mean is 0, of which nothing can be kept. Its
            upper end is infinite where the queries are too few to tell.
    """

    source: Estimate
    target: Estimate
    ratio: Estimate | None


def means_of(
    values: Numbers, rng: np.random.Generator, resamples: int = RESAMPLES
) -> list[Estimate]:
    """The mean of each column of `values`, shape (queries, columns), with its interval.

    Raises: ValueError if there is no query.
    """
    _check(values)
    resampled = _resampled(values, rng, resamples)
    return [_mean(values[:, at], resampled[:, at]) for at in range(values.shape[1])]


def pairs_of(
    target: Numbers, source: Numbers, rng: np.random.Generator, resamples: int = RESAMPLES
) -> list[Pair]:
    """Column by column: both means, and the ratio of the target's to the source's.

    A resample in which only the source has nothing counts as an infinite ratio; one in which both
    have nothing says nothing and is left out.

    Args:
        target: shape (queries, columns).
        source: the same shape, the same queries.
        rng: draws the resamples.
        resamples: how many.

    Raises: ValueError unless both hold the same number of values, and at least one.
    """
    _check(source)
    if target.shape != source.shape:
        raise ValueError(f"{len(target)} values of the target, {len(source)} of the source")
    columns = source.shape[1]
    # By way of the differences, so that equal lanes come out at exactly 1 in every resample.
    difference = target - source
    resampled = _resampled(np.hstack([source, target, difference]), rng, resamples)
    base, top, moved = (resampled[:, at * columns : (at + 1) * columns] for at in range(3))
    return [
        Pair(
            _mean(source[:, at], base[:, at]),
            _mean(target[:, at], top[:, at]),
            _ratio(source[:, at], difference[:, at], base[:, at], moved[:, at]),
        )
        for at in range(columns)
    ]


def _mean(values: Numbers, resampled: Numbers) -> Estimate:
    # Rounding must not put an interval's end outside of what the values can amount to.
    return _estimate(float(values.mean()), resampled.clip(values.min(), values.max()))


def _ratio(source: Numbers, difference: Numbers, base: Numbers, moved: Numbers) -> Estimate | None:
    if not source.mean():
        return None
    telling = (moved != 0) | (base != 0)
    with np.errstate(divide="ignore"):
        ratios = 1 + moved[telling] / base[telling]
    return _estimate(1 + float(difference.mean() / source.mean()), ratios)


def _resampled(columns: Numbers, rng: np.random.Generator, resamples: int) -> Numbers:
    """Shape (resamples, columns): the means over each resample of the queries."""
    return np.concatenate([block @ columns for block in _weights(len(columns), rng, resamples)])


def _check(values: Numbers) -> None:
    if not values.size:
        raise ValueError("there are no values to take a mean of")


def _weights(count: int, rng: np.random.Generator, resamples: int) -> Iterator[Numbers]:
    """Blocks of shape (some, count): how much of each resample every query is."""
    share = np.full(count, 1 / count)
    most = max(1, _CELLS_IN_A_BLOCK // count)
    for start in range(0, resamples, most):
        yield rng.multinomial(count, share, size=min(most, resamples - start)) / count


def _estimate(value: float, resampled: Numbers) -> Estimate:
    tail = (1 - CONFIDENCE) / 2
    # A method that only picks: an average with an infinity in it would be no number.
    low, high = np.quantile(resampled, [tail, 1 - tail], method="inverted_cdf")
    return Estimate(value, float(low), float(high))
