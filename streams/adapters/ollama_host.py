"""One Ollama server: what it holds, and its embeddings. Knows no other host.

API: https://github.com/ollama/ollama/blob/main/docs/api.md
"""

import asyncio
import ssl
from dataclasses import dataclass
from functools import cache
from typing import Any

import httpx
import ollama

from streams.adapters.ollama_errors import translated
from streams.adapters.used_tokens import used_tokens
from streams.config import OllamaConfig
from streams.core.vectors import unit_vectors
from streams.errors import InputRefused, LaneHalted, TransientError
from streams.ports import OnTokens, Vectors

__all__ = ["Holding", "Identity", "OllamaHost"]

_LOOK_SECONDS = 5.0
"""Ollama lists models and tells its version from memory, also while it computes."""

_PROBE = "probe"


@dataclass(frozen=True, slots=True)
class Holding:
    """What a host says of itself without computing anything."""

    digest: str
    server_version: str


@dataclass(frozen=True, slots=True)
class Identity:
    """All that decides a host's vectors, besides what the lane asks of it."""

    holding: Holding
    dimensions: int

    def listed(self) -> dict[str, object]:
        """Name → value, under the names of `schemas.Fingerprint`."""
        return {
            "digest": self.holding.digest,
            "server_version": self.holding.server_version,
            "dimensions": self.dimensions,
        }


class OllamaHost:
    """Calls to one host; each ends within the lane's timeout."""

    def __init__(self, url: str, config: OllamaConfig) -> None:
        self.url = url
        self._config = config
        self._client = ollama.AsyncClient(url, timeout=config.timeout_seconds, verify=_trusted())
        # The client library has no call for the version.
        self._plain = httpx.AsyncClient(timeout=_LOOK_SECONDS, verify=_trusted())

    async def look(self) -> Holding:
        """Digest of the lane's model and version of the server, within seconds.

        Raises: TransientError; LaneHalted if the host does not hold the model.
        """
        model = self._config.model
        try:
            with translated(self.url, model):
                async with asyncio.timeout(_LOOK_SECONDS):
                    answer = await self._plain.get(f"{self.url}/api/version")
                    answer.raise_for_status()
                    version = str(answer.json()["version"])
                    held = (await self._client.list()).models
        except InputRefused as refusal:
            # There was no input; something in between answers for Ollama.
            raise TransientError(str(refusal)) from refusal
        digests = [each.digest for each in held if each.model == _tagged(model)]
        if not digests or digests[0] is None:
            raise LaneHalted(
                f"{self.url} does not hold model {model!r}"
                f"\n  remedy: run `ollama pull {model}` on that host"
            )
        return Holding(digests[0], version)

    async def identify(self) -> Identity:
        """Look, and embed one word to learn the dimensions; loads the model.

        Raises: TransientError, LaneHalted.
        """
        holding = await self.look()
        try:
            vectors = await self.embed([_PROBE], dimensions=None)
        except InputRefused as refusal:
            # One harmless word is never to blame. A runner that has crashed or computes
            # nonsense shows like this until Ollama has started a new one.
            raise TransientError(f"{self.url} does not embed even one word: {refusal}") from refusal
        return Identity(holding, vectors.shape[1])

    async def embed(
        self, inputs: list[str], *, dimensions: int | None, on_tokens: OnTokens | None = None
    ) -> Vectors:
        """One call. `dimensions` None accepts any.

        Raises: InputRefused, MalformedVector, TransientError, LaneHalted.
        """
        config = self._config
        options: dict[str, Any] = (
            {} if config.context_tokens is None else {"num_ctx": config.context_tokens}
        )
        with translated(self.url, config.model):
            # The client's own timeout is for each read; a dribbling server could outlast it.
            async with asyncio.timeout(config.timeout_seconds):
                answer = await self._client.embed(
                    config.model,
                    inputs,
                    truncate=False,
                    options=options,
                    keep_alive=config.keep_alive,
                )
        if on_tokens is not None and (tokens := used_tokens(dict(answer))) is not None:
            on_tokens(tokens)
        return unit_vectors(answer.embeddings, count=len(inputs), dimensions=dimensions)

    async def close(self) -> None:
        """Close the connections."""
        await self._client.close()  # type: ignore[no-untyped-call]
        await self._plain.aclose()


@cache
def _trusted() -> ssl.SSLContext:
    """The usual authorities, read once: each reading takes some 20 ms of the event loop."""
    return httpx.create_ssl_context()


def _tagged(model: str) -> str:
    """The name as Ollama lists it: a model without a tag is `:latest`."""
    return model if ":" in model.rpartition("/")[2] else f"{model}:latest"
