"""Preflight and plan on the real stack: well when all is well, and each planted fault named."""

import asyncio
import json
import os
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType

from streams.cli.exits import Exit
from streams.services.open import open_connect, open_database
from streams.stack import Endpoints, Stack
from tests.integration.system import System, new_system
from tests.waiting import until

pytestmark = [pytest.mark.stack, pytest.mark.timeout(600)]


@pytest.fixture
async def system(stack, tmp_path: Path) -> AsyncIterator[System]:
    async with initialised(stack.endpoints(), tmp_path) as made:
        yield made


@pytest.fixture
def stand_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The URL of a stand-in for Ollama that nobody else uses, also where the real one runs."""
    monkeypatch.setenv("HOTSWAP_OLLAMA", "")
    monkeypatch.delenv("OLLAMA_HOST", raising=False)
    alone = Stack(tmp_path / "stand-in", die_with=os.getpid())
    try:
        yield alone.up(["ollama"]).ollama_url
    finally:
        alone.down()


@asynccontextmanager
async def initialised(at: Endpoints, folder: Path) -> AsyncIterator[System]:
    """A system after `hotswap init`, in stage off, with events that carry whole rows."""
    async with new_system(at, folder) as made:
        await made.sql("ALTER TABLE parts REPLICA IDENTITY FULL")
        await made.hotswap("init")
        await made.refresh()
        await slot_is_read(made)
        yield made


async def slot_is_read(system: System) -> None:
    """A connector counts as running a little before it reads its slot."""
    database = open_database(system.settings)

    async def active() -> bool:
        slot = await database.slot(f"{system.name}_slot")
        return slot is not None and slot.active

    try:
        await until(active, "the connector reads its slot", 60)
    finally:
        await database.close()


async def preflight(system: System, *options: str) -> dict[str, Any]:
    _, out = await system.started("preflight", "--json", *options)
    report: dict[str, Any] = json.loads(out)
    return report


def told(report: dict[str, Any], outcome: str = "fail") -> dict[tuple[str, str], str]:
    return {
        (one["area"], one["check"]): one["seen"]
        for one in report["checks"]
        if one["outcome"] == outcome
    }


async def test_a_system_after_init_passes_and_may_enter_dualwrite(system: System):
    report = await preflight(system)
    assert told(report) == {}
    assert report["evidence"]["verdict"] == "accepted"
    await system.hotswap("stage", "dualwrite")


async def test_faults_of_the_database_and_of_topics_are_named(system: System):
    await documents(system, 40)
    await system.sql("ALTER TABLE articles REPLICA IDENTITY DEFAULT")
    await system.sql(f"ALTER PUBLICATION {system.name}_publication DROP TABLE parts")
    await retain_deletes(system, milliseconds=1)
    failed = told(await preflight(system))
    assert "long body" in failed["source articles", "replica identity"]
    assert f"leaves out {system.name}.parts" in failed["source parts", "publication"]
    assert "delete.retention.ms is 1," in failed["topics", f"{system.name}-documents"]
    assert "deletes would be missed" in failed["topics", "delete.retention.ms for ollama"]
    assert {area for area, _ in failed} == {"source articles", "source parts", "topics"}
    status, _ = await system.started("preflight", "--dry-run")
    assert status == Exit.FAILED


async def test_a_placeholder_that_looks_like_text_is_named(system: System):
    await change_connector(system, {"unavailable.value.placeholder": "gone"})
    failed = told(await preflight(system))
    assert failed["connect", "unavailable.value.placeholder"].startswith("gone:")
    assert "unavailable.value.placeholder is gone" in failed["connect", "as configured"]


async def test_a_dead_ollama_fails_its_lane_and_no_other(system: System, stack):
    stack.kill("ollama")
    try:
        report = await preflight(system)
    finally:
        await asyncio.to_thread(stack.start, "ollama")
    failed = told(report)
    assert [key for key in failed if key[0].startswith("lane")] == [("lane ollama", "reachable")]


async def test_a_replaced_model_is_named(stack, stand_in: str, tmp_path: Path):
    at = stack.endpoints().model_copy(update={"ollama_url": stand_in})
    async with initialised(at, tmp_path) as system:
        async with httpx.AsyncClient(base_url=stand_in) as client:
            faults = {"digest": "another"}
            (await client.post("/admin/faults", json=faults)).raise_for_status()
        failed = told(await preflight(system))
    assert failed.keys() == {("lane ollama", "fingerprint")}
    assert "is another" in failed["lane ollama", "fingerprint"]


async def documents(system: System, count: int) -> None:
    """Rows, and the documents that the normaliser makes of them."""
    await system.write(range(1, count + 1))
    worker = await system.worker("normalise")

    async def there() -> bool:
        ends = await system.log.ends(system.settings.kafka.topics.documents)
        return sum(ends.values()) >= count

    await until(there, f"{count} documents are there", 60)
    await worker.kill()


async def change_connector(system: System, entries: dict[str, str]) -> None:
    """What somebody may do by Connect's own interface."""
    connect = open_connect(system.settings)
    try:
        there = await connect.get(system.name)
        assert there is not None
        await connect.put(system.name, {**there, **entries}, {})
    finally:
        await connect.close()


async def retain_deletes(system: System, milliseconds: int) -> None:
    admin = AIOKafkaAdminClient(bootstrap_servers=system.endpoints.kafka_bootstrap)
    await admin.start()
    try:
        topic = system.settings.kafka.topics.documents
        await admin.alter_configs(
            [
                ConfigResource(
                    ConfigResourceType.TOPIC,
                    topic,
                    configs={"cleanup.policy": "compact", "delete.retention.ms": str(milliseconds)},
                )
            ]
        )
    finally:
        await admin.close()


async def test_a_plan_counts_the_servers_own_tokens(system: System):
    await documents(system, 40)
    planned = json.loads(await system.hotswap("plan", "--json", "--sample", "24"))
    assert planned["failed"] == {}
    assert planned["documents"]["sampled"] == 24
    for lane in planned["lanes"]:
        assert lane["tokens_by"] == "the server's own count of the sample"
        assert lane["tokens"] > 100
        assert lane["documents_per_second"] > 0
        assert lane["coverage"]["enough"]
