"""What a lane's embedder is sent is what a relay on loopback saw pass, the key excepted."""

import asyncio
import threading
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from typing import Any

import httpx
import pytest

from streams.adapters.recording_relay import RecordingRelay
from streams.config import (
    OllamaConfig,
    OpenAIConfig,
    SecretRef,
    Settings,
    SourceConfig,
)
from streams.errors import LaneHalted, TransientError
from streams.ports import Purpose
from streams.services.wire import listening, tokens_of
from tests.contract.embedder.fake_http import Fault, Reply, Request, serving
from tests.contract.embedder.fake_ollama import FakeOllama
from tests.contract.embedder.fake_openai import KEY, FakeOpenAI
from tests.waiting import until

TEXTS = ["café {text}", 'a "quote" \\ and\nlines', "🎉 東京"]
TEMPLATES = {"document_template": "D: {text}", "query_template": "Q: {text} ?"}


@pytest.fixture
async def servers(monkeypatch) -> AsyncIterator[tuple[Settings, FakeOpenAI, FakeOllama]]:
    cloud, ollama = FakeOpenAI(), FakeOllama()
    monkeypatch.setenv("CLOUD_KEY", KEY)
    async with AsyncExitStack() as exits:
        cloud_url = await exits.enter_async_context(serving(cloud.answer))
        ollama_url = await exits.enter_async_context(serving(ollama.answer))
        settings = Settings(
            sources=(SourceConfig(name="a", topic="cdc.p.a", key=("id",), text="{t}"),),
            lanes={
                "cloud": OpenAIConfig(
                    provider="openai",
                    base_url=f"{cloud_url}/v1",
                    model="hash",
                    dimensions=8,
                    api_key=SecretRef(env="CLOUD_KEY"),
                    **TEMPLATES,
                ),
                "ollama": OllamaConfig(
                    provider="ollama", hosts=(ollama_url,), model="hash", **TEMPLATES
                ),
            },
        )
        yield settings, cloud, ollama


@pytest.mark.parametrize("lane", ["cloud", "ollama"])
async def test_the_texts_that_pass_are_those_inside_the_templates(servers, lane):
    settings, _, _ = servers
    async with listening(settings, lane) as wire:
        assert (await wire.embedder.identify()).dimensions == 8
        vectors = await wire.embedder.embed(TEXTS)
        await wire.embedder.embed(TEXTS, Purpose.QUERY)
        documents, queries = wire.inputs(len(TEXTS))
    assert vectors.shape == (3, 8)
    assert documents == tuple(f"D: {text}".encode() for text in TEXTS)
    assert queries == tuple(f"Q: {text} ?".encode() for text in TEXTS)


async def test_the_key_reaches_the_server_and_is_not_kept(servers):
    settings, cloud, _ = servers
    async with listening(settings, "cloud") as wire:
        await wire.embedder.embed(TEXTS)
        kept = repr(wire.exchanges)
    assert cloud.requests[-1].headers["authorization"] == f"Bearer {KEY}"
    assert KEY not in kept


async def test_refusals_and_failures_come_through_as_they_are(servers):
    settings, cloud, ollama = servers
    slow_down = {"error": {"message": "Slow down.", "code": "rate_limit_exceeded"}}
    cloud.next.append(Reply(slow_down, 429, {"retry-after": "7"}))
    async with listening(settings, "cloud") as wire:
        with pytest.raises(TransientError) as raised:
            await wire.embedder.embed(TEXTS)
        assert raised.value.retry_after == 7
        cloud.model = "another"
        with pytest.raises(LaneHalted):
            await wire.embedder.embed(TEXTS)
    ollama.instead = Fault.RESET
    async with listening(settings, "ollama") as wire:
        with pytest.raises(TransientError):
            await wire.embedder.identify()


async def test_tokens_are_the_servers_own_count(servers):
    settings, _, _ = servers
    async with listening(settings, "cloud") as wire:
        await wire.embedder.identify()
        before = len(wire.exchanges)
        await wire.embedder.embed(TEXTS)
        await wire.embedder.embed(TEXTS)
        assert wire.tokens(before) == 2
        assert wire.tokens(len(wire.exchanges)) is None


async def test_a_server_that_counts_no_tokens_tells_none(servers):
    settings, _, _ = servers
    async with listening(settings, "ollama") as wire:
        await wire.embedder.embed(TEXTS)
        assert wire.tokens() is None


