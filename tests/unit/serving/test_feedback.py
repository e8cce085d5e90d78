"""Feedback is joined to the lane that answered, and acknowledged once it stands in the log."""

import asyncio

import pytest

from schemas import FeedbackRequest
from schemas.observation import FeedbackObservation
from streams.errors import InputRefused, TransientError
from streams.services.serving.failures import ExpiredQuery, NotReady, UnknownQuery


def said(query_id: str, **what: object) -> FeedbackRequest:
    return FeedbackRequest.model_validate({"query_id": query_id, **what})


@pytest.mark.parametrize(
    ("what", "success", "position"),
    [({"success": True}, True, None), ({"success": False}, False, None), ({"clicked": 3}, None, 3)],
)
async def test_feedback_is_recorded_under_the_lane_that_answered(world, what, success, position):
    world.all_on_target()
    async with world.serving() as serving:
        answer = await world.search(serving)
        recorded = await serving.feedback.record(said(answer.query_id, **what))
        assert (recorded.lane, recorded.flag_version) == ("ollama", 7)
        (value,) = await world.observed()
    seen = FeedbackObservation.decode(value)
    assert (seen.query_id, seen.lane, seen.flag_version) == (answer.query_id, "ollama", 7)
    assert (seen.success, seen.position, seen.k) == (success, position, 3)


async def test_any_process_takes_feedback_on_another_s_answer(world):
    async with world.serving() as one, world.serving() as another:
        answer = await world.search(one)
        assert (await another.feedback.record(said(answer.query_id, success=True))).lane == "cloud"


@pytest.mark.parametrize("garbled", ["q1.xyz", "hello", "q1." + "A" * 60])
async def test_an_unknown_id_is_refused(world, garbled):
    async with world.serving() as serving:
        with pytest.raises(UnknownQuery):
            await serving.feedback.record(said(garbled, success=True))
        assert await world.observed() == []


async def test_an_old_id_is_refused(world):
    async with world.serving(max_age_seconds=60) as serving:
        answer = await world.search(serving)
        world.now_ms += 60_000
        await serving.feedback.record(said(answer.query_id, success=True))
        world.now_ms += 1
        with pytest.raises(ExpiredQuery, match="60 s"):
            await serving.feedback.record(said(answer.query_id, success=True))


async def test_a_position_beyond_the_hits_that_were_asked_for_is_refused(world):
    async with world.serving() as serving:
        answer = await world.search(serving, k=2)
        await serving.feedback.record(said(answer.query_id, clicked=2))
        with pytest.raises(InputRefused, match="2 hits"):
            await serving.feedback.record(said(answer.query_id, clicked=3))


async def test_feedback_waits_for_the_log_and_no_longer_than_its_patience(world):
    async with world.serving(patience_seconds=0.05) as serving:
        answer = await world.search(serving)
        world.kafka.clear()
        with pytest.raises(TransientError, match="may yet be recorded"):
            await serving.feedback.record(said(answer.query_id, success=True))
        # The append was not cut short; it is recorded when the log answers.
        world.kafka.set()
        await asyncio.sleep(0.01)
        assert len(await world.observed()) == 1


async def test_a_log_that_refuses_is_told_to_the_caller(world):
    async with world.serving() as serving:
        answer = await world.search(serving)
        world.append_error = TransientError("Kafka is away")
        with pytest.raises(TransientError, match="away"):
            await serving.feedback.record(said(answer.query_id, success=True))


async def test_feedback_that_waits_for_the_log_does_not_pile_up(world, monkeypatch):
    monkeypatch.setattr("streams.services.serving.feedback._MOST_UNDER_WAY", 3)
    async with world.serving(patience_seconds=0.01) as serving:
        answer = await world.search(serving)
        world.kafka.clear()
        outcomes = await asyncio.gather(
            *(serving.feedback.record(said(answer.query_id, success=True)) for _ in range(5)),
            return_exceptions=True,
        )
        assert sum("too much" in str(outcome) for outcome in outcomes) == 2
    assert asyncio.all_tasks() == {asyncio.current_task()}


async def test_without_a_flag_there_is_no_feedback(world):
    async with world.serving() as serving:
        answer = await world.search(serving)
        world.folded = False
        with pytest.raises(NotReady):
            await serving.feedback.record(said(answer.query_id, success=True))
