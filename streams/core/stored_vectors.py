"""What a stored vector must be: finite, of length 1, and near to what its text embeds to now."""

from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np
import numpy.typing as npt

__all__ = ["LENGTH_TOLERANCE", "SIMILARITY", "cosines", "malformed"]

LENGTH_TOLERANCE: Final = 1e-3
"""How far the Euclidean length of a stored float32 vector may be from 1."""

SIMILARITY: Final = 0.999
"""Least cosine between a stored vector and its text embedded again.

An embedder's answers may move a little with what else is in a batch, and with the machine.
Ollama 0.17.4 with all-minilm on a CPU stays above 0.9999999 in batches of 1 to 64; of 64
docstrings, no two come nearer to each other than 0.95.
"""


def malformed(
    vectors: Sequence[npt.NDArray[np.float32] | None], dimensions: int
) -> Mapping[int, str]:
    """Index → why that vector is not a finite one of length 1 and `dimensions`."""
    broken: dict[int, str] = {}
    whole: dict[int, npt.NDArray[np.float32]] = {}
    for index, vector in enumerate(vectors):
        if vector is None:
            broken[index] = "no vector"
        elif vector.shape != (dimensions,):
            broken[index] = f"{vector.size} dimensions, not {dimensions}"
        else:
            whole[index] = vector
    if whole:
        matrix = np.stack(list(whole.values())).astype(np.float64)
        with np.errstate(over="ignore", invalid="ignore"):
            lengths = np.sqrt(np.einsum("ij,ij->i", matrix, matrix))
            odd = ~(np.abs(lengths - 1.0) <= LENGTH_TOLERANCE)
        places = list(whole)
        for place in np.flatnonzero(odd):
            finite = np.isfinite(matrix[place]).all()
            length = f"length {lengths[place]:.6g}, not 1"
            broken[places[place]] = length if finite else "holds NaN or an infinity"
    return dict(sorted(broken.items()))


def cosines(
    stored: npt.NDArray[np.float32], embedded: npt.NDArray[np.float32]
) -> npt.NDArray[np.float64]:
    """Cosine of each stored vector with the one beside it: shape (n, dimensions) → (n,).

    Both are finite and of length about 1; rounding beyond 1 is cut off.
    """
    one, other = stored.astype(np.float64), embedded.astype(np.float64)
    lengths = np.linalg.norm(one, axis=1) * np.linalg.norm(other, axis=1)
    found: npt.NDArray[np.float64] = np.einsum("ij,ij->i", one, other) / lengths
    return np.clip(found, -1.0, 1.0)
