"""The client on an event loop: it answers as `hotswap serve` does, and ends cleanly."""

import asyncio

import pytest

from schemas import FeedbackObservation, ShadowObservation, Why
from schemas.filter import Condition
from streams.client import AsyncHotswap, Misused, NotReady, Unanswered, UnknownQuery
from streams.core.routing import Reason
from streams.errors import (
    ConfigurationError,
    DriftError,
    InputRefused,
    TransientError,
)
from tests.unit.client.world import World
from tests.waiting import until


@pytest.fixture
async def world(empty: World) -> World:
    await empty.define()
    return empty


async def test_a_search_is_answered_from_the_lane_that_the_flag_picks(world):
    async with AsyncHotswap.open("hotswap.toml") as hotswap:
        answer = await hotswap.search("green", k=2)
        assert (answer.lane, answer.reason) == ("cloud", "DEFAULT")
        assert answer.hits[0].metadata == {"colour": "green"}
        assert len(answer.hits) == 2
        await world.live(0.0, "staff")
        await until(lambda: hotswap.use_local_embeddings(None, "staff").uses_target, "it is live")
        answer = await hotswap.search("green", k=1, targeting_key="user", cohort="staff")
        assert (answer.lane, answer.reason) == ("ollama", "TARGETING_MATCH")
        assert answer.hits[0].id == "s/1"


async def test_a_filter_can_be_given_as_json_or_as_its_model(world):
    del world
    asked = {"field": "colour", "in": ["red", "blue"]}
    async with AsyncHotswap.open() as hotswap:
        for given in (asked, Condition.model_validate(asked)):
            found = (await hotswap.search("green", filter=given)).hits
            assert {hit.metadata["colour"] for hit in found} == {"red", "blue"}


async def test_a_document_can_be_searched_with(world):
    del world
    async with AsyncHotswap.open() as hotswap:
        alike = (await hotswap.search(vector_by="s/1", k=1)).hits
        assert [hit.id for hit in alike] == ["s/1"]


async def test_a_dead_target_is_answered_for_by_the_source_and_that_is_said(world):
    await world.live(100.0)
    async with AsyncHotswap.open() as hotswap:
        await hotswap.search("warm")  # the models have said what they are
        world.embedders["ollama"].failures.append(TransientError("down"))
        answer = await hotswap.search("green")
        assert (answer.lane, answer.reason) == ("cloud", "FALLBACK")
        assert answer.fallback is not None
        assert answer.fallback.why is Why.UNREACHABLE


async def test_with_no_lane_that_answers_the_error_has_each_ones_reason(world):
    async with AsyncHotswap.open() as hotswap:
        world.embedders["cloud"].failures.append(TransientError("down"))
        with pytest.raises(Unanswered) as raised:
            await hotswap.search("green")
        assert [failure.why for failure in raised.value.failures] == [Why.UNREACHABLE]


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        ({}, "exactly one of text and vector_by"),
        ({"text": "x", "vector_by": "s/1"}, "exactly one"),
        ({"text": "x", "k": 0}, "k: "),
        ({"text": "x", "k": 16_385}, "k: "),
        ({"text": "x", "k": "5"}, "k: "),
        ({"text": "x", "targeting_key": ""}, "targeting_key: "),
        ({"text": "x", "filter": {"field": "colour"}}, "filter"),
        ({"text": "x", "filter": "colour == 'red'"}, "filter"),
        ({"text": "  "}, "empty"),
        ({"text": "\ud800"}, "text"),
        ({"vector_by": "no id"}, "vector_by: "),
    ],
)
async def test_a_wrong_argument_is_refused_by_its_name(world, arguments, named):
    del world
    async with AsyncHotswap.open() as hotswap:
        with pytest.raises(InputRefused, match=named):
            await hotswap.search(**arguments)


async def test_feedback_stands_in_the_log_once_it_is_acknowledged(world):
    async with AsyncHotswap.open() as hotswap:
        answer = await hotswap.search("green", k=3)
        given = await hotswap.feedback(answer.query_id, clicked=2)
        assert given.lane == "cloud"
        (observation,) = await world.observed(FeedbackObservation)
        assert observation.position == 2
        assert (await hotswap.feedback(answer.query_id, success=True)).lane == "cloud"
        with pytest.raises(UnknownQuery):
            await hotswap.feedback("q1.nobody", success=True)
        with pytest.raises(InputRefused, match="exactly one of success and clicked"):
            await hotswap.feedback(answer.query_id)


async def test_feedback_that_kafka_does_not_take_is_an_error_and_a_search_is_not(world):
    async with AsyncHotswap.open() as hotswap:
        answer = await hotswap.search("green")
        world.log.reachable.clear()
        with pytest.raises(TransientError):
            await hotswap.feedback(answer.query_id, success=True)
        assert (await hotswap.search("green")).lane == "cloud"


