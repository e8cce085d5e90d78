"""The embedder behind OpenAI's embeddings API, or a server compatible with it.

One call is one request: no retries, no truncation, no batching. Limits and back-off are the
caller's. An input is only ever blamed once a one-word probe has passed, so that a wrong
setting or a replaced model halts the lane instead of condemning its documents one by one.
"""

import asyncio
from collections.abc import Sequence

import numpy as np
from openai import AsyncOpenAI, omit
from pydantic import SecretStr

from schemas import Fingerprint
from streams.adapters.openai_answer import read_answer, vectors_of
from streams.adapters.openai_errors import translated
from streams.adapters.prompts import prompts
from streams.adapters.used_tokens import used_tokens
from streams.config import OpenAIConfig
from streams.core.vectors import unit_vectors
from streams.errors import InputRefused, LaneHalted, MalformedVector, TransientError
from streams.ports import OnTokens, Purpose, Vectors

__all__ = ["OpenAIEmbedder"]

_PROBE = "probe"


class OpenAIEmbedder:
    """See the module, and `streams.ports.Embedder`."""

    def __init__(self, config: OpenAIConfig, key: SecretStr) -> None:
        self._config = config
        self._client = AsyncOpenAI(
            api_key=key.get_secret_value(),
            base_url=config.base_url,
            # The client would sleep up to two minutes on its own.
            max_retries=0,
            timeout=config.timeout_seconds,
        )

    async def identify(self) -> Fingerprint:
        """Embed one word, to learn that the model answers and how long its vectors are.

        Raises: TransientError; LaneHalted, also when the live dimensions are not the
        configured ones.
        """
        config = self._config
        try:
            vectors = await self._call([_PROBE], dimensions=None)
        except MalformedVector as nonsense:
            # One harmless word is never to blame, and nothing that we send can be wrong.
            raise TransientError(
                f"{config.base_url} answers even one word with no usable vector: {nonsense}"
            ) from nonsense
        except InputRefused as refusal:
            raise LaneHalted(
                f"{config.base_url} does not embed even one word with model {config.model!r}:"
                f" {refusal}"
            ) from refusal
        if vectors.shape[1] != config.dimensions:
            raise LaneHalted(
                f"{config.base_url}: model {config.model!r} answers with {vectors.shape[1]}"
                f" dimensions, but {config.dimensions} are configured"
            )
        return Fingerprint(
            provider="openai",
            model=config.model,
            dimensions=config.dimensions,
            document_template=config.document_template,
            query_template=config.query_template,
        )

    async def embed(
        self,
        texts: Sequence[str],
        purpose: Purpose = Purpose.DOCUMENT,
        *,
        on_tokens: OnTokens | None = None,
    ) -> Vectors:
        """See `streams.ports.Embedder`. A refusal costs one more call, the probe."""
        if not texts:
            return np.empty((0, self._config.dimensions), dtype=np.float32)
        inputs = prompts(texts, purpose, self._config)
        try:
            return await self._call(inputs, dimensions=self._config.dimensions, on_tokens=on_tokens)
        except InputRefused:
            await self.identify()
            raise

    async def close(self) -> None:
        """Close the connections."""
        await self._client.close()

    async def _call(
        self, inputs: list[str], *, dimensions: int | None, on_tokens: OnTokens | None = None
    ) -> Vectors:
        config = self._config
        with translated(config.base_url):
            # The client's own timeout is for each read; a dribbling server could outlast it.
            async with asyncio.timeout(config.timeout_seconds):
                response = await self._client.embeddings.with_raw_response.create(
                    model=config.model,
                    input=inputs,
                    encoding_format="base64",
                    dimensions=config.dimensions if config.send_dimensions else omit,
                )
        answer = read_answer(response.content)
        if on_tokens is not None and (tokens := used_tokens(answer)) is not None:
            on_tokens(tokens)
        vectors = vectors_of(answer, len(inputs))
        return unit_vectors(vectors, count=len(inputs), dimensions=dimensions)
