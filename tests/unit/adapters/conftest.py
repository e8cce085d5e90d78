"""Embedders over servers that do as the test says."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from typing import Any

import pytest
from pydantic import SecretStr

from streams.adapters.ollama_embedder import OllamaEmbedder
from streams.adapters.openai_embedder import OpenAIEmbedder
from streams.config import OllamaConfig, OpenAIConfig
from tests.contract.embedder.fake_http import serving
from tests.contract.embedder.fake_ollama import FakeOllama
from tests.contract.embedder.fake_openai import KEY, FakeOpenAI

OpenAIMaker = Callable[..., Awaitable[OpenAIEmbedder]]
OllamaMaker = Callable[..., Awaitable[OllamaEmbedder]]


@pytest.fixture
async def exits() -> AsyncIterator[AsyncExitStack]:
    async with AsyncExitStack() as stack:
        yield stack


@pytest.fixture
def fake_openai() -> FakeOpenAI:
    return FakeOpenAI()


@pytest.fixture
def openai_over(exits: AsyncExitStack) -> OpenAIMaker:
    """`await openai_over(fake, key=…, **config)` gives an embedder over that fake."""

    async def make(fake: FakeOpenAI, key: str = KEY, **changes: Any) -> OpenAIEmbedder:
        url = await exits.enter_async_context(serving(fake.answer))
        settings = {
            "provider": "openai",
            "base_url": f"{url}/v1",
            "model": "hash",
            "dimensions": 8,
            "api_key": {"env": "UNUSED"},
        }
        embedder = OpenAIEmbedder(OpenAIConfig.model_validate(settings | changes), SecretStr(key))
        exits.push_async_callback(embedder.close)
        return embedder

    return make


@pytest.fixture
def ollama_over(exits: AsyncExitStack) -> OllamaMaker:
    """`await ollama_over(fake, …, **config)` gives an embedder over those hosts."""

    async def make(*fakes: FakeOllama, **changes: Any) -> OllamaEmbedder:
        hosts = [await exits.enter_async_context(serving(fake.answer)) for fake in fakes]
        settings = {"provider": "ollama", "model": "hash", "hosts": hosts}
        embedder = OllamaEmbedder(OllamaConfig.model_validate(settings | changes))
        exits.push_async_callback(embedder.close)
        return embedder

    return make