async def test_reads_are_mirrored_in_stage_live(world, tmp_path):
    with (tmp_path / "hotswap.toml").open("a") as settings:
        settings.write("[serve.shadow]\nsample = 1.0\n")
    await world.live()
    async with AsyncHotswap.open() as hotswap:
        answer = await hotswap.search("green")
        await until(lambda: hotswap.readiness()["shadow"]["mirrored"] == 1, "it is mirrored")
    (mirrored,) = await world.observed(ShadowObservation)
    assert mirrored.query_id == answer.query_id
    assert mirrored.mirrored.lane == "ollama"


async def test_the_flag_alone_costs_no_call(world):
    await world.live(50.0)
    async with AsyncHotswap.open() as hotswap:
        picked = [hotswap.use_local_embeddings(f"user-{number}") for number in range(400)]
        assert {route.reason for route in picked} == {Reason.SPLIT}
        assert 120 < sum(route.uses_target for route in picked) < 280
        assert hotswap.use_local_embeddings().lane == "cloud"


async def test_opening_waits_until_the_control_log_was_read(world):
    world.log.reachable.clear()
    with pytest.raises(NotReady, match=r"within 0\.05 s; is Kafka reachable"):
        async with AsyncHotswap.open(wait_seconds=0.05):
            pass
    async with AsyncHotswap.open(wait_seconds=0) as hotswap:
        with pytest.raises(NotReady):
            await hotswap.search("green")
        with pytest.raises(NotReady):
            hotswap.use_local_embeddings("user")
        world.log.reachable.set()
        await until(hotswap.control.folded, "it was read")
        assert (await hotswap.search("green")).lane == "cloud"


async def test_a_control_log_that_is_not_there_is_an_error_at_once(empty):
    del empty
    with pytest.raises(ConfigurationError, match="hotswap init"):
        async with AsyncHotswap.open():
            pass
    async with AsyncHotswap.open(wait_seconds=0) as hotswap:
        await until(lambda: hotswap.control.problem() is not None, "it was looked for")
        for _ in range(2):
            with pytest.raises(ConfigurationError, match="hotswap init"):
                await hotswap.search("green")
            with pytest.raises(ConfigurationError, match="hotswap init"):
                hotswap.use_local_embeddings()


async def test_a_control_log_that_is_lost_later_leaves_the_last_state_in_force(world):
    async with AsyncHotswap.open() as hotswap:
        world.log.problem = DriftError("topic control", {"partition 0": (5, 0)})
        await until(lambda: hotswap.control.problem() is not None, "it is lost")
        assert (await hotswap.search("green")).lane == "cloud"


async def test_a_migration_that_is_not_defined_yet_is_said(empty):
    await empty.topics()
    async with AsyncHotswap.open() as hotswap:
        with pytest.raises(NotReady, match="hotswap init"):
            await hotswap.search("green")


async def test_a_wrong_setting_is_an_error_of_opening(world):
    del world
    with pytest.raises(ConfigurationError, match=r"nowhere\.toml"):
        async with AsyncHotswap.open("nowhere.toml"):
            pass


async def test_leaving_waits_for_the_calls_under_way_and_leaves_no_task(world):
    before = asyncio.all_tasks()
    cloud = world.embedders["cloud"]
    opened: asyncio.Future[AsyncHotswap] = asyncio.Future()
    leave = asyncio.Event()

    async def live() -> None:
        async with AsyncHotswap.open() as hotswap:
            opened.set_result(hotswap)
            await leave.wait()

    living = asyncio.create_task(live())
    hotswap = await opened
    await hotswap.search("kept")
    cloud.awake.clear()
    search = asyncio.create_task(hotswap.search("green", k=1))
    await until(lambda: cloud.under_way == 1, "it is under way", every=0.001)
    await hotswap.search("kept")  # one that ends earlier
    leave.set()
    assert await asyncio.wait({living}, timeout=0.1) == (set(), {living})
    with pytest.raises(Misused, match="closed"):
        await hotswap.search("late")
    cloud.awake.set()
    await living
    assert search.done()
    assert (await search).lane == "cloud"
    assert asyncio.all_tasks() == before


async def test_after_the_end_every_call_is_refused(world):
    del world
    async with AsyncHotswap.open() as hotswap:
        pass
    with pytest.raises(Misused, match="closed"):
        await hotswap.search("green")
    with pytest.raises(Misused, match="closed"):
        await hotswap.feedback("q1.x", success=True)
    with pytest.raises(Misused, match="closed"):
        hotswap.use_local_embeddings()


async def test_another_event_loop_is_refused_and_not_hung(world):
    del world
    async with AsyncHotswap.open() as hotswap:
        with pytest.raises(Misused, match="another event loop"):
            await asyncio.to_thread(lambda: asyncio.run(hotswap.search("green")))
