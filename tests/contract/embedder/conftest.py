"""Every embedder, each as the same kind of case."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import Any

import pytest
from pydantic import SecretStr

from streams.adapters.memory_embedder import MemoryEmbedder
from streams.adapters.ollama_embedder import OllamaEmbedder
from streams.adapters.openai_embedder import OpenAIEmbedder
from streams.config import OllamaConfig, OpenAIConfig
from streams.ports import Embedder
from tests.contract.embedder.fake_http import serving
from tests.contract.embedder.fake_ollama import FakeOllama
from tests.contract.embedder.fake_openai import KEY, FakeOpenAI


@dataclass
class Case:
    """An embedder and what the suite must know of it.

    Attributes:
        embedder: without templates.
        prefixed: the same model with `D:` before documents and `Q:` before queries.
        refused: a text that it refuses, or None if it takes all that are not empty.
        calls: how many calls have reached the provider, if that can be told.
        tolerance: how far vectors of one text may be apart between two calls.
    """

    embedder: Embedder
    prefixed: Embedder
    refused: str | None
    calls: Callable[[], int] | None
    tolerance: float = 1e-6


PREFIXES: dict[str, Any] = {"document_template": "D: {text}", "query_template": "Q: {text}"}


async def _memory(_: AsyncExitStack, __: Any) -> Case:
    embedder = MemoryEmbedder(8)
    embedder.refuses = lambda text: "refuse me" in text
    return Case(embedder, MemoryEmbedder(8, **PREFIXES), "refuse me", lambda: embedder.calls)


async def _openai(stack: AsyncExitStack, _: Any) -> Case:
    fake = FakeOpenAI()
    url = await stack.enter_async_context(serving(fake.answer))
    config = OpenAIConfig.model_validate(
        {
            "provider": "openai",
            "base_url": f"{url}/v1",
            "model": "hash",
            "dimensions": 8,
            "api_key": {"env": "UNUSED"},
        }
    )
    return Case(
        OpenAIEmbedder(config, SecretStr(KEY)),
        OpenAIEmbedder(config.model_copy(update=PREFIXES), SecretStr(KEY)),
        "refuse me",
        lambda: len(fake.requests),
    )


async def _ollama(stack: AsyncExitStack, _: Any) -> Case:
    fakes = [FakeOllama(), FakeOllama()]
    urls = [await stack.enter_async_context(serving(fake.answer)) for fake in fakes]
    config = OllamaConfig.model_validate({"provider": "ollama", "model": "hash", "hosts": urls})
    return Case(
        OllamaEmbedder(config),
        OllamaEmbedder(config.model_copy(update=PREFIXES)),
        "refuse me",
        lambda: sum(len(fake.embeddings) for fake in fakes),
    )


MAKERS: dict[str, Callable[[AsyncExitStack, Any], Awaitable[Case]]] = {
    "memory": _memory,
    "openai": _openai,
    "ollama": _ollama,
}


@pytest.fixture(params=list(MAKERS))
async def case(request: pytest.FixtureRequest) -> AsyncIterator[Case]:
    async with AsyncExitStack() as stack:
        case = await MAKERS[request.param](stack, None)
        stack.push_async_callback(case.embedder.close)
        stack.push_async_callback(case.prefixed.close)
        yield case
