"""What `ops/docker.md` shows under "How do I see that it works?", on any system that runs.

The containers and the embedded stack go through the same steps, so that neither falls behind.
"""

import json
from typing import Any, Protocol

import httpx

from streams.cli.exits import Exit
from tests.waiting import until

__all__ = ["ROWS", "Running", "done", "first_look"]

LANES = ("cloud", "ollama")
ROWS = {"articles/1", "comments/1|7"}


class Running(Protocol):
    """A Hotswap whose services run, with the empty tables of ops/docker/source.sql.

    Attributes:
        url: of `serve`.
        token: that it asks for.
    """

    url: str
    token: str

    async def hotswap(self, *arguments: str) -> tuple[int, str]:
        """Run the command line: exit status and standard output."""
        ...

    async def sql(self, statement: str) -> None:
        """Run a statement in the source database."""
        ...


async def done(running: Running, *arguments: str) -> Any:
    """Run a command that must end well; what it prints with `--json`."""
    status, out = await running.hotswap(*arguments, "--json")
    assert status == Exit.OK, (arguments, status, out)
    return json.loads(out)


async def first_look(running: Running) -> None:
    """Switch both lanes on, insert two rows, and find them in both."""
    await done(running, "init")
    await done(running, "stage", "dualwrite", "--force", "--reason", "a first look")
    await running.sql("INSERT INTO articles VALUES (1, 'Ships', 'Mary', 'They sail the seas.')")
    await running.sql("INSERT INTO comments VALUES (1, 7, 'Some have engines.')")

    async def verified() -> bool:
        status, out = await running.hotswap("verify", "--json")
        assert status in {Exit.OK, Exit.INCONCLUSIVE}, out  # the latter: a lane is behind
        reports = json.loads(out)
        assert {report["lane"] for report in reports} == set(LANES)
        return all(report["documents"] == report["rows"] == len(ROWS) for report in reports)

    await until(verified, "both lanes hold both rows", 180, every=1)
    for lane in LANES:
        found = await done(running, "search", "They sail the seas.", "--lane", lane)
        _both_rows_nearest_first(found)
    async with httpx.AsyncClient(base_url=running.url, timeout=30, trust_env=False) as client:
        asked = {"text": "They sail the seas."}
        assert (await client.post("/search", json=asked)).status_code == httpx.codes.UNAUTHORIZED
        client.headers["Authorization"] = f"Bearer {running.token}"
        answer = (await client.post("/search", json=asked)).raise_for_status().json()
    assert answer["lane"] == "cloud"
    _both_rows_nearest_first(answer)


def _both_rows_nearest_first(answer: dict[str, Any]) -> None:
    ids = [hit["id"] for hit in answer["hits"]]
    assert ids[0] == "articles/1"
    assert set(ids) == ROWS
