"""Turns an embedder's answer into unit vectors, or says why it can not be used.

Knows no provider: numbers in, vectors out. Which text is to blame for a bad vector is for
the caller to find out.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from streams.errors import MalformedVector

__all__ = ["unit_vectors"]


def unit_vectors(
    answer: Sequence[Any] | npt.NDArray[Any], *, count: int, dimensions: int | None
) -> npt.NDArray[np.float32]:
    """Check an answer and scale each vector to Euclidean length 1.

    Args:
        answer: one sequence of numbers (or one-dimensional array) for each text.
        count: how many texts were sent.
        dimensions: how long each vector must be; None accepts any length they all share.

    Returns:
        Shape (count, dimensions), C-contiguous.

    Raises:
        MalformedVector: not `count` finite, non-zero vectors of the right length.
    """
    if len(answer) != count:
        raise MalformedVector(f"asked for {count} vectors, got {len(answer)}")
    if dimensions is not None:
        _check_lengths(answer, dimensions)
    try:
        # A number beyond float32 becomes an infinity, which is refused below by name.
        with np.errstate(over="ignore", invalid="ignore"):
            matrix = np.asarray(answer, dtype=np.float32)
    except (TypeError, ValueError) as error:
        raise MalformedVector(f"the answer is no matrix of numbers: {error}") from error
    if matrix.ndim != 2 or matrix.shape[1] == 0:  # noqa: PLR2004
        raise MalformedVector(f"the answer has shape {matrix.shape}, not (texts, dimensions)")
    broken = np.flatnonzero(~np.isfinite(matrix).all(axis=1))
    if broken.size:
        raise MalformedVector(f"vector {broken[0] + 1} of {count} holds NaN or an infinity")
    wide = matrix.astype(np.float64)
    lengths = np.sqrt(np.einsum("ij,ij->i", wide, wide))
    zero = np.flatnonzero(lengths == 0)
    if zero.size:
        raise MalformedVector(f"vector {zero[0] + 1} of {count} is zero")
    wide /= lengths[:, np.newaxis]
    return np.ascontiguousarray(wide, dtype=np.float32)


def _check_lengths(answer: Sequence[Any] | npt.NDArray[Any], dimensions: int) -> None:
    for position, vector in enumerate(answer, start=1):
        length = len(vector) if hasattr(vector, "__len__") else 0
        if length != dimensions:
            raise MalformedVector(
                f"vector {position} of {len(answer)} has {length} dimensions, not {dimensions}"
            )
