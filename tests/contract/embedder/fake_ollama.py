"""The part of Ollama's API that embedding needs, over vectors from hashes.

Statuses and messages as Ollama 0.17.4 gives them.
"""

from collections import deque
from typing import Any

from streams.adapters.memory_embedder import MemoryEmbedder
from tests.contract.embedder.fake_http import Fault, Reply, Request

DIGEST = "6cf97aa9ab2e7b3b0dc526238904e189ea5bf0076e1d102b61d21fa09e34caea"


def problem(status: int, message: str) -> Reply:
    """An error in the shape of the API."""
    return Reply({"error": message}, status)


class FakeOllama:
    """One host. It counts tokens if its embedder does.

    Attributes:
        next: scripted answers to embedding calls, used up first.
        instead: if set, the answer to everything.
        embeddings: bodies of the embedding calls that came.
        looks: calls for the version.
    """

    def __init__(
        self, dimensions: int = 8, *, model: str = "hash:latest", digest: str = DIGEST
    ) -> None:
        self.embedder = MemoryEmbedder(dimensions)
        self.model = model
        self.digest = digest
        self.version = "0.17.4"
        self.next: deque[Reply | Fault] = deque()
        self.instead: Reply | Fault | None = None
        self.embeddings: list[Any] = []
        self.looks = 0

    async def answer(self, request: Request) -> Reply | Fault:
        if request.path == "/api/embed":
            self.embeddings.append(request.json)
        if self.instead is not None:
            return self.instead
        match request.path:
            case "/api/version":
                self.looks += 1
                return Reply({"version": self.version})
            case "/api/tags":
                held = {"name": self.model, "model": self.model, "digest": self.digest}
                return Reply({"models": [held]})
            case "/api/embed":
                return self.next.popleft() if self.next else await self._embed(request.json)
        return Reply(b"404 page not found", 404)

    async def _embed(self, asked: dict[str, Any]) -> Reply:
        if f"{asked['model']}:latest" != self.model and asked["model"] != self.model:
            return problem(404, f'model "{asked["model"]}" not found, try pulling it first')
        if any("refuse me" in text for text in asked["input"]):
            return problem(400, "the input length exceeds the context length")
        told: list[int] = []
        vectors = await self.embedder.embed(asked["input"], on_tokens=told.append)
        counted = {"prompt_eval_count": sum(told)} if told else {}
        return Reply({"model": asked["model"], "embeddings": (vectors * 3).tolist(), **counted})
