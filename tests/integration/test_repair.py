"""Damage planted in a real Milvus is found, named and mended, and nothing else is touched."""

import asyncio
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import numpy as np
import pytest
from pymilvus import MilvusClient

from tests.integration.system import System

pytestmark = [pytest.mark.stack, pytest.mark.timeout(600)]

LANE = "cloud"
ARTICLES = 60
Row = dict[str, Any]


@contextmanager
def milvus(system: System) -> Iterator[MilvusClient]:
    client = MilvusClient(system.endpoints.milvus_uri, timeout=30, dedicated=True)
    try:
        yield client
    finally:
        client.close()


def rows(system: System) -> dict[str, Row]:
    """Every row with all its fields, as Milvus has them."""
    with milvus(system) as client:
        found = client.query(
            system.collection(LANE),
            filter='id != ""',
            output_fields=["*"],
            consistency_level="Strong",
            strict_float32=True,
        )
    return {row["id"]: dict(row) for row in found}


def frozen(found: Mapping[str, Row]) -> dict[str, str]:
    """Rows in a form that compares bit for bit, NaN included."""
    return {
        id_: repr({**row, "embedding": np.asarray(row["embedding"], np.float32).tobytes()})
        for id_, row in found.items()
    }


def plant(system: System, *changed: Row) -> None:
    with milvus(system) as client:
        client.upsert(system.collection(LANE), [dict(row) for row in changed])


def delete(system: System, *ids: str) -> None:
    with milvus(system) as client:
        client.delete(system.collection(LANE), ids=list(ids))


async def verify(system: System, *options: str, status: int = 0) -> dict[str, Any]:
    """The report on the lane, with every document embedded again."""
    words = ("verify", LANE, "--sample", "all", "--no-evidence", "--json", *options)
    (report,) = json.loads(await system.hotswap(*words, status=status))
    return dict(report)


def found(report: Mapping[str, Any]) -> dict[str, list[str]]:
    """Finding → ids."""
    return {
        finding: sorted(sample["id"] for sample in samples)
        for finding, samples in report["samples"].items()
    }


async def fill(system: System) -> None:
    """Rows in the lane, and its workers at work."""
    await system.write(range(ARTICLES))
    for role in ("normalise", f"embed:{LANE}"):
        await system.worker(role)
    await system.until_converged([LANE])


async def test_planted_damage_is_named_and_mended_and_nothing_else_is_touched(system: System):
    await fill(system)
    before = rows(system)
    good = [before[f"articles/{number}"] for number in range(12)]
    stranger = np.zeros_like(good[6]["embedding"])
    stranger[0] = 1.0
    plant(
        system,
        {**good[2], "embedding": good[3]["embedding"]},
        {**good[3], "embedding": good[2]["embedding"]},
        {**good[4], "content_hash": "0" * 32},
        {**good[5], "embedding": np.full_like(stranger, np.nan)},
        {**good[6], "embedding": stranger},
        {**good[7], "version": 0 if good[7]["version"] else 1},
        {**good[8], "shard": (good[8]["shard"] + 1) % 3},
        {**good[9], "id": "articles/7000"},
    )
    delete(system, "articles/0", "articles/1")
    assert found(await verify(system, status=1)) == {
        "missing": ["articles/0", "articles/1"],
        "extra": ["articles/7000"],
        "stale": ["articles/4", "articles/7"],
        "malformed": ["articles/5"],
        "misplaced": ["articles/8"],
        "wrong_vector": ["articles/2", "articles/3", "articles/6"],
    }
    damaged = frozen(rows(system))
    rehearsed = await verify(system, "--repair", "--dry-run", status=1)
    assert sum(rehearsed["repair"]["mended"].values()) == 10
    assert frozen(rows(system)) == damaged

    report = await verify(system, "--repair")
    assert (report["verdict"], report["repair"]["mended"]) == (
        "clean",
        rehearsed["repair"]["mended"],
    )
    after = rows(system)
    assert after.keys() == before.keys()
    mended = {f"articles/{number}" for number in range(9)}
    was, now = frozen(before), frozen(after)
    assert {id_ for id_ in now if now[id_] != was[id_]} <= mended
    for id_ in mended:
        fields = ("version", "content_hash", "shard", "source", "text_bytes")
        assert [after[id_][name] for name in fields] == [before[id_][name] for name in fields]
        assert after[id_]["embedding"] @ before[id_]["embedding"] > 0.999


async def test_updates_and_deletes_that_race_a_repair_end_with_the_newest(system: System):
    await fill(system)
    stop = asyncio.Event()

    async def write() -> None:
        turn = 0
        while not stop.is_set():
            turn += 1
            await system.write(range(turn % 3, 20, 3), f"Turn {turn} of {{}}.")
            await system.sql("UPDATE articles SET views = %s WHERE id BETWEEN 20 AND 29", (turn,))
            await system.sql("DELETE FROM articles WHERE id = %s", (30 + turn % 10,))
            await system.write([30 + (turn + 5) % 10], "Back again: {}.")

    async with asyncio.TaskGroup() as group:
        group.create_task(write())
        for _ in range(3):
            held = rows(system)
            hurt = [held[id_] for n in range(0, 40, 2) if (id_ := f"articles/{n}") in held]
            for one in hurt[::2]:
                one["content_hash"] = "0" * 32
            vectors = [one["embedding"] for one in hurt[1::2]]
            for one, vector in zip(hurt[1::2], [*vectors[1:], vectors[0]], strict=True):
                one["embedding"] = vector
            plant(system, *hurt)
            delete(system, *(f"articles/{number}" for number in range(41, 60, 4)))
            await system.started("verify", LANE, "--repair", "--sample", "all", "--no-evidence")
        stop.set()
    # What was planted over a newer row may be older than what the lane had done by then.
    await verify(system, "--repair")
    await system.until_converged([LANE])
    report = await verify(system)
    assert (report["verdict"], report["documents"]) == ("clean", len(await system.rows()))
