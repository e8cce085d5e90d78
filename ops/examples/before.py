"""Search over articles: the cloud's model embeds the query, Milvus finds the nearest.

uvicorn --app-dir ops/examples before:app
"""

import logging
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from fastapi import FastAPI, Request
from openai import AsyncOpenAI
from pymilvus import AsyncMilvusClient


@asynccontextmanager
async def clients(_app: FastAPI) -> AsyncIterator[dict[str, Any]]:
    """What every request uses."""
    async with AsyncOpenAI() as openai, AsyncMilvusClient(os.environ["MILVUS_URI"]) as milvus:
        yield {"openai": openai, "milvus": milvus}


app = FastAPI(lifespan=clients)
log = logging.getLogger("uvicorn.error")


@app.get("/search")
async def search(request: Request, q: str, user: str, k: int = 5) -> list[dict[str, Any]]:
    """The articles nearest to what the user asks for."""
    log.info("user %s searches", user)
    model = os.environ["EMBEDDING_MODEL"]
    embedded = await request.state.openai.embeddings.create(model=model, input=[q])
    (hits,) = await request.state.milvus.search(
        os.environ["COLLECTION"], [embedded.data[0].embedding], limit=k, output_fields=["metadata"]
    )
    return [
        {"id": hit["id"], "score": hit["distance"], **hit["entity"]["metadata"]} for hit in hits
    ]
