"""What the cloud stand-in does with one embedding call: check it, charge it, answer it.

Knows nothing of HTTP but the statuses in its refusals.
"""

import base64
import time
from collections.abc import Sequence
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
from pydantic import BaseModel, ConfigDict

from streams.stack.cloud import DIMENSIONS, MODEL, errors
from streams.stack.cloud.faults import Faults
from streams.stack.cloud.limits import Budget
from streams.stack.cloud.model import Model
from streams.stack.standin.control import Control

__all__ = ["EmbeddingRequest", "Service"]

_MOST_INPUTS = 2_048
_MOST_TOKENS = 8_192
_MOST_TOKENS_PER_CALL = 300_000


class EmbeddingRequest(BaseModel):
    """The body of `POST /v1/embeddings`. Token arrays are not taken."""

    model_config = ConfigDict(strict=True, extra="ignore")

    model: str
    input: str | list[str]
    encoding_format: Literal["float", "base64"] = "float"
    dimensions: int | None = None

    @property
    def texts(self) -> list[str]:
        """The inputs as a list."""
        return [self.input] if isinstance(self.input, str) else self.input


class Service:
    """Model, key, faults and budgets. All methods raise `errors.Refusal`."""

    def __init__(self, model: Model, key: str, control: Control[Faults]) -> None:
        self.control = control
        self._model = model
        self._key = key
        self._budgets: dict[str, Budget] = {}
        self._budgeted: int | None = None

    def authorise(self, header: str | None) -> None:
        """Refuse whoever does not bear the key."""
        given = (header or "").removeprefix("Bearer ").strip()
        if given != self._key:
            raise errors.unauthorised(given)

    def check(self, request: EmbeddingRequest) -> None:
        """Refuse what a glance shows to be wrong."""
        texts, wanted = request.texts, request.dimensions
        if request.model != MODEL:
            raise errors.unknown_model(request.model)
        if wanted is not None and not 1 <= wanted <= DIMENSIONS:
            raise errors.bad_request(
                f"Invalid value for 'dimensions' = {wanted}."
                f" Must be less than or equal to {DIMENSIONS}.",
                "dimensions",
            )
        if not texts or not all(texts):
            raise errors.bad_request("'$.input' is invalid: it must not be empty.", "input")
        if len(texts) > _MOST_INPUTS:
            raise errors.bad_request(
                f"Invalid 'input': array too long. Expected an array with maximum length"
                f" {_MOST_INPUTS}, but got an array with length {len(texts)} instead.",
                "input",
                "array_above_max_length",
            )

    def count(self, request: EmbeddingRequest) -> list[int]:
        """Tokens of each input; refuses too many. Slow: not for the event loop."""
        tokens = self._model.tokens(request.texts)
        _check_tokens(tokens)
        return tokens

    def charge(self, tokens: int) -> None:
        """Spend the budgets, or refuse and say for how long they are exhausted."""
        now = time.monotonic()
        amounts = {"requests": 1.0, "tokens": float(tokens)}
        budgets = self._current_budgets()
        for what, budget in budgets.items():
            if wait := budget.wait(amounts[what], now):
                say_when = self.control.switches.retry_after
                raise errors.rate_limited(what, budget.per_minute, wait, say_when=say_when)
        for what, budget in budgets.items():
            budget.spend(amounts[what], now)

    def answer(
        self, request: EmbeddingRequest, tokens: Sequence[int], faults: Faults
    ) -> dict[str, Any]:
        """The answer, spoilt as `faults` say. Slow: not for the event loop."""
        vectors = self._model.embed(request.texts, request.dimensions or DIMENSIONS)
        if faults.moved:
            vectors = np.roll(vectors, 1, axis=1)
        if faults.wrong_dimensions:
            vectors = vectors[:, :-1]
        if faults.fewer_vectors:
            vectors = vectors[:-1]
        data = [_item(index, row, request.encoding_format) for index, row in enumerate(vectors)]
        if faults.shuffle:
            self.control.random.shuffle(data)
        usage = {"prompt_tokens": sum(tokens), "total_tokens": sum(tokens)}
        return {"object": "list", "data": data, "model": MODEL, "usage": usage}

    def _current_budgets(self) -> dict[str, Budget]:
        """The budgets; they start full after each change of the faults."""
        faults = self.control.switches
        if self._budgeted != self.control.changes:
            self._budgeted = self.control.changes
            limits = {"requests": faults.requests_per_minute, "tokens": faults.tokens_per_minute}
            self._budgets = {
                what: Budget(limit, faults.burst_seconds)
                for what, limit in limits.items()
                if limit is not None
            }
        return self._budgets


def _check_tokens(tokens: Sequence[int]) -> None:
    longest, total = max(tokens), sum(tokens)
    if longest > _MOST_TOKENS:
        raise errors.bad_request(
            f"This model's maximum context length is {_MOST_TOKENS} tokens, however you"
            f" requested {longest} tokens ({longest} in your prompt; 0 for the completion)."
            " Please reduce your prompt; or completion length."
        )
    if total > _MOST_TOKENS_PER_CALL:
        raise errors.bad_request(
            f"Requested {total} tokens, max {_MOST_TOKENS_PER_CALL} tokens per request",
            code="max_tokens_per_request",
        )


def _item(index: int, vector: npt.NDArray[np.float32], encoding: str) -> dict[str, Any]:
    embedding: object = np.ascontiguousarray(vector)
    if encoding == "base64":
        embedding = base64.b64encode(vector.astype("<f4").tobytes()).decode("ascii")
    return {"object": "embedding", "index": index, "embedding": embedding}
