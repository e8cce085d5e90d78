"""The embedder port: one embedding model behind one provider."""

from collections.abc import Callable, Sequence
from enum import StrEnum
from typing import Protocol

import numpy as np
import numpy.typing as npt

from schemas import Fingerprint

__all__ = ["Embedder", "OnTokens", "Purpose", "Vectors"]

Vectors = npt.NDArray[np.float32]
"""Shape (texts, dimensions), C-contiguous, each row of Euclidean length 1."""

OnTokens = Callable[[int], None]
"""Is told how many tokens a call took, by the provider's own account."""


class Purpose(StrEnum):
    """What a text is embedded for; some models want different prefixes."""

    DOCUMENT = "document"
    QUERY = "query"


class Embedder(Protocol):
    """One embedding model behind one provider."""

    async def identify(self) -> Fingerprint:
        """Ask the live server what it is.

        Raises: TransientError, LaneHalted.
        """
        ...

    async def embed(
        self,
        texts: Sequence[str],
        purpose: Purpose = Purpose.DOCUMENT,
        *,
        on_tokens: OnTokens | None = None,
    ) -> Vectors:
        """Embed all of `texts`, in their order, in one call to the provider.

        Returns L2-normalised vectors of the fingerprint's dimensions. If the provider says how
        many tokens the call took, `on_tokens` is told before that, also where the vectors turn
        out to be malformed.

        Raises:
            InputRefused: at least one text was refused; which one is not known.
            MalformedVector: a subclass of InputRefused; the answer was not n finite,
                non-zero vectors of the right length.
            TransientError: try again later.
            LaneHalted: quota, key or model; only an operator can help.
        """
        ...

    async def close(self) -> None:
        """Let go of connections."""
        ...
