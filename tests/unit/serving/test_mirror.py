"""The mirror compares the lanes beside the answers, and nothing it meets reaches them."""

import asyncio

import pytest

from schemas import Why
from schemas.observation import ShadowObservation
from streams.config import ShadowConfig
from streams.errors import TransientError
from streams.services.serving.mirror import is_sampled
from tests.unit.serving.world import NOW, TEXTS
from tests.waiting import until


async def seen(world, serving, count: int) -> list[ShadowObservation]:
    await until(lambda: serving.observations.written >= count, "it is observed", 5, 0.01)
    return [ShadowObservation.decode(value) for value in await world.observed()]


async def test_a_mirrored_query_gives_one_observation_of_both_lanes(world):
    world.route(mirrored=True)
    async with world.serving(sample=1.0) as serving:
        answer = await world.search(serving, "green", k=5)
        (shadow,) = await seen(world, serving, 1)
    assert (shadow.query_id, shadow.at) == (answer.query_id, NOW)
    assert (shadow.flag_version, shadow.k, shadow.filtered) == (7, 5, False)
    assert (shadow.answered.lane, shadow.mirrored.lane) == ("cloud", "ollama")
    assert shadow.answered.collection == "documents_cloud_1"
    assert (shadow.mirrored.build, shadow.mirrored.collection) == (1, "documents_ollama_1")
    assert (shadow.answered.hits, shadow.mirrored.hits) == (5, 5)
    assert shadow.answered.embed_ms == answer.embed_ms
    for side in (shadow.answered, shadow.mirrored):
        assert side.embed_ms is not None
        assert side.search_ms is not None
        assert side.failure is None
    assert shadow.overlap == 1.0
    assert shadow.rank_correlation is not None
    assert shadow.rank_biased_overlap is not None
    assert shadow.text is None


async def test_while_reads_are_on_the_target_the_source_is_the_mirror(world):
    world.route(mirrored=True, percent=100.0)
    async with world.serving(sample=1.0) as serving:
        await world.search(serving)
        (shadow,) = await seen(world, serving, 1)
    assert (shadow.answered.lane, shadow.mirrored.lane) == ("ollama", "cloud")


async def test_the_text_is_recorded_only_if_that_is_configured(world):
    world.route(mirrored=True)
    config = ShadowConfig(record_text=True)
    async with world.serving(sample=1.0, shadow=config) as serving:
        await world.search(serving, "green", filter={"field": "colour", "eq": "green"})
        (shadow,) = await seen(world, serving, 1)
    assert (shadow.text, shadow.filtered) == ("green", True)


async def test_nothing_is_mirrored_unless_the_flag_asks_for_it(world):
    async with world.serving(sample=1.0) as serving:
        await world.search(serving)
        assert serving.shadow._queue.empty()


async def test_an_answer_that_was_a_fallback_is_not_mirrored(world):
    world.route(mirrored=True, percent=100.0)
    async with world.serving(sample=1.0) as serving:
        world.ollama.failures.append(TransientError("away"))
        assert (await world.search(serving)).fallback
        assert serving.shadow._queue.empty()


@pytest.mark.parametrize(
    ("error", "why"),
    [(TransientError("away"), Why.UNREACHABLE), (ZeroDivisionError("a defect"), None)],
)
async def test_a_mirror_that_fails_is_observed_and_goes_on(world, error, why, caplog):
    world.route(mirrored=True)
    async with world.serving(sample=1.0) as serving:
        world.ollama.failures.append(error)
        assert (await world.search(serving)).lane == "cloud"
        assert (await world.search(serving, "blue")).lane == "cloud"
        shadows = await seen(world, serving, 2 if why else 1)
        assert serving.breakers.closed("ollama")
    if why is None:
        assert "a defect" in caplog.text
        assert (serving.shadow.mirrored, serving.shadow.dropped) == (1, 1)
        return
    failed = next(shadow for shadow in shadows if shadow.mirrored.failure)
    assert failed.mirrored.failure is why
    assert failed.mirrored.build == 1
    assert (failed.overlap, failed.rank_correlation, failed.rank_biased_overlap) == (None,) * 3


async def test_a_lane_without_a_build_is_observed_as_such(world):
    world.route(mirrored=True)
    async with world.serving(sample=1.0) as serving:
        del world.builds["ollama"]
        await world.search(serving)
        (shadow,) = await seen(world, serving, 1)
    assert (shadow.mirrored.failure, shadow.mirrored.build) == (Why.NOT_BUILT, None)


async def test_a_mirror_that_hangs_for_ever_changes_no_answer_and_leaks_no_task(world):
    world.route(mirrored=True)
    config = ShadowConfig(deadline_seconds=60.0, concurrency=2, queue=3)
    before = asyncio.all_tasks()
    async with world.serving(sample=1.0, shadow=config) as serving:
        world.ollama.awake.clear()
        async with asyncio.timeout(5):
            answers = []
            for text in TEXTS * 4:
                answers.append(await world.search(serving, text))
                await asyncio.sleep(0)
        assert [answer.hits[0].id for answer in answers] == [f"s/{n}" for n in range(5)] * 4
        assert all(answer.fallback is None for answer in answers)
        assert world.ollama.under_way == 2
        # Two under way, three wait.
        assert serving.shadow.dropped == 20 - 2 - 3
    assert world.ollama.under_way == 0
    assert asyncio.all_tasks() == before


async def test_a_mirrored_query_ends_at_its_own_deadline(world):
    world.route(mirrored=True)
    async with world.serving(sample=1.0) as serving:
        world.ollama.awake.clear()
        await world.search(serving)
        (shadow,) = await seen(world, serving, 1)
    assert shadow.mirrored.failure is Why.DEADLINE
    assert (shadow.mirrored.embed_ms, shadow.mirrored.search_ms) == (None, None)


def test_the_sample_is_as_large_as_asked_for_and_the_same_everywhere():
    ids = [f"q1.{number}" for number in range(10_000)]
    sampled = {each for each in ids if is_sampled(each, 0.1)}
    assert 900 < len(sampled) < 1_100
    assert sampled <= {each for each in ids if is_sampled(each, 0.2)}
    assert not any(is_sampled(each, 0.0) for each in ids)
    assert all(is_sampled(each, 1.0) for each in ids)
    assert is_sampled("q1.7", 0.5) is False
