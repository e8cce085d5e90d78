"""Search over articles: Hotswap picks the model for who asks, and finds the nearest.

uvicorn --app-dir ops/examples after:app
"""

import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from fastapi import FastAPI, Request

from streams.client import AsyncHotswap


@asynccontextmanager
async def clients(_app: FastAPI) -> AsyncIterator[dict[str, Any]]:
    """What every request uses."""
    async with AsyncHotswap.open() as hotswap:
        yield {"hotswap": hotswap}


app = FastAPI(lifespan=clients)
log = logging.getLogger("uvicorn.error")


@app.get("/search")
async def search(request: Request, q: str, user: str, k: int = 5) -> list[dict[str, Any]]:
    """The articles nearest to what the user asks for."""
    log.info("user %s searches", user)
    found = await request.state.hotswap.search(q, k=k, targeting_key=user)
    return [{"id": hit.id, "score": hit.score, **hit.metadata} for hit in found.hits]
