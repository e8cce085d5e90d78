"""The embedder over one or more Ollama hosts that hold the same model.

One call goes to one host, and to the next if that one fails: no truncation, no batching, and
no waiting; limits and back-off are the caller's. An input is only ever blamed once the same
host has embedded a single word, so that a crashed runner or a replaced model never condemns
documents.
"""

import asyncio
from collections.abc import Sequence

import numpy as np

from schemas import Fingerprint
from streams.adapters.ollama_host import Identity, OllamaHost
from streams.adapters.ollama_pool import OllamaPool, describe_differences
from streams.adapters.prompts import prompts
from streams.config import OllamaConfig
from streams.errors import HotswapError, InputRefused, LaneHalted
from streams.ports import OnTokens, Purpose, Vectors

__all__ = ["OllamaEmbedder"]


class OllamaEmbedder:
    """See the module, and `streams.ports.Embedder`.

    A call may take the lane's timeout once for each host that hangs before one answers.
    """

    def __init__(self, config: OllamaConfig) -> None:
        self._config = config
        self._hosts = [OllamaHost(url, config) for url in config.hosts]
        self._pool = OllamaPool(self._hosts)
        self._first_look = asyncio.Lock()

    async def identify(self) -> Fingerprint:
        """Ask every host; those that answer must agree in digest, version and dimensions.

        Raises: TransientError if no host answers; LaneHalted if one lacks the model or two
        differ.
        """
        identity = await self._identify()
        config = self._config
        return Fingerprint(
            provider="ollama",
            model=config.model,
            digest=identity.holding.digest,
            server_version=identity.holding.server_version,
            dimensions=identity.dimensions,
            document_template=config.document_template,
            query_template=config.query_template,
            context_tokens=config.context_tokens,
        )

    async def embed(
        self,
        texts: Sequence[str],
        purpose: Purpose = Purpose.DOCUMENT,
        *,
        on_tokens: OnTokens | None = None,
    ) -> Vectors:
        """See `streams.ports.Embedder`. The first call identifies the hosts if nobody has."""
        pinned = await self._pinned()
        if not texts:
            return np.empty((0, pinned.dimensions), dtype=np.float32)
        inputs = prompts(texts, purpose, self._config)

        async def on(host: OllamaHost) -> Vectors:
            try:
                return await host.embed(inputs, dimensions=pinned.dimensions, on_tokens=on_tokens)
            except InputRefused:
                now = await host.identify()
                if now != pinned:
                    raise LaneHalted(describe_differences(host.url, pinned, now)) from None
                raise

        return await self._pool.run(on)

    async def close(self) -> None:
        """Close the connections to all hosts."""
        for host in self._hosts:
            await host.close()

    async def _pinned(self) -> Identity:
        async with self._first_look:
            if self._pool.identity is None:
                return await self._identify()
            return self._pool.identity

    async def _identify(self) -> Identity:
        answers = await asyncio.gather(*(_identity(host) for host in self._hosts))
        return self._pool.agreed(answers)


async def _identity(host: OllamaHost) -> Identity | HotswapError:
    try:
        return await host.identify()
    except HotswapError as error:
        return error
