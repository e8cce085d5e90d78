"""An embedder without a model: a text's vector is spread from its hash.

Equal texts get equal vectors and different texts nearly orthogonal ones, in every process.
It answers at once, counts what it is asked, and fails when it is told to, so tests and the
benchmark of the bare pipeline can stand on it.
"""

import hashlib
from collections import deque
from collections.abc import Callable, Sequence

import numpy as np

from schemas import Fingerprint
from streams.adapters.prompts import prompts
from streams.core.vectors import unit_vectors
from streams.errors import HotswapError, InputRefused
from streams.ports import OnTokens, Purpose, Vectors

__all__ = ["MemoryEmbedder"]

# Odd multipliers, so that multiplying modulo 2**32 loses nothing; 0x9E3779B1 is 2**32 over
# the golden ratio, the others are of the finaliser of MurmurHash3.
_SPREAD, _MIX_1, _MIX_2 = np.uint32(0x9E3779B1), np.uint32(0x85EBCA6B), np.uint32(0xC2B2AE35)


class MemoryEmbedder:
    """Vectors from hashes; see the module.

    Attributes:
        failures: errors for the next calls, one each, oldest first.
        refuses: says which texts are refused, each as InputRefused for its whole call.
        malforms: says for which texts the answer holds NaN instead of a vector.
        tokens: says how many tokens an input takes; None: a call tells none.
        digest: part of the fingerprint; change it to play a model that was replaced.
        weights: part of nothing but the vectors; change it to play a model that was replaced
            under the same name.
        calls: calls that reached the "model", failed ones too.
        texts: texts in those calls.
    """

    def __init__(
        self,
        dimensions: int = 16,
        *,
        model: str = "hash",
        digest: str | None = None,
        document_template: str = "{text}",
        query_template: str = "{text}",
    ) -> None:
        self.model = model
        self.digest = digest
        self.weights = ""
        self.document_template = document_template
        self.query_template = query_template
        self.failures: deque[HotswapError] = deque()
        self.refuses: Callable[[str], bool] | None = None
        self.malforms: Callable[[str], bool] | None = None
        self.tokens: Callable[[str], int] | None = None
        self.calls = 0
        self.texts = 0
        self._dimensions = dimensions
        # One odd factor for each component, so that two components of a vector differ.
        self._factors = (np.arange(1, dimensions + 1, dtype=np.uint32) * _SPREAD) | np.uint32(1)

    async def identify(self) -> Fingerprint:
        """The fingerprint, with provider `memory`."""
        return Fingerprint(
            provider="memory",
            model=self.model,
            digest=self.digest,
            dimensions=self._dimensions,
            document_template=self.document_template,
            query_template=self.query_template,
        )

    async def embed(
        self,
        texts: Sequence[str],
        purpose: Purpose = Purpose.DOCUMENT,
        *,
        on_tokens: OnTokens | None = None,
    ) -> Vectors:
        """See `streams.ports.Embedder`."""
        if not texts:
            return np.empty((0, self._dimensions), dtype=np.float32)
        self.calls += 1
        self.texts += len(texts)
        if self.failures:
            raise self.failures.popleft()
        inputs = prompts(texts, purpose, self)
        if self.refuses is not None and any(map(self.refuses, texts)):
            raise InputRefused("a text is refused")
        if on_tokens is not None and self.tokens is not None:
            on_tokens(sum(map(self.tokens, inputs)))
        vectors = self._spread(inputs)
        if self.malforms is not None:
            vectors[[self.malforms(text) for text in texts]] = np.nan
        return unit_vectors(vectors, count=len(texts), dimensions=self._dimensions)

    async def close(self) -> None:
        """Nothing to let go of."""

    def _spread(self, texts: Sequence[str]) -> Vectors:
        key = self.weights.encode()
        digests = b"".join(
            hashlib.blake2b(text.encode(), digest_size=8, key=key).digest() for text in texts
        )
        seeds = np.frombuffer(digests, dtype="<u4").reshape(len(texts), 2)
        bits = seeds[:, :1] * self._factors
        bits ^= bits >> np.uint32(16)
        bits *= _MIX_1
        # The second half of the hash goes in between two mixing steps: all 64 bits count.
        bits ^= seeds[:, 1:]
        bits ^= bits >> np.uint32(13)
        bits *= _MIX_2
        bits ^= bits >> np.uint32(16)
        vectors: Vectors = bits.view(np.int32).astype(np.float32)
        return vectors
