"""Each lane's searches are told in windows, for whoever wants to know how queries do by now."""

import asyncio

import pytest

from schemas import Why, WindowObservation
from streams.errors import InputRefused, LaneHalted, TransientError
from streams.services.serving.failures import Unanswered
from streams.services.serving.lane import Trace
from streams.services.serving.searcher import Deadlines
from streams.services.serving.windows import Windows
from tests.unit.serving.world import built
from tests.waiting import until

NOW = 1_700_000_000_000


def noted(*traces: Trace) -> list[WindowObservation]:
    """What is published of these searches after two seconds."""
    published: list[WindowObservation] = []
    now = iter((10.0, 12.0))
    windows = Windows(published.append, clock=lambda: next(now), now_ms=lambda: NOW)
    for trace in traces:
        windows.note(trace)
    windows.end()
    return published


def test_a_window_tells_how_long_embedding_and_searching_took():
    (window,) = noted(
        *(Trace("ollama", None, 0.001 * n, 0.0001 * n) for n in range(1, 101)),
        Trace("ollama", None, 0.00005, 0.0001, cached=True),
        Trace("ollama"),
    )
    assert (window.lane, window.build, window.at, window.seconds) == ("ollama", None, NOW, 2.0)
    assert (window.searches, window.failures) == (102, {})
    assert window.embed is not None
    assert window.embed.model_dump() == {
        "count": 100,
        "p50_ms": 50.0,
        "p95_ms": 95.0,
        "worst_ms": 100.0,
    }
    assert window.search is not None
    assert (window.search.count, window.search.worst_ms) == (101, 10.0)
    assert window == WindowObservation.decode(window.encode())


def test_a_second_without_searches_has_no_window():
    assert noted() == []


def test_searches_that_embedded_nothing_tell_no_time():
    (window,) = noted(Trace("ollama", None, 0.1, cached=True))
    assert (window.searches, window.embed, window.search) == (1, None, None)


async def test_lanes_and_builds_have_windows_of_their_own(world):
    async with world.serving() as serving:
        await world.search(serving)
        world.builds["cloud"] = await built("cloud", world.cloud, world.store, 2)
        await world.search(serving)
        world.all_on_target()
        await world.search(serving, "blue")
    assert [(each.lane, each.build, each.searches) for each in world.windows] == [
        ("cloud", 1, 1),
        ("cloud", 2, 1),
        ("ollama", 1, 1),
    ]
    assert len({each.process for each in world.windows}) == 1


async def test_a_vector_that_was_kept_and_one_that_is_stored_are_no_embeddings(world):
    async with world.serving() as serving:
        for _ in range(3):
            await world.search(serving)
        await world.search(serving, None, vector_by="s/3")
    (window,) = world.windows
    assert window.searches == 4
    assert window.embed is not None
    assert window.embed.count == 1
    assert window.search is not None
    assert window.search.count == 4


async def test_mirrored_queries_are_not_in_a_window(world):
    world.route(mirrored=True)
    async with world.serving(sample=1.0) as serving:
        await world.search(serving)
        await until(lambda: serving.shadow.mirrored == 1, "it is mirrored", 5, 0.005)
    assert [each.lane for each in world.windows] == ["cloud"]


@pytest.mark.parametrize(
    ("error", "why"),
    [
        (TransientError("away"), Why.UNREACHABLE),
        (LaneHalted("no model"), Why.HALTED),
        (InputRefused("too long"), Why.REFUSED),
    ],
)
async def test_a_failure_is_told_of_its_lane_and_the_answer_of_the_other_one(world, error, why):
    world.all_on_target()
    async with world.serving() as serving:
        world.ollama.failures.append(error)
        await world.search(serving)
    failed, answered = world.windows
    assert (failed.lane, failed.searches, failed.failures) == ("ollama", 1, {why: 1})
    assert (failed.embed, failed.search) == (None, None)
    assert (answered.lane, answered.searches, answered.failures) == ("cloud", 1, {})


async def test_searches_that_a_lane_is_spared_are_told_too(world):
    world.all_on_target()
    async with world.serving() as serving:
        world.ollama.awake.clear()
        for text in ("red", "green", "blue"):
            await world.search(serving, text)
    target = next(each for each in world.windows if each.lane == "ollama")
    assert (target.build, target.searches) == (1, 3)
    assert target.failures == {Why.DEADLINE: 1, Why.BREAKER_OPEN: 2}


async def test_a_lane_without_a_build_or_configuration_is_told(world):
    world.all_on_target()
    async with world.serving() as serving:
        del world.builds["ollama"]
        await world.search(serving)
        world.route(target="elsewhere")
        await world.search(serving)
    failed = [each for each in world.windows if each.failures]
    assert [(each.lane, each.build, each.failures) for each in failed] == [
        ("ollama", None, {Why.NOT_BUILT: 1}),
        ("elsewhere", None, {Why.NOT_BUILT: 1}),
    ]


async def test_a_deadline_that_was_cut_short_is_not_held_against_a_lane(world):
    async with world.serving(deadlines=Deadlines(lane=0.2, total=0.25)) as serving:
        world.cloud.awake.clear()
        world.ollama.awake.clear()
        with pytest.raises(Unanswered):
            await world.search(serving)
    assert [(each.lane, each.failures) for each in world.windows] == [("cloud", {Why.DEADLINE: 1})]


async def test_windows_are_published_while_searches_go_on():
    published: list[WindowObservation] = []
    async with Windows(published.append, every_seconds=0.005) as windows:
        windows.note(Trace("ollama"))
        await until(lambda: len(published) == 1, "the first is published", 5, 0.001)
        windows.note(Trace("ollama"))
        await until(lambda: len(published) == 2, "the next is published", 5, 0.001)
        windows.note(Trace("cloud"))
    assert [each.searches for each in published] == [1, 1, 1]
    assert published[-1].lane == "cloud"
    assert len(asyncio.all_tasks()) == 1
