"""OpenAI's embeddings endpoint as its reference describes it, over vectors from hashes."""

import base64
from collections import deque
from collections.abc import Callable
from typing import Any

import numpy as np

from streams.adapters.memory_embedder import MemoryEmbedder
from tests.contract.embedder.fake_http import Fault, Reply, Request

KEY = "sk-of-the-test"


def problem(
    status: int, message: str, code: str | None = None, kind: str = "invalid_request_error"
) -> Reply:
    """An error in the shape of the API."""
    error = {"message": message, "type": kind, "param": None, "code": code}
    return Reply({"error": error}, status)


def item(index: int, vector: Any) -> dict[str, Any]:
    """One entry of `data`, in base64 as the client asks for."""
    coded = base64.b64encode(np.asarray(vector, dtype="<f4").tobytes()).decode()
    return {"object": "embedding", "index": index, "embedding": coded}


def listing(items: list[dict[str, Any]]) -> Reply:
    """A whole answer."""
    return Reply(
        {
            "object": "list",
            "data": items,
            "model": "hash",
            "usage": {"prompt_tokens": 1, "total_tokens": 1},
        }
    )


class FakeOpenAI:
    """Attributes: next: scripted answers, used up first; requests: all that came."""

    def __init__(self, dimensions: int = 8, model: str = "hash") -> None:
        self.model = model
        self.embedder = MemoryEmbedder(dimensions)
        self.next: deque[Reply | Fault | Callable[[Request], Reply]] = deque()
        self.requests: list[Request] = []

    async def answer(self, request: Request) -> Reply | Fault:
        self.requests.append(request)
        if self.next:
            scripted = self.next.popleft()
            return scripted(request) if callable(scripted) else scripted
        if request.headers.get("authorization") != f"Bearer {KEY}":
            return problem(401, "Incorrect API key provided: sk-x.", "invalid_api_key")
        if (request.method, request.path) != ("POST", "/v1/embeddings"):
            return problem(404, f"Invalid URL ({request.method} {request.path})")
        asked = request.json
        if asked["model"] != self.model:
            return problem(404, f"The model `{asked['model']}` does not exist.", "model_not_found")
        if any(text == "" or "refuse me" in text for text in asked["input"]):
            return problem(400, "'$.input' is invalid.")
        vectors = await self.embedder.embed(asked["input"])
        # Not of unit length, and not in order: neither is promised.
        items = [item(index, vector * 3) for index, vector in enumerate(vectors)]
        return listing(items[::-1])
