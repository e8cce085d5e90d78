"""Estimates from samples: percentiles, and intervals of rates and of means."""

import math
import statistics
from collections.abc import Sequence

__all__ = ["mean_interval", "percentile", "wilson"]

_Z95 = 1.959963984540054
"""Two-sided 95 % of the normal distribution."""


def percentile(values: Sequence[float], per_cent: int) -> float:
    """The smallest value that so many per cent of the values do not exceed.

    The nearest rank, without interpolation: at or below a limit exactly if that share of the
    samples is. `values` is not empty.
    """
    rank = -(-len(values) * per_cent // 100)
    return sorted(values)[max(1, rank) - 1]


def wilson(hits: int, trials: int) -> tuple[float, float]:
    """Both ends of the 95 % interval of a rate, 0 to 1; (0, 1) without trials.

    Wilson, Probable Inference, the Law of Succession, and Statistical Inference, Journal of the
    American Statistical Association 22 (1927).
    """
    if not trials:
        return 0.0, 1.0
    rate, z2 = hits / trials, _Z95**2
    middle = rate + z2 / (2 * trials)
    half = _Z95 * math.sqrt(rate * (1 - rate) / trials + z2 / (4 * trials**2))
    whole = 1 + z2 / trials
    return max(0.0, (middle - half) / whole), min(1.0, (middle + half) / whole)


def mean_interval(values: Sequence[float]) -> tuple[float, float, float]:
    """The mean, and both ends of its 95 % interval by the normal approximation.

    Infinite ends if there are fewer than two values; `values` is not empty.
    """
    mean = statistics.fmean(values)
    if len(values) < 2:  # noqa: PLR2004 - no deviation from itself
        return mean, -math.inf, math.inf
    half = _Z95 * statistics.stdev(values, mean) / math.sqrt(len(values))
    return mean, mean - half, mean + half
