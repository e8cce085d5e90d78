"""Applications on real parts: before and after the client, and while the flag changes."""

import asyncio
import uuid
from collections.abc import Iterator
from typing import Any

import pytest
from openfeature import api
from openfeature.event import EventDetails, ProviderEvent
from starlette.testclient import TestClient

from ops.examples import after, before
from schemas import (
    FLAG,
    Command,
    RampSet,
    Rollback,
    Stage,
    StageSet,
    Verdict,
    VerifyEvidence,
)
from streams.client import AsyncHotswap, Hotswap
from streams.client.openfeature import HotswapProvider
from tests.integration.system import System
from tests.waiting import until

pytestmark = pytest.mark.stack

ARTICLES = 40
QUESTION = {"q": "Text of article 7.", "user": "user-4711", "k": "5"}


@pytest.fixture
async def filled(system: System) -> System:
    """Both lanes hold the same articles; the stage is `dualwrite`."""
    await system.write(range(1, ARTICLES + 1))
    await system.all_workers()
    await system.until_converged()
    await system.must_be_clean()
    return system


@pytest.fixture
def openfeature() -> Iterator[None]:
    yield
    api.shutdown()


async def order(system: System, kind: type[Command], **fields: Any) -> None:
    await system.command(kind(id=str(uuid.uuid4()), by="test", reason="a test", **fields))


async def to_target(system: System) -> None:
    end = (await system.log.ends(system.settings.kafka.topics.control))[0]
    await order(
        system,
        VerifyEvidence,
        lane="ollama",
        build=1,
        verdict=Verdict.CLEAN,
        documents=ARTICLES,
        rows=ARTICLES,
        as_of=end - 1,
    )
    await order(system, StageSet, to=Stage.SHADOW, force=True)
    await order(system, StageSet, to=Stage.LIVE, force=True)
    await order(system, RampSet, percent=100.0, force=True)


def ask(app: Any) -> list[dict[str, Any]]:
    with TestClient(app) as http:
        answer = http.get("/search", params=QUESTION)
        assert answer.status_code == 200, answer.text
        hits: list[dict[str, Any]] = answer.json()
        return hits


async def test_the_application_gives_the_same_answers_before_and_after_it_has_the_client(
    filled, monkeypatch
):
    stack = filled.endpoints
    for name, value in {
        "OPENAI_API_KEY": stack.cloud_api_key,
        "OPENAI_BASE_URL": stack.cloud_url,
        "EMBEDDING_MODEL": stack.cloud_model,
        "MILVUS_URI": stack.milvus_uri,
        "COLLECTION": filled.collection("cloud"),
        "HOTSWAP_CONFIG": str(filled.folder / "hotswap.toml"),
    }.items():
        monkeypatch.setenv(name, value)
    old, new = await asyncio.to_thread(ask, before.app), await asyncio.to_thread(ask, after.app)
    assert [hit["id"] for hit in new] == [hit["id"] for hit in old]
    assert old[0]["id"] == "articles/7"
    assert [hit["score"] for hit in new] == pytest.approx([hit["score"] for hit in old], abs=1e-5)
    assert [hit["views"] for hit in new] == [hit["views"] for hit in old]


@pytest.mark.usefixtures("openfeature")
async def test_clients_and_the_provider_follow_the_flag_to_the_target_and_back(filled):
    events: list[EventDetails] = []
    provider = HotswapProvider(filled.settings)
    await asyncio.to_thread(api.set_provider_and_wait, provider)
    api.add_handler(ProviderEvent.PROVIDER_CONFIGURATION_CHANGED, events.append)
    flag = api.get_client()
    blocking = await asyncio.to_thread(Hotswap.open, filled.settings)
    try:
        async with AsyncHotswap.open(filled.settings) as hotswap:

            async def lanes() -> set[str]:
                text = QUESTION["q"]
                answers = [
                    await hotswap.search(text, k=1, targeting_key="user"),
                    await asyncio.to_thread(blocking.search, text, k=1, targeting_key="user"),
                ]
                assert {answer.hits[0].id for answer in answers} == {"articles/7"}
                variant = flag.get_boolean_details(FLAG, default_value=False).variant
                return {variant or "none", *(answer.lane for answer in answers)}

            async def all_on(lane: str) -> bool:
                return await lanes() == {lane}

            assert await lanes() == {"cloud"}
            await to_target(filled)
            await until(lambda: all_on("ollama"), "all read from ollama", 10.0)
            answer = await hotswap.search(QUESTION["q"], k=3)
            assert (await hotswap.feedback(answer.query_id, clicked=1)).lane == "ollama"
            await order(filled, Rollback)
            await until(lambda: all_on("cloud"), "all read from cloud", 10.0)
    finally:
        await asyncio.to_thread(blocking.close)
    await until(lambda: len(events) == 2, "both changes are told", 10.0)
    assert [event.flags_changed for event in events] == [[FLAG], [FLAG]]
