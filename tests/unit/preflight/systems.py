"""Systems in memory on which a preflight finds everything well."""

import hashlib
import re
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from functools import cache

import numpy as np
import orjson

from schemas import Fingerprint
from streams.adapters.memory_database import MemoryDatabase
from streams.adapters.memory_embedder import MemoryEmbedder
from streams.adapters.memory_store import MemoryStore
from streams.adapters.prompts import prompts
from streams.adapters.recording_relay import Exchange
from streams.core.vectors import unit_vectors
from streams.errors import DriftError
from streams.ports import (
    OnTokens,
    Publication,
    Purpose,
    ReplicaIdentity,
    ReplicationSlot,
    Table,
    Vectors,
)
from streams.services.wire import Wire

__all__ = ["MemoryInspector", "WordEmbedder", "database", "listening_to"]

_OPERATIONS = frozenset({"insert", "update", "delete", "truncate"})


class WordEmbedder(MemoryEmbedder):
    """Texts that share words are near: the mean of the words' vectors."""

    async def embed(
        self,
        texts: Sequence[str],
        purpose: Purpose = Purpose.DOCUMENT,
        *,
        on_tokens: OnTokens | None = None,
    ) -> Vectors:
        await super().embed(texts, purpose, on_tokens=on_tokens)  # counts, fails and refuses
        inputs = prompts(texts, purpose, self)
        count = (await self.identify()).dimensions
        words = [re.findall(r"\w+|[^\w\s]", text) for text in inputs]
        known = [[_word(self.weights + one, count) for one in some] for some in words]
        sums = np.array([np.sum(some, 0) for some in known])
        return unit_vectors(sums, count=len(texts), dimensions=count)


@cache
def _word(word: str, dimensions: int) -> Vectors:
    seed = int.from_bytes(hashlib.blake2b(word.lower().encode(), digest_size=8).digest(), "big")
    return np.random.default_rng(seed).standard_normal(dimensions).astype(np.float32)


class MemoryInspector:
    """Implements `streams.services.preflight.milvus.Inspector` over a store in memory."""

    def __init__(self, store: MemoryStore, version: str = "2.6.0") -> None:
        self._store = store
        self._version = version

    async def version(self) -> str:
        return self._version

    async def compare(self, collection: str, pinned: Fingerprint) -> bool:
        found = await self._store.fingerprint(collection)
        if found is not None and (differences := pinned.differences(found)):
            raise DriftError(f"collection {collection}", differences, "start a new build")
        return found is not None

    async def close(self) -> None:
        """Nothing to let go of."""


def database() -> MemoryDatabase:
    table = Table(
        "public.articles", {"id": "integer", "title": "text"}, ("id",), ReplicaIdentity.FULL
    )
    return MemoryDatabase(
        {"public.articles": (table, [])},
        publications={
            "hotswap": Publication("hotswap", frozenset({"public.articles"}), _OPERATIONS)
        },
        slots={
            "hotswap": ReplicationSlot("hotswap", active=True, plugin="pgoutput", behind_bytes=0)
        },
        settings={"wal_level": "logical", "max_slot_wal_keep_size": "-1"},
    )


class _Recorded:
    """An embedder in memory, with what would have gone over a wire."""

    def __init__(self, embedder: MemoryEmbedder, usage: dict | None) -> None:
        self._embedder = embedder
        self._usage = usage or {}
        self.exchanges: list[Exchange] = []
        self.identify = embedder.identify
        self.close = embedder.close

    async def embed(
        self,
        texts: Sequence[str],
        purpose: Purpose = Purpose.DOCUMENT,
        *,
        on_tokens: OnTokens | None = None,
    ) -> Vectors:
        sent = orjson.dumps({"input": prompts(texts, purpose, self._embedder)})
        self.exchanges.append(Exchange("/embed", sent, orjson.dumps(self._usage)))
        return await self._embedder.embed(texts, purpose, on_tokens=on_tokens)


def listening_to(embedders: dict[str, MemoryEmbedder], usage: dict[str, dict] | None = None):
    """Stands for `streams.services.wire.listening`."""

    @asynccontextmanager
    async def listening(_settings: object, lane: str) -> AsyncIterator[Wire]:
        recorded = _Recorded(embedders[lane], (usage or {}).get(lane))
        yield Wire(recorded, recorded.exchanges)

    return listening
