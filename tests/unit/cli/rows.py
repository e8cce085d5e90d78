"""Documents on the log, and the rows that a lane would make of them."""

import asyncio
from collections.abc import Coroutine
from hashlib import blake2b
from typing import Any

from schemas import Document
from streams.adapters.memory_embedder import MemoryEmbedder
from streams.adapters.memory_log import MemoryLog
from streams.ports import NewRecord, Row

__all__ = ["now", "rows_of"]


def now(work: Coroutine[Any, Any, Any]) -> Any:
    """Run a coroutine of a system in memory."""
    return asyncio.run(work)


async def rows_of(log: MemoryLog, embedder: MemoryEmbedder, texts: list[str]) -> list[Row]:
    """Append a document for each text, `articles/0` and so on, and give their rows."""
    documents = [
        Document(
            id=f"articles/{index}",
            source="articles",
            key={"id": index},
            text=text,
            content_hash=blake2b(text.encode(), digest_size=16).hexdigest(),
            position=f"{index:020}",
        )
        for index, text in enumerate(texts)
    ]
    records = [NewRecord("documents", one.id.encode(), one.encode()) for one in documents]
    places = await log.append(records)
    vectors = await embedder.embed(texts)
    return [
        Row(
            id=document.id,
            embedding=vector,
            source="articles",
            key=document.key,
            shard=shard,
            version=version,
            content_hash=document.content_hash,
            metadata={},
            text_bytes=len(document.text),
            embedded_at=1,
        )
        for document, vector, (shard, version) in zip(documents, vectors, places, strict=True)
    ]
