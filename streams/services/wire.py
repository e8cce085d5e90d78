"""What a lane's embedder is really sent, and what its server says it cost.

A relay on loopback stands in front of the server for as long as it is listened to. Nothing of
the lane's own adapter is left out or replaced but the address.
"""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import orjson

from streams.adapters.recording_relay import Exchange, RecordingRelay
from streams.adapters.used_tokens import used_tokens
from streams.config import OllamaConfig, Settings
from streams.ports import Embedder
from streams.services import open as opening

__all__ = ["Wire", "listening", "tokens_of"]


@dataclass(frozen=True, slots=True)
class Wire:
    """An embedder whose traffic is listened to."""

    embedder: Embedder
    exchanges: Sequence[Exchange]

    def inputs(self, count: int) -> list[tuple[bytes, ...]]:
        """Of each call with so many texts: the texts that went over the wire, as UTF-8."""
        found = [_inputs(exchange) for exchange in self.exchanges]
        return [inputs for inputs in found if inputs is not None and len(inputs) == count]

    def tokens(self, since: int = 0) -> int | None:
        """Tokens of the calls from the one with this index on, by the server's own account.

        None: it does not say. Of a call that was refused and sent again, the last one counts.
        """
        told = [tokens_of(exchange.answered) for exchange in self.exchanges[since:]]
        known = [tokens for tokens in told if tokens is not None]
        return sum(known) if known else None


@asynccontextmanager
async def listening(settings: Settings, lane: str) -> AsyncIterator[Wire]:
    """Open a lane's embedder behind a relay; of several Ollama hosts the first is asked.

    Raises: ConfigurationError if the lane's key can not be read.
    """
    config = settings.lanes[lane]
    ollama = isinstance(config, OllamaConfig)
    upstream = config.hosts[0] if isinstance(config, OllamaConfig) else config.base_url
    with RecordingRelay(upstream, config.timeout_seconds) as relay:
        address: dict[str, Any] = {"hosts": (relay.url,)} if ollama else {"base_url": relay.url}
        lanes = {**settings.lanes, lane: config.model_copy(update=address)}
        embedder = opening.open_embedder(settings.model_copy(update={"lanes": lanes}), lane)
        try:
            yield Wire(embedder, relay.exchanges)
        finally:
            await embedder.close()


def tokens_of(answer: bytes) -> int | None:
    """Tokens that an embeddings answer says it used; None if it does not say."""
    return used_tokens(_object(answer))


def _inputs(exchange: Exchange) -> tuple[bytes, ...] | None:
    inputs = _object(exchange.sent).get("input")
    if not isinstance(inputs, list) or not all(isinstance(text, str) for text in inputs):
        return None
    return tuple(text.encode() for text in inputs)


def _object(body: bytes) -> dict[str, Any]:
    try:
        found = orjson.loads(body)
    except orjson.JSONDecodeError:
        return {}
    return found if isinstance(found, dict) else {}
