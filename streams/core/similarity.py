"""What a sample of vectors looks like from inside: lengths, cosines, nearest neighbours.

Two lanes' vectors are never compared with each other, since they are of different spaces. What
is compared is the shape: which rows are near each other in both. Works in blocks of rows, so that
its memory is some tens of megabytes beside the vectors.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

__all__ = ["BINS", "LaneVectors", "Neighbours", "Vectors", "describe", "neighbours", "usable"]

Vectors = npt.NDArray[np.float32]

BINS: Final = 200
"""Of a histogram of cosines over -1 … 1."""

_FINE: Final = 20  # finer bins within each, for the quantiles
_BLOCK_ROWS: Final = 256
_QUANTILES: Final = (0.01, 0.05, 0.5, 0.95, 0.99)
_PAIR: Final = 2


@dataclass(frozen=True, slots=True)
class LaneVectors:
    """The vectors of one lane in the sample.

    Attributes:
        shortest: least Euclidean length.
        mean_length: mean Euclidean length.
        longest: greatest Euclidean length.
        mean_cosine: over all pairs of different rows. Near 0 where directions are spread evenly;
            the greater, the more all vectors point one way (anisotropy).
        deviation: standard deviation of those cosines.
        quantiles: of those cosines, `p1` to `p99`, to 0.0005.
        histogram: pairs in each of `BINS` equal bins over -1 … 1.
    """

    shortest: float
    mean_length: float
    longest: float
    mean_cosine: float
    deviation: float
    quantiles: dict[str, float]
    histogram: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Neighbours:
    """How far two lanes agree on which rows of the sample are nearest to each other.

    Attributes:
        k: neighbours of each row.
        agreement: mean share of a row's k nearest that both lanes have in common, 0 … 1.
        by_chance: what two lanes that know nothing of each other would come to.
        shares: rows whose lanes have 0, 1, … k neighbours in common.
    """

    k: int
    agreement: float
    by_chance: float
    shares: tuple[int, ...]


def usable(vectors: Vectors) -> npt.NDArray[np.bool_]:
    """Which rows of shape (rows, dimensions) have a direction: finite, and not zero."""
    with np.errstate(over="ignore", invalid="ignore"):
        lengths = np.linalg.norm(vectors.astype(np.float64), axis=1)
    found: npt.NDArray[np.bool_] = np.isfinite(lengths) & (lengths > 0)
    return found


def describe(vectors: Vectors) -> LaneVectors:
    """The sample of one lane: shape (rows, dimensions), all usable.

    Raises: ValueError if there are fewer than 2 rows.
    """
    lengths = np.linalg.norm(vectors.astype(np.float64), axis=1)
    fine = np.zeros(BINS * _FINE, dtype=np.int64)
    total = squares = 0.0
    for start, block in _cosines(vectors):
        # Each pair once: row i with the rows after it.
        after = np.arange(len(vectors)) > start + np.arange(len(block))[:, np.newaxis]
        cosines = block[after].astype(np.float64)
        total += float(cosines.sum())
        squares += float(np.square(cosines).sum())
        fine += np.histogram(cosines, bins=len(fine), range=(-1, 1))[0]
    pairs = len(vectors) * (len(vectors) - 1) // 2
    mean = total / pairs
    return LaneVectors(
        shortest=float(lengths.min()),
        mean_length=float(lengths.mean()),
        longest=float(lengths.max()),
        mean_cosine=mean,
        deviation=max(0.0, squares / pairs - mean**2) ** 0.5,
        quantiles={f"p{round(100 * share)}": _quantile(fine, share) for share in _QUANTILES},
        histogram=tuple(int(count) for count in fine.reshape(BINS, _FINE).sum(axis=1)),
    )


def neighbours(first: Vectors, second: Vectors, k: int) -> Neighbours:
    """Compare the nearest neighbours in two lanes; row i of both is the same document.

    Args:
        first: shape (rows, its dimensions), all usable.
        second: shape (rows, its dimensions), all usable.
        k: neighbours of each row; no more than the other rows are taken.

    Raises: ValueError if the rows are not as many, or fewer than 2.
    """
    if len(first) != len(second):
        raise ValueError(f"{len(first)} rows of one lane, {len(second)} of the other")
    rows = len(first)
    k = min(k, rows - 1)
    common = np.zeros(k + 1, dtype=np.int64)
    for (start, one), (_, other) in zip(_cosines(first), _cosines(second), strict=True):
        both = _nearest(one, start, k) & _nearest(other, start, k)
        common += np.bincount(both.sum(axis=1), minlength=k + 1)
    return Neighbours(
        k=k,
        agreement=float(common @ np.arange(k + 1)) / (k * rows),
        by_chance=k / (rows - 1),
        shares=tuple(int(count) for count in common),
    )


def _cosines(vectors: Vectors) -> Iterator[tuple[int, Vectors]]:
    """Cosines of some rows with all rows, and the number of the first of those rows."""
    if len(vectors) < _PAIR:
        raise ValueError(f"{len(vectors)} vectors make no pair")
    wide = vectors.astype(np.float64)
    unit = (wide / np.linalg.norm(wide, axis=1, keepdims=True)).astype(np.float32)
    for start in range(0, len(unit), _BLOCK_ROWS):
        yield start, np.clip(unit[start : start + _BLOCK_ROWS] @ unit.T, -1, 1)


def _nearest(cosines: Vectors, start: int, k: int) -> npt.NDArray[np.bool_]:
    """Shape (some rows, all rows): whether the one is among the k nearest of the other."""
    some = np.arange(len(cosines))
    cosines[some, start + some] = -np.inf  # nobody is a neighbour of itself
    # Of rows equally near, the one that comes first, in both lanes.
    order = np.argsort(-cosines, axis=1, kind="stable")[:, :k]
    found = np.zeros(cosines.shape, dtype=np.bool_)
    np.put_along_axis(found, order, values=True, axis=1)
    return found


def _quantile(fine: npt.NDArray[np.int64], share: float) -> float:
    """The middle of the bin in which that share of the pairs is reached."""
    reached = int(np.searchsorted(np.cumsum(fine), share * fine.sum()))
    return round(-1 + (reached + 0.5) * 2 / len(fine), 6)
