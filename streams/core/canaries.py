"""Canaries: texts whose vectors tell whether a model is still the one that a build began with.

Decides which texts a new build pins, and how near to the pinned vector one has to be. Embeds
nothing.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from schemas import Canary
from streams.core.stored_vectors import SIMILARITY, cosines

__all__ = ["CANARY_TEXTS", "LEAST_COSINE", "Likeness", "canaries_of", "least_alike"]

CANARY_TEXTS: Final = (
    "The ferry to the island leaves at half past nine, unless the wind is too strong.",
    "ERROR 504: upstream timed out after 30 s (attempt 3 of 5), see runbook net-17.",
    "Dictionnaire usagé en très bon état, 12,50 € port compris, expédié sous 48 h.",
)
"""Prose, a line of a machine's, and another language. Builds carry their own: these may change."""

LEAST_COSINE: Final = SIMILARITY
"""Below it, the model is another one: a verify would call rows that are so far off wrong, too.

How the numbers came about stands in ops/decisions/0014-canaries-are-pinned-with-the-build.md.
"""

_SHOWN = 40


@dataclass(frozen=True, slots=True)
class Likeness:
    """How near the vector that a canary gets now is to the pinned one."""

    text: str
    cosine: float

    @property
    def holds(self) -> bool:
        """Whether it is the same vector, but for a server's noise."""
        return self.cosine >= LEAST_COSINE

    @property
    def named(self) -> str:
        """The canary, as an operator reads it."""
        shown = self.text if len(self.text) <= _SHOWN else f"{self.text[: _SHOWN - 1]}…"
        return f"canary {shown!r}"


def canaries_of(vectors: npt.NDArray[np.float32]) -> tuple[Canary, ...]:
    """`CANARY_TEXTS` with their vectors: shape (texts, dimensions), each of length 1."""
    return tuple(
        Canary.of(text, vector.tolist()) for text, vector in zip(CANARY_TEXTS, vectors, strict=True)
    )


def least_alike(canaries: Sequence[Canary], vectors: npt.NDArray[np.float32]) -> Likeness:
    """The canary that has gone farthest from its pinned vector.

    Args:
        canaries: at least one.
        vectors: what their texts get now, in as many dimensions: shape (canaries, dimensions),
            finite, of length 1.
    """
    pinned = np.array([canary.numbers for canary in canaries], dtype=np.float32)
    found = cosines(pinned, vectors)
    worst = int(found.argmin())
    return Likeness(canaries[worst].text, float(found[worst]))
