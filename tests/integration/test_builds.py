"""Filling a lane anew under load: reads switch in one record, and nothing is lost or mixed."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from schemas import Verdict
from streams.core.role_names import embed_role_name
from streams.migration.fold import Fold
from streams.ports import Log
from streams.services.control import ControlLog
from streams.services.verify_lane import record as keep_as_evidence
from streams.services.verify_lane import verify_lane
from tests.integration.system import System
from tests.integration.traffic import TEXT, Traffic, constant_writes, traffic_on
from tests.waiting import until

pytestmark = pytest.mark.stack

LANE = "cloud"
"""The lane that all reads come from in stage dualwrite."""
TEMPLATES = """\
document_template = "What an encyclopaedia has to say about the following: {text}"
query_template = "What an encyclopaedia has to say about the following: {text}"
"""


async def start_build(system: System) -> dict[str, Any]:
    """Begin build 2; what is said of it."""
    found: dict[str, Any] = json.loads(await system.hotswap("build", "start", LANE, "--json"))
    await system.refresh()
    assert found["build"] == 2
    return found


async def until_filled(system: System, number: int, least: int) -> None:
    collection = system.state.lanes[LANE].builds[number].pinned.collection

    async def filled() -> bool:
        behind = await system.lag(embed_role_name(LANE, number))
        return not behind and await system.store.count(collection) >= least

    await until(filled, f"build {number} is filled", 120, every=0.25)


async def must_be_clean(system: System, number: int) -> None:
    """Verify the build, and leave the verdict as evidence."""
    control = ControlLog(system.log, system.settings.kafka.topics.control)
    verified = await verify_lane(
        system.settings, LANE, control, system.log, system.store, wait_seconds=60, build=number
    )
    assert verified.report.verdict is Verdict.CLEAN, verified.report.model_dump_json(indent=2)
    await keep_as_evidence(control, verified, "test")


async def promote(system: System, number: int) -> int:
    """The version of the state that reads from this build."""
    words = ("build", "promote", LANE, str(number), "--json")
    outcome = json.loads(await system.hotswap(*words))
    assert outcome["verdict"] == "accepted", outcome
    return int(outcome["version"])


async def serving_at(log: Log, topic: str) -> dict[int, int]:
    """Version of the state → the build that serves the lane in it."""
    fold, known = Fold(), {}
    async for page in log.read(topic):
        for record in page:
            fold.take(record)
            lane = fold.state.lanes.get(LANE)
            if lane is not None:
                known[fold.state.version] = lane.serving
    return known


async def until_answers_of(traffic: Traffic, version: int, more: int = 30) -> None:
    await until(
        lambda: bool(traffic.answers) and traffic.answers[-1].body.get("flag_version") == version,
        f"answers by version {version}",
        60,
    )
    wanted = len(traffic.answers) + more
    await until(lambda: len(traffic.answers) >= wanted, f"{more} more answers", 60)


@asynccontextmanager
async def searched(system: System) -> AsyncIterator[Traffic]:
    async with traffic_on(await system.serve()) as traffic:
        yield traffic


@pytest.mark.timeout(600)
async def test_a_rebuild_is_promoted_and_taken_back_under_load(system: System):
    await system.write(range(1, 151))
    await system.worker("normalise")
    workers = {1: await system.worker(f"embed:{LANE}")}
    await until_filled(system, 1, 150)
    async with searched(system) as traffic, constant_writes(system, 100, 150):
        await must_be_clean(system, 1)
        second = (await start_build(system))["collection"]
        workers[2] = await system.worker(f"embed:{LANE}:2")
        await until_filled(system, 2, 100)
        await must_be_clean(system, 2)
        for number in (2, 1, 2):
            await until_answers_of(traffic, await promote(system, number))
        await until_answers_of(traffic, await promote(system, 1))
        dropped = json.loads(await system.hotswap("build", "drop", LANE, "2", "--json"))
        assert dropped["is_gone"], dropped
        assert await asyncio.wait_for(workers[2].process.wait(), 60) == 0
        assert second not in await system.store.collections()
        await until_answers_of(traffic, dropped["version"])
    served = await serving_at(system.log, system.settings.kafka.topics.control)
    assert {answer.status for answer in traffic.answers} == {200}
    for answer in traffic.answers:
        body = answer.body
        assert (body["lane"], body["fallback"]) == (LANE, None), body
        assert body["build"] == served[body["flag_version"]], body
    assert {answer.body["build"] for answer in traffic.answers} == {1, 2}
    await system.until_converged([LANE])
    await system.must_be_clean([LANE])
    assert second not in await system.store.collections()


@pytest.mark.timeout(600)
async def test_an_answer_is_all_of_the_build_that_it_names_from_query_to_hits(system: System):
    """The builds are of different models and hold different ids, so that any mix would show.

    A text that is asked for and held has cosine 1, if the model that embeds it is the build's.
    """
    await system.write(range(1, 61), TEXT)
    await system.worker("normalise")
    await system.worker(f"embed:{LANE}")
    await until_filled(system, 1, 60)
    await must_be_clean(system, 1)
    system.configure("batch_records = 32", f"batch_records = 32\n{TEMPLATES}")
    started = await start_build(system)
    assert started["differences"].keys() == {"document_template", "query_template"}
    await system.worker(f"embed:{LANE}:2")
    await until_filled(system, 2, 60)
    await must_be_clean(system, 2)
    halves = {1: range(1, 31), 2: range(31, 61)}
    for number, left_out in ((1, halves[2]), (2, halves[1])):
        collection = system.state.lanes[LANE].builds[number].pinned.collection
        await system.store.delete(collection, [f"articles/{one}" for one in left_out])
    async with searched(system) as traffic:
        for number in (2, 1, 2, 1):
            await until_answers_of(traffic, await promote(system, number))
    seen: set[int] = set()
    for answer in traffic.answers:
        assert answer.status == 200, answer
        build = answer.body["build"]
        scores = {hit["key"]["id"]: hit["score"] for hit in answer.body["hits"]}
        assert len(scores) == 3
        assert scores.keys() <= set(halves[build]), answer
        if answer.number in halves[build]:
            assert scores[answer.number] > 0.999, answer
            seen.add(build)
    assert seen == {1, 2}
    # The rows that were deleted come back, and only those are embedded, by the model of old.
    before = await system.embedded(LANE)
    replay = ("build", "replay", LANE, "1", "--json")
    rehearsed = json.loads(await system.hotswap(*replay, "--dry-run"))
    replayed = json.loads(await system.hotswap(*replay))
    for counters in (rehearsed["counters"], replayed["counters"]):
        assert counters["written"] == counters["embedded"] == 30
    assert await system.embedded(LANE) == before
    await system.hotswap("verify", LANE, "--build", "1", "--sample", "all")


@pytest.mark.timeout(600)
async def test_a_new_builds_worker_that_is_killed_loses_nothing(system: System):
    await system.write(range(1, 201))
    await system.worker("normalise")
    await system.worker(f"embed:{LANE}")
    await until_filled(system, 1, 200)
    collection = (await start_build(system))["collection"]
    for least in (20, 60, 100, 140):
        worker = await system.worker(f"embed:{LANE}:2")

        async def holds(wanted: int = least) -> bool:
            return await system.store.count(collection) >= wanted

        await until(holds, f"build 2 holds {least} rows", 60, every=0.02)
        await worker.kill()
    await system.worker(f"embed:{LANE}:2")
    await until_filled(system, 2, 200)
    await must_be_clean(system, 2)
