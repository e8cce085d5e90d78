"""The cloud stand-in as a server with a latency and a token budget, for a bench."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass

import httpx
from openai import AsyncOpenAI

from streams.errors import TransientError
from streams.stack.status import Endpoints

__all__ = ["CloudServer", "open_cloud"]

_BATCH = 256


@dataclass(frozen=True, slots=True)
class CloudServer:
    """The stand-in, and a plain client of it."""

    client: AsyncOpenAI
    model: str
    _admin: httpx.AsyncClient

    async def limit(
        self, *, latency_ms: float, tokens_per_minute: float, burst_seconds: float
    ) -> None:
        """Be slow and refuse whoever spends more; the budget is full from now on."""
        faults = {
            "latency_ms": latency_ms,
            "tokens_per_minute": tokens_per_minute,
            "burst_seconds": burst_seconds,
        }
        await self._ask("POST", "/admin/faults", faults)

    async def delay(self, latency_ms: float) -> None:
        """Answer each call so much later, and take whatever comes."""
        await self.reset()
        await self._ask("POST", "/admin/faults", {"latency_ms": latency_ms})

    async def reset(self) -> None:
        """Be fast again, and take whatever comes."""
        await self._ask("DELETE", "/admin/faults")

    async def embed(self, texts: Sequence[str]) -> list[float]:
        """One call; the vector of the first text."""
        answer = await self.client.embeddings.create(model=self.model, input=list(texts))
        return answer.data[0].embedding

    async def tokens(self, texts: Sequence[str]) -> int:
        """How many tokens the server makes of the texts, without a limit."""
        await self.reset()
        total = 0
        for start in range(0, len(texts), _BATCH):
            answer = await self.client.embeddings.create(
                model=self.model, input=list(texts[start : start + _BATCH])
            )
            total += answer.usage.total_tokens
        return total

    async def _ask(self, method: str, path: str, body: dict[str, float] | None = None) -> None:
        try:
            (await self._admin.request(method, path, json=body)).raise_for_status()
        except httpx.HTTPError as error:
            raise TransientError(f"the cloud stand-in does not take {path}: {error}") from error


@asynccontextmanager
async def open_cloud(endpoints: Endpoints) -> AsyncIterator[CloudServer]:
    """The stand-in of a stack; at the end it has no limits."""
    base = endpoints.cloud_url.removesuffix("/v1")
    async with (
        httpx.AsyncClient(base_url=base, timeout=10) as admin,
        AsyncOpenAI(
            api_key=endpoints.cloud_api_key, base_url=endpoints.cloud_url, max_retries=0, timeout=30
        ) as client,
    ):
        server = CloudServer(client, endpoints.cloud_model, admin)
        try:
            yield server
        finally:
            await server.reset()
