"""What the Ollama stand-in says of itself, and what it does with one embedding call."""

import time
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import numpy.typing as npt

from streams.stack.ollama_standin.faults import Faults
from streams.stack.ollama_standin.model import CONTEXT, DIMENSIONS, Model
from streams.stack.ollama_standin.wire import EmbedRequest, Refusal, queue_full
from streams.stack.standin.control import Control

__all__ = ["Service"]

_NAME = "all-minilm:latest"
_VERSION = "0.17.4-stand-in"
_MOST_WAITING = 512


class Service:
    """The one model there is, and the faults. All methods raise `Refusal`."""

    def __init__(self, model: Model, control: Control[Faults]) -> None:
        self.control = control
        self._model = model
        self._made = datetime.now(UTC)
        self._context: int | None = None

    def version(self) -> dict[str, Any]:
        """`GET /api/version`."""
        return {"version": self.control.switches.version or _VERSION}

    def tags(self) -> dict[str, Any]:
        """`GET /api/tags`."""
        entry = self._entry() | {"modified_at": self._made.isoformat()}
        return {"models": [] if self.control.switches.gone else [entry]}

    def running(self) -> dict[str, Any]:
        """`GET /api/ps`: the model, once it has been used."""
        if self._context is None or self.control.switches.gone:
            return {"models": []}
        until = datetime.now(UTC) + timedelta(minutes=5)
        more = {
            "expires_at": until.isoformat(),
            "size_vram": 0,
            "context_length": self._context,
        }
        return {"models": [self._entry() | more]}

    def show(self, name: str) -> dict[str, Any]:
        """`POST /api/show`."""
        if not name:
            raise Refusal(400, "model is required")
        if not self._has(name):
            raise Refusal(404, f"model '{name}' not found")
        return {
            "modelfile": f"FROM {_NAME}\n",
            "template": "{{ .Prompt }}",
            "details": self._entry()["details"],
            "model_info": {
                "general.architecture": "bert",
                "general.parameter_count": 22_565_376,
                "bert.context_length": CONTEXT,
                "bert.embedding_length": DIMENSIONS,
                "bert.pooling_type": 1,
            },
            "capabilities": ["embedding"],
            "modified_at": self._made.isoformat(),
        }

    def pull(self, name: str) -> dict[str, Any]:
        """`POST /api/pull`: nothing to do for the model that is there."""
        if not self._has(name):
            raise Refusal(500, "pull model manifest: file does not exist")
        return {"status": "success"}

    def check(self, request: EmbedRequest) -> None:
        """Refuse what can not be served now."""
        if not self._has(request.model):
            raise Refusal(404, f'model "{request.model}" not found, try pulling it first')
        if self.control.stats.in_flight > _MOST_WAITING:
            raise queue_full()

    def embed(self, request: EmbedRequest, faults: Faults) -> tuple[dict[str, Any], int]:
        """The answer, spoilt as `faults` say, and its tokens. Slow: not for the event loop."""
        began = time.perf_counter_ns()
        encoded = self._model.tokenise(request.texts)
        if any(len(each) > request.context for each in encoded):
            if request.truncate is False:
                raise Refusal(400, "the input length exceeds the context length")
            encoded = self._model.tokenise(request.texts, most=request.context)
        self._context = request.context
        tokens = sum(len(each) for each in encoded)
        vectors = self._model.embed(encoded)
        if 0 < request.dimensions < DIMENSIONS:
            vectors = vectors[:, : request.dimensions]
            vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
        return {
            "model": request.model,
            "embeddings": np.ascontiguousarray(_spoilt(vectors, faults)),
            "total_duration": time.perf_counter_ns() - began,
            "load_duration": 0,
            "prompt_eval_count": tokens,
        }, tokens

    def _has(self, name: str) -> bool:
        known = (_NAME, _NAME.removesuffix(":latest"))
        return name in known and not self.control.switches.gone

    def _entry(self) -> dict[str, Any]:
        return {
            "name": _NAME,
            "model": _NAME,
            "size": self._model.size,
            "digest": self.control.switches.digest or self._model.digest,
            "details": {
                "parent_model": "",
                "format": "onnx",
                "family": "bert",
                "families": ["bert"],
                "parameter_size": "22.57M",
                "quantization_level": "I8",
            },
        }


def _spoilt(vectors: npt.NDArray[np.float32], faults: Faults) -> npt.NDArray[np.float32]:
    if faults.moved:
        vectors = np.roll(vectors, 1, axis=1)
    if faults.nan:
        vectors[0, 0] = np.nan
    if faults.zero:
        vectors[0] = 0
    if faults.wrong_dimensions:
        vectors = vectors[:, :-1]
    if faults.fewer_vectors:
        vectors = vectors[:-1]
    return vectors
