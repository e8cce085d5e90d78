"""MiniLM by onnxruntime: tokens, mean over the last layer, length 1.

Knows nothing of the protocol. Texts are run one by one: the model's 8-bit arithmetic takes its
scales from the whole batch, so a vector would depend on its neighbours otherwise.
"""

import hashlib
from collections.abc import Sequence
from pathlib import Path
from threading import Lock

import numpy as np
import numpy.typing as npt
import onnxruntime
from tokenizers import Encoding, Regex, Tokenizer
from tokenizers.normalizers import BertNormalizer
from tokenizers.pre_tokenizers import Sequence as Steps
from tokenizers.pre_tokenizers import Split, WhitespaceSplit

__all__ = ["CONTEXT", "DIMENSIONS", "Model"]

CONTEXT = 512
DIMENSIONS = 384


class Model:
    """Loaded once; embeds one text at a time, as Ollama does."""

    def __init__(self, weights: Path, tokenizer: Path) -> None:
        self.digest = hashlib.sha256(weights.read_bytes() + tokenizer.read_bytes()).hexdigest()
        self.size = weights.stat().st_size
        self._tokenizer = _as_ollama_splits(Tokenizer.from_file(str(tokenizer)))
        options = onnxruntime.SessionOptions()
        options.log_severity_level = 3
        self._session = onnxruntime.InferenceSession(
            str(weights), options, providers=["CPUExecutionProvider"]
        )
        self._busy = Lock()

    def tokenise(self, texts: Sequence[str], most: int | None = None) -> list[Encoding]:
        """Tokens of each text, with the two that stand around it; cut to `most` if given."""
        with self._busy:
            if most is None:
                self._tokenizer.no_truncation()
            else:
                self._tokenizer.enable_truncation(most)
            encoded: list[Encoding] = self._tokenizer.encode_batch(list(texts))
        return encoded

    def embed(self, texts: Sequence[Encoding]) -> npt.NDArray[np.float32]:
        """Vectors of shape (texts, 384)."""
        return np.stack([self._embed(text) for text in texts])

    def _embed(self, text: Encoding) -> npt.NDArray[np.float32]:
        inputs = {
            "input_ids": np.array([text.ids], dtype=np.int64),
            "attention_mask": np.array([text.attention_mask], dtype=np.int64),
            "token_type_ids": np.array([text.type_ids], dtype=np.int64),
        }
        with self._busy:
            hidden = np.asarray(self._session.run(None, inputs)[0], dtype=np.float32)
        mean: npt.NDArray[np.float32] = hidden[0].mean(axis=0)
        mean /= np.linalg.norm(mean)
        return mean


def _as_ollama_splits(tokenizer: Tokenizer) -> Tokenizer:
    """Split texts as Ollama's WordPiece does, which is not quite as BERT's own.

    It keeps accents (so that an accented word is mostly unknown to this model), takes only
    Unicode punctuation for punctuation (not `=` or `$`), and knows no longest word. See
    `wordpiece.go` in Ollama 0.17.4. Not copied: it cuts punctuation beyond ASCII into bytes.
    """
    tokenizer.no_padding()
    tokenizer.normalizer = BertNormalizer(
        clean_text=False, handle_chinese_chars=True, strip_accents=False, lowercase=True
    )
    tokenizer.pre_tokenizer = Steps([WhitespaceSplit(), Split(Regex(r"\p{P}"), "isolated")])
    tokenizer.model.max_input_chars_per_word = 1_000_000
    return tokenizer
