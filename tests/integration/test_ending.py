"""The end of a migration on real parts: complete, a way back, and the lane that goes."""

import json

import httpx
import pytest

from schemas import Stage, WorkerState
from tests.integration.system import System

pytestmark = pytest.mark.stack

FORCE = ("--force", "--reason", "a test without preflight, gate and health")


async def to_complete(system: System) -> None:
    await system.hotswap("verify", "ollama", "--wait", "60")
    await system.hotswap("stage", "shadow")
    await system.hotswap("stage", "live", *FORCE)
    await system.hotswap("ramp", "100", *FORCE)
    await system.hotswap("stage", "rampdown", *FORCE)
    await system.hotswap("stage", "complete", *FORCE)


@pytest.mark.timeout(500)
async def test_complete_then_reopen_buys_only_what_changed_then_the_lane_retires(system: System):
    await system.write(range(1, 61))
    await system.all_workers()
    await system.until_converged()
    assert await system.embedded("cloud") == 60
    await to_complete(system)
    await system.until_state("embed:cloud", WorkerState.PAUSED)

    # Writes go to Ollama only.
    await system.write(range(51, 71), "Written to {} while the cloud rested.")
    await system.sql("DELETE FROM articles WHERE id <= 5")
    await system.until_converged(["ollama"])
    await system.must_be_clean(["ollama"])
    assert await system.store.count(system.collection("cloud")) == 60
    assert await system.embedded("cloud") == 60

    # The safety of a way back: held until the cloud is proven to be up to date again.
    assert (await system.started("rollback"))[0] == 4
    await system.hotswap("reopen", "--reason", "a test")
    await system.until_converged()
    assert await system.embedded("cloud") == 60 + 20
    await system.hotswap("verify", "cloud", "--wait", "60")
    await system.must_be_clean()
    await system.hotswap("stage", "live", *FORCE)
    await system.refresh()
    assert system.state.stage is Stage.LIVE
    await system.write([71], "Both lanes are written again: {}.")
    await system.until_converged()

    # Forward again, and the end.
    await system.hotswap("ramp", "100", *FORCE)
    await system.hotswap("stage", "rampdown", *FORCE)
    await system.hotswap("stage", "complete", *FORCE)
    await system.refresh()
    cloud, ollama = system.collection("cloud"), system.collection("ollama")
    dry = json.loads(await system.hotswap("retire", "cloud", "--dry-run", "--json", status=4))
    assert dry["foreseen"]["guard"] == "retire-hold"
    assert [one["collection"] for one in dry["going"]] == [cloud]
    assert cloud in await system.store.collections()
    done = json.loads(await system.hotswap("retire", "cloud", "--yes", "--write", "--json", *FORCE))
    assert (done["retired"], done["dropped"]) == (True, [cloud])
    assert done["verify"]["verdict"] == "clean"
    assert cloud not in await system.store.collections()
    again = json.loads(await system.hotswap("retire", "cloud", "--yes", "--json"))
    assert (again["retired"], again["dropped"]) == (True, [])

    # What is left works by what is left of the configuration.
    assert "lanes.cloud" not in (system.folder / "hotswap.toml").read_text()
    await system.write([72], "Only one lane is left for {}.")
    await system.until_converged(["ollama"])
    (report,) = json.loads(await system.hotswap("verify", "--json", "--wait", "60"))
    assert (report["lane"], report["collection"], report["verdict"]) == ("ollama", ollama, "clean")
    await system.hotswap("status")
    url = await system.serve()
    async with httpx.AsyncClient(base_url=url, timeout=30) as client:
        asked = {"text": "Only one lane is left for 72.", "k": 1, "targeting_key": "u"}
        answer = (await client.post("/search", json=asked)).json()
    assert answer["lane"] == "ollama", answer
    assert [hit["key"] for hit in answer["hits"]] == [{"id": 72}]
