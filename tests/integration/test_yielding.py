"""A lane whose queries are slow yields to them, goes on all the same, and yields no more."""

import json

import pytest

from tests.integration.system import System
from tests.integration.traffic import traffic_on
from tests.waiting import until

pytestmark = pytest.mark.stack

FORCE = ("--force", "--reason", "a test without preflight, gate and health")


async def until_said(system: System, words: str) -> None:
    """Wait until the lane's worker says just that of itself."""

    async def said() -> bool:
        return (await system.reports("embed:ollama"))[-1].reason == words

    await until(said, f"the worker says {words!r}", 120)


@pytest.mark.timeout(600)
async def test_a_lane_yields_to_the_queries_that_a_process_serves(system: System):
    path = system.folder / "hotswap.toml"
    every_query = path.read_text().replace("[serve]\n", "[serve]\ncached_queries = 0\n")
    # Less than any model takes: whatever machine this is, queries are slow.
    path.write_text(f"{every_query}\nquery_embedding_ms = 0.001\n")
    await system.write(range(1, 21))
    await system.all_workers()
    url = await system.serve()
    await system.until_converged()
    await system.hotswap("verify", "ollama", "--wait", "120")
    await system.hotswap("stage", "shadow")
    await system.hotswap("stage", "live", *FORCE)
    await system.hotswap("flag", "set", "true", *FORCE)
    async with traffic_on(url):
        await until_said(system, "yields to queries: 1 of 8 texts in a call, and rests after each")
        roles = json.loads(await system.hotswap("status", "--json"))["roles"]
        (worker,) = next(role["workers"] for role in roles if role["role"] == "embed:ollama")
        assert (worker["state"], worker["reason"][:17]) == ("running", "yields to queries")
        await system.write(range(21, 61))
        await system.until_converged()
    await until_said(system, "")
    await system.must_be_clean()
