"""A whole migration by hand, with control messages alone, under searches and writes."""

import asyncio
import json
import time
import uuid
from typing import Any

import httpx
import pytest
from aiokafka import AIOKafkaProducer

from schemas import Stage, WorkerState
from streams.core.routing import Routing, route
from streams.migration.fold import Fold
from streams.migration.reads import routing_of
from tests.integration.system import System
from tests.integration.traffic import Traffic, constant_writes, traffic_on
from tests.waiting import until

pytestmark = pytest.mark.stack

FORCE = ("--force", "--reason", "a test without preflight, gate and health")
SOON = 5.0
"""Seconds that tell an order that acts at once from one that does not, on a busy machine, too.

`hotswap bench control` measures how soon it is.
"""


async def order(system: System, *words: str, status: int = 0) -> float:
    """Give an order; the moment at which its verdict was known."""
    await system.hotswap(*words, status=status)
    return time.monotonic()


async def routings(system: System) -> dict[int, Routing | None]:
    """Version → the routing that a process that has folded so far goes by."""
    fold, known = Fold(), {}
    for record in await system.records(system.settings.kafka.topics.control):
        fold.take(record)
        known[fold.state.version] = routing_of(fold.state)
    return known


async def newest_version(system: System) -> int:
    await system.refresh()
    return system.state.version


async def must_have_obeyed(system: System, traffic: Traffic) -> None:
    """No search failed, and each went where its version of the flag sends its asker."""
    known = await routings(system)
    assert len(traffic.answers) > 100
    for answer in traffic.answers:
        assert answer.status == 200, answer
        routing = known[answer.body["flag_version"]]
        assert routing is not None
        assert answer.body["reason"] != "FALLBACK", answer
        assert answer.body["lane"] == route(routing, answer.user).lane, answer


async def until_answers(traffic: Traffic, count: int) -> None:
    """Wait for so many more answers: the load goes on in every stage."""
    wanted = len(traffic.answers) + count
    await until(lambda: len(traffic.answers) >= wanted, f"{count} more answers", 60)


async def until_answers_of(traffic: Traffic, version: int) -> None:
    await until(
        lambda: bool(traffic.answers) and traffic.answers[-1].body.get("flag_version") == version,
        f"answers by version {version}",
        60,
    )


@pytest.mark.timeout(600)
async def test_a_walk_to_rampdown_with_a_way_back_in_each_stage(system: System):
    await system.write(range(1, 121))
    await system.all_workers()
    url = await system.serve()
    await system.until_converged()
    late: list[float] = []

    async def walk(traffic: Traffic, *words: str) -> None:
        known_at = await order(system, *words)
        version = await newest_version(system)
        await until_answers_of(traffic, version)
        old = [
            answer.sent - known_at
            for answer in traffic.since(known_at)
            if answer.body["flag_version"] < version
        ]
        late.extend(old)
        await until_answers(traffic, 15)

    async with traffic_on(url) as traffic, constant_writes(system, 60, 120):
        await until_answers(traffic, 15)
        # In dualwrite already; back to off, where Ollama is not written, and here again.
        await walk(traffic, "rollback", "--to", "off", "--reason", "a test")
        await walk(traffic, "stage", "dualwrite", *FORCE)
        await system.hotswap("verify", "ollama", "--wait", "120")
        await walk(traffic, "stage", "shadow")
        await walk(traffic, "rollback", "--to", "dualwrite", "--reason", "a test")
        await walk(traffic, "stage", "shadow")
        for percent in (5, 10, 50, 100):
            await walk(traffic, "stage", "live", *FORCE)
            await walk(traffic, "ramp", str(percent), *FORCE)
            await walk(traffic, "rollback", "--reason", f"a test at {percent} %")
        await walk(traffic, "stage", "live", *FORCE)
        for percent in (5, 10, 50):
            await walk(traffic, "ramp", str(percent), *FORCE)
        await walk(traffic, "flag", "set", "true", *FORCE)
        await walk(traffic, "stage", "rampdown", *FORCE)
        await walk(traffic, "flag", "set", "false")
        await walk(traffic, "stage", "live", *FORCE)
        await walk(traffic, "flag", "set", "true", *FORCE)
        await walk(traffic, "stage", "rampdown", *FORCE)

    assert system.state.stage is Stage.RAMPDOWN
    await must_have_obeyed(system, traffic)
    assert not [seconds for seconds in late if seconds > SOON], late
    lanes = {answer.body["lane"] for answer in traffic.answers}
    assert lanes == {"cloud", "ollama"}
    await system.until_converged()
    await system.must_be_clean()


async def test_off_stops_the_target_at_its_place_and_coming_back_repeats_nothing(system: System):
    await system.write(range(1, 31))
    await system.all_workers()
    await system.until_converged()
    made = await system.embedded("ollama")
    await order(system, "rollback", "--to", "off", "--reason", "a test")
    await system.until_state("embed:ollama", WorkerState.PAUSED)
    await system.write(range(25, 41), "Written to {} while Ollama was off.")
    await system.until_converged(["cloud"])
    assert await system.store.count(system.collection("ollama")) == 30
    assert await system.embedded("ollama") == made
    await order(system, "stage", "dualwrite", *FORCE)
    await system.until_converged()
    await system.must_be_clean()
    # Six rows were rewritten and ten are new; all others were not touched.
    assert await system.embedded("ollama") == made + 16


