"""The model behind the cloud stand-in: WordLlama, static word vectors, from its wheel.

Knows nothing of the protocol. Chosen because it costs next to nothing, so that a "cloud" on the
same machine leaves the processor to the other lane.
"""

from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from wordllama import WordLlama

__all__ = ["Model"]


class Model:
    """Loaded once; thread-safe, since it is only read."""

    def __init__(self) -> None:
        spec = find_spec("wordllama")
        folder = Path(str(spec and spec.origin)).parent
        # The folder as its own cache: the tokenizer in the wheel is not found otherwise.
        self._llama: Any = WordLlama.load(cache_dir=folder, disable_download=True)

    def tokens(self, texts: Sequence[str]) -> list[int]:
        """How many tokens each text has."""
        encoded = self._llama.tokenizer.encode_batch(list(texts), add_special_tokens=False)
        return [sum(each.attention_mask) for each in encoded]

    def embed(self, texts: Sequence[str], dimensions: int) -> npt.NDArray[np.float32]:
        """Vectors of shape (texts, dimensions), each of length 1.

        The model was trained so that the first numbers of a vector are a vector themselves.
        """
        full: npt.NDArray[np.float32] = self._llama.embed(list(texts))
        cut = full[:, :dimensions]
        cut /= np.linalg.norm(cut, axis=1, keepdims=True)
        return cut
