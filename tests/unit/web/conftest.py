"""The application over lanes in memory, and callers."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager

import httpx
import pytest
from pydantic import SecretStr

from streams.config import ServeConfig
from streams.web.app import make_app
from tests.unit.serving.world import World

Caller = Callable[..., AbstractAsyncContextManager[httpx.AsyncClient]]


@pytest.fixture
async def world() -> World:
    return World()


@pytest.fixture
def caller(world) -> Caller:
    """`async with caller(limit=…, token=…) as http`: somebody who calls the application."""

    @asynccontextmanager
    async def calling(
        token: str | None = None,
        *,
        sample: float = 0.0,
        base_url: str = "http://127.0.0.1:8080",
        **limits: object,
    ) -> AsyncIterator[httpx.AsyncClient]:
        config = ServeConfig.model_validate(limits)
        secret = None if token is None else SecretStr(token)
        async with world.serving(sample=sample) as serving:
            app = make_app(serving, config, secret)
            transport = httpx.ASGITransport(app, raise_app_exceptions=False)
            async with httpx.AsyncClient(transport=transport, base_url=base_url) as http:
                yield http

    return calling