async def test_a_pause_and_a_throttle_act_at_once_and_outlast_a_rebalance(system: System):
    await system.all_workers()
    await system.write(range(1, 11))
    await system.until_converged()
    paused_at = await order(system, "pause", "ollama", "--reason", "a test")
    await system.until_state("embed:ollama", WorkerState.PAUSED)
    assert time.monotonic() - paused_at < SOON  # reports come once a second
    await system.write(range(11, 61))
    await system.until_converged(["cloud"])
    assert await system.store.count(system.collection("ollama")) == 10
    # A second worker brings a rebalance, and the pause is still in force.
    await system.worker("embed:ollama")
    await system.until_state("embed:ollama", WorkerState.PAUSED, workers=2)
    assert await system.store.count(system.collection("ollama")) == 10
    await order(system, "throttle", "ollama", "4")
    began = await order(system, "resume", "ollama")
    await system.until_lane_holds("ollama", 34)
    # 24 documents and more at 4 a second, but for what each worker may take ahead.
    assert time.monotonic() - began > 3.0
    await order(system, "throttle", "ollama", "off")
    await system.until_converged()
    await system.must_be_clean()


async def test_two_operators_at_once_one_wins_and_the_other_is_told(system: System):
    # Both have looked at the same state, and order by what they saw.
    seen = ("--expect", str(await newest_version(system)), "--json")
    words = (("throttle", "cloud", "5"), ("throttle", "cloud", "7"))
    ended = await asyncio.gather(*(system.started(*each, *seen) for each in words))
    assert sorted(status for status, _ in ended) == [0, 5]
    won, lost = (json.loads(out) for _, out in sorted(ended))
    assert lost["rejection"] == "stale-version", lost
    assert f"the state has got to {won['version']}" in lost["why"], lost
    await system.refresh()
    rates = [float(words[place][2]) for place, (status, _) in enumerate(ended) if status == 0]
    assert [system.state.lanes["cloud"].documents_per_second] == rates


async def test_plain_json_from_any_kafka_client_is_an_order(system: System):
    async def said(fields: dict[str, object]) -> None:
        producer = AIOKafkaProducer(bootstrap_servers=system.endpoints.kafka_bootstrap)
        await producer.start()
        try:
            topic = system.settings.kafka.topics.control
            await producer.send_and_wait(topic, json.dumps(fields).encode())
        finally:
            await producer.stop()

    await said(
        {"kind": "throttle", "id": "1", "by": "ann", "lane": "cloud", "documents_per_second": 3}
    )
    await said({"kind": "pause", "id": "2", "by": "ann"})
    await said({"kind": "pause", "id": "3", "by": "ann", "lane": "ollama", "reason": "by hand"})
    await system.refresh()
    assert system.state.lanes["cloud"].documents_per_second == 3
    assert system.state.lanes["ollama"].paused == "by ann: by hand"
    history = map(json.loads, (await system.hotswap("history", "--json")).splitlines())
    rejected = [entry for entry in history if entry["verdict"] == "rejected"]
    assert ["lane" in entry["why"] for entry in rejected] == [True]


async def test_reads_go_on_while_kafka_is_away(system: System, stack):
    await system.write(range(1, 21))
    await system.all_workers()
    url = await system.serve()
    await system.until_converged(["cloud"])
    stack.kill("kafka")
    try:
        async with httpx.AsyncClient(base_url=url, timeout=30) as client:
            for number in range(20):
                asked = {"text": f"text {number}", "k": 3, "targeting_key": "u"}
                response = await client.post("/search", json=asked)
                assert response.status_code == 200, response.text
                assert response.json()["lane"] == "cloud"
            ready = await client.get("/readyz")
            assert ready.status_code == 200

            async def old() -> bool:
                answer = (await client.get("/flag")).json()
                return bool(answer["control_age_seconds"] > 3.0)

            await until(old, "the flag's age shows", 60)
    finally:
        await asyncio.to_thread(stack.start, "kafka")
    await system.until_converged()
    await system.must_be_clean()


async def test_with_ollama_dead_at_100_percent_answers_come_from_the_cloud(system: System, stack):
    await system.write(range(1, 21))
    await system.all_workers()
    url = await system.serve()
    await system.until_converged()
    await system.hotswap("verify", "ollama", "--wait", "120")
    for words in (("stage", "shadow"), ("stage", "live", *FORCE), ("flag", "set", "true", *FORCE)):
        await order(system, *words)
    version = await newest_version(system)
    async with httpx.AsyncClient(base_url=url, timeout=30) as client:

        async def search(text: str) -> dict[str, Any]:
            asked = {"text": text, "k": 3, "targeting_key": "u"}
            response = await client.post("/search", json=asked)
            assert response.status_code == 200, response.text
            answer: dict[str, Any] = response.json()
            return answer

        async def on_ollama() -> bool:
            answer = await search(str(uuid.uuid4()))
            return (answer["flag_version"], answer["lane"]) == (version, "ollama")

        await until(on_ollama, "all reads are on Ollama", 60)
        stack.kill("ollama")
        try:
            slow = 0
            for number in range(30):
                began = time.monotonic()
                answer = await search(f"after the end of Ollama {number}")
                slow += time.monotonic() - began > 1.0
                assert (answer["lane"], answer["reason"]) == ("cloud", "FALLBACK")
                assert answer["fallback"]["from"] == "ollama"
            assert slow <= 3
        finally:
            await asyncio.to_thread(stack.start, "ollama")
        await until(on_ollama, "reads are back on Ollama", 60)
