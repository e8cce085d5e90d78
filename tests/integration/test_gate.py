"""The gate over real shadow reads: open, then Successful, then Failed for a crippled target."""

import asyncio
import json
import signal
import sys
from typing import Any

import httpx
import pytest

from schemas import GateVerdict, QualityObservation, QualitySide, ShadowObservation, Stage
from schemas.observation import parse_observation
from streams.ports import NewRecord
from tests.integration.system import System
from tests.waiting import until

pytestmark = pytest.mark.stack

QUERIES = 40
GATE = f"""
[serve.shadow]
sample = 1
[gate]
samples = {QUERIES}
duration_seconds = 3
error_rate = 0.2
timeout_rate = 0.2
embedding_p95_ms = 20000
embedding_p99_ms = 20000
search_p95_ms = 20000
search_p99_ms = 20000
source_slack_ms = 20000
"""


async def look(system: System, status: int) -> dict[str, Any]:
    answer: dict[str, Any] = json.loads(await system.hotswap("gate", "--json", status=status))
    answer["by"] = {each["criterion"]: each for each in answer["criteria"]}
    return answer


async def quality(system: System, low: float, high: float) -> None:
    """What a run of `hotswap quality` over both builds would publish."""
    source, target = (
        QualitySide(lane=lane, build=1, collection=system.collection(lane))
        for lane in ("cloud", "ollama")
    )
    run = QualityObservation(
        at=0,
        by="test",
        control_version=system.state.version,
        queries=200,
        k=10,
        labelled=True,
        measure="nDCG@10",
        retention=(low + high) / 2,
        low=low,
        high=high,
        source=source,
        target=target,
    )
    topic = system.settings.kafka.topics.observations
    await system.log.append([NewRecord(topic, b"ollama", run.encode())])


async def mirrored(system: System) -> int:
    records = await system.records(system.settings.kafka.topics.observations)
    every = [parse_observation(record.value or b"") for record in records]
    return sum(isinstance(one, ShadowObservation) for one in every)


async def search(url: str, queries: range) -> None:
    async with httpx.AsyncClient(base_url=url, timeout=60) as client:
        for number in queries:
            asked = {"text": f"what article {number} says", "k": 3, "targeting_key": "u"}
            (await client.post("/search", json=asked)).raise_for_status()


async def gates(system: System) -> int:
    control = await system.records(system.settings.kafka.topics.control)
    return sum(b'"kind":"gate"' in (record.value or b"") for record in control)


@pytest.mark.timeout(600)
async def test_the_gate_opens_live_after_shadow_reads_and_shuts_it_for_a_crippled_target(
    system: System,
):
    path = system.folder / "hotswap.toml"
    path.write_text(path.read_text() + GATE)
    await system.write(range(1, 61))
    await system.all_workers()
    await system.until_converged()

    early = await look(system, status=6)
    assert early["by"]["coverage"]["reason"] == "never verified: run `hotswap verify`"
    assert early["by"]["samples"]["samples"] == 0

    await system.hotswap("verify", "ollama", "--wait", "60")
    await system.hotswap("stage", "shadow")
    await system.refresh()
    url = await system.serve()
    watching = await watch(system)
    assert watching.stdout is not None
    assert json.loads(await watching.stdout.readline())["verdict"] == "inconclusive"
    before = await gates(system)

    async def enough() -> bool:
        return await mirrored(system) >= QUERIES

    await search(url, range(QUERIES))
    await until(enough, "all queries are mirrored", 60)
    held = json.loads(await system.hotswap("stage", "live", "--json", status=4))
    assert held["guard"] == "gate"
    await quality(system, 0.96, 1.02)
    seen = json.loads(await watching.stdout.readline())
    while seen["verdict"] == "inconclusive":
        seen = json.loads(await watching.stdout.readline())
    assert seen["verdict"] == "successful", seen
    # A verdict that turned is recorded once; looks in between leave nothing in the log.
    for _ in range(3):
        await watching.stdout.readline()
    await recorded(system, GateVerdict.SUCCESSFUL)
    assert await gates(system) <= before + 2
    watching.send_signal(signal.SIGINT)
    await watching.stdout.read()
    assert await watching.wait() == 130

    good = await look(system, status=0)
    assert good["by"]["errors"]["samples"] >= QUERIES
    assert good["by"]["embedding"]["values"]["p95_ms"] > 0
    assert good["evidence"]["verdict"] == "accepted"

    await quality(system, 0.41, 0.58)
    bad = await look(system, status=1)
    assert bad["by"]["quality"]["value"] == "41.0 to 58.0 %"
    held = json.loads(await system.hotswap("stage", "live", "--json", status=4))
    assert held["why"] == "the newest gate failed"
    await quality(system, 0.96, 1.02)
    await look(system, status=0)
    await system.hotswap("stage", "live")
    await system.refresh()
    assert system.state.stage is Stage.LIVE


async def watch(system: System) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        *system._command("gate", "--watch", "--json"),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=sys.stderr,
        limit=2**20,
    )


async def recorded(system: System, verdict: GateVerdict) -> None:
    async def there() -> bool:
        await system.refresh()
        kept = system.state.evidence.get("gate")
        return kept is not None and kept.evidence.verdict == verdict

    await until(there, f"the gate's evidence is {verdict}", 60)