@pytest.mark.parametrize(
    ("answer", "tokens"),
    [
        (b'{"usage": {"prompt_tokens": 5, "total_tokens": 6}}', 5),
        (b'{"prompt_eval_count": 7}', 7),
        (b'{"usage": null, "prompt_eval_count": 7}', 7),
        (b'{"usage": {}}', None),
        (b'{"usage": {"prompt_tokens": 0, "total_tokens": 0}}', None),
        (b"[1]", None),
        (b"no JSON", None),
    ],
)
def test_both_providers_ways_of_telling_tokens(answer, tokens):
    assert tokens_of(answer) == tokens


async def test_the_relay_keeps_the_path_and_is_gone_after_its_block():
    async def answer(request):
        return Reply({"path": request.path, "sent": request.body.decode()})

    async with serving(answer) as url, httpx.AsyncClient() as client:
        with RecordingRelay(f"{url}/v1", 5.0) as relay:
            assert relay.url.endswith("/v1")
            told = await client.post(f"{relay.url}/x?y=1", content=b"body")
            assert told.json() == {"path": "/v1/x?y=1", "sent": "body"}
            assert [one.sent for one in relay.exchanges] == [b"body"]
        with pytest.raises(httpx.ConnectError):
            await client.get(relay.url)


async def test_a_server_that_is_away_is_a_bad_gateway():
    async with httpx.AsyncClient() as client:
        with RecordingRelay("http://127.0.0.1:1", 5.0) as relay:
            assert (await client.get(relay.url)).status_code == 502
            assert relay.exchanges == []


class LateServer:
    """Answers once it may, with more than the buffers of a connection hold."""

    def __init__(self) -> None:
        self.asked, self.may_answer = asyncio.Event(), asyncio.Event()

    async def answer(self, _request: Request) -> Reply:
        self.asked.set()
        await self.may_answer.wait()
        return Reply(bytes(20_000_000))


async def call_and_cancel(server: LateServer, url: str) -> None:
    async with httpx.AsyncClient() as client:
        call = asyncio.create_task(client.post(url, content=b"body"))
        await server.asked.wait()
        call.cancel()
        await asyncio.gather(call, return_exceptions=True)


async def until_all_is_handled() -> None:
    def nobody_handles() -> bool:
        return not any("process_request_thread" in one.name for one in threading.enumerate())

    await until(nobody_handles, "no request is being relayed")


async def test_a_call_that_is_cancelled_leaves_nothing_on_standard_error(capfd):
    server = LateServer()
    async with serving(server.answer) as url:
        with RecordingRelay(url, 5.0) as relay:
            await call_and_cancel(server, relay.url)
            server.may_answer.set()
            await until_all_is_handled()
    assert capfd.readouterr().err == ""


async def test_a_relay_that_ends_in_mid_call_leaves_nothing_there_either(capfd):
    server = LateServer()
    async with serving(server.answer) as url:
        with RecordingRelay(url, 5.0) as relay:
            await call_and_cancel(server, relay.url)
        server.may_answer.set()
        await until_all_is_handled()
    assert capfd.readouterr().err == ""


async def test_a_request_that_is_relayed_after_the_end_leaves_nothing_either(capfd, monkeypatch):
    """The client that would send it on is closed by then."""
    server, came, go_on = LateServer(), threading.Event(), threading.Event()
    async with serving(server.answer) as url:
        with RecordingRelay(url, 5.0) as relay:
            forward = relay.forward

            def late(*request: Any) -> httpx.Response:
                came.set()
                go_on.wait(30)
                return forward(*request)

            monkeypatch.setattr(relay, "forward", late)
            async with httpx.AsyncClient() as client:
                call = asyncio.create_task(client.get(relay.url))
                await until(came.is_set, "the request came")
                call.cancel()
                await asyncio.gather(call, return_exceptions=True)
        go_on.set()
        await until_all_is_handled()
    assert capfd.readouterr().err == ""


async def test_a_defect_of_the_relay_is_not_hidden(capfd, monkeypatch):
    def broken(*_arguments: object) -> None:
        raise ZeroDivisionError("defect")

    with RecordingRelay("http://127.0.0.1:1", 5.0) as relay:
        monkeypatch.setattr(relay, "forward", broken)
        async with httpx.AsyncClient() as client:
            with pytest.raises(httpx.RemoteProtocolError):
                await client.get(relay.url)
        await until_all_is_handled()
    assert "ZeroDivisionError: defect" in capfd.readouterr().err
