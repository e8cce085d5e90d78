"""Observations reach the log in batches, or are dropped and counted; nobody waits for them."""

import asyncio

from schemas import FeedbackObservation
from streams.errors import TransientError
from streams.services.serving.observing import Observations
from tests.waiting import until

SEEN = FeedbackObservation(at=1, query_id="q", lane="l", flag_version=1, k=1, success=True)


class Log:
    """Takes batches, unless told otherwise."""

    def __init__(self) -> None:
        self.batches: list[int] = []
        self.away = False
        self.answers = asyncio.Event()
        self.answers.set()

    async def append(self, records):
        await self.answers.wait()
        if self.away:
            raise TransientError("Kafka is away")
        self.batches.append(len(records))


async def test_records_come_together_in_batches():
    log = Log()
    async with Observations(log.append, "o", batch=4, every_seconds=0.01) as observations:
        for _ in range(10):
            observations.offer("l", SEEN)
        await until(lambda: observations.written == 10, "all are written", 5, 0.005)
    assert log.batches == [4, 4, 2]
    assert observations.dropped == 0


async def test_records_are_dropped_and_counted_while_the_log_is_away():
    log = Log()
    async with Observations(log.append, "o", every_seconds=0.001) as observations:
        log.away = True
        observations.offer("l", SEEN)
        await until(lambda: observations.dropped == 1, "it is dropped", 5, 0.005)
        log.away = False
        observations.offer("l", SEEN)
        await until(lambda: observations.written == 1, "the next one is written", 5, 0.005)


async def test_no_more_records_wait_than_there_is_room_for():
    log = Log()
    log.answers.clear()
    async with Observations(log.append, "o", capacity=5, every_seconds=0.001) as observations:
        for _ in range(9):
            observations.offer("l", SEEN)
        assert observations.dropped == 4
        log.answers.set()
    assert observations.written == 5


async def test_what_waits_is_written_at_the_end():
    log = Log()
    async with Observations(log.append, "o", every_seconds=60.0) as observations:
        observations.offer("l", SEEN)
    assert observations.written == 1


async def test_an_idle_one_ends_at_once():
    async with asyncio.timeout(2):
        async with Observations(Log().append, "o"):
            await asyncio.sleep(0)


async def test_a_log_that_hangs_does_not_hold_up_the_end(monkeypatch):
    monkeypatch.setattr("streams.services.serving.observing._FLUSH_SECONDS", 0.01)
    log = Log()
    log.answers.clear()
    async with asyncio.timeout(2):
        async with Observations(log.append, "o", batch=1, every_seconds=0.0) as observations:
            observations.offer("l", SEEN)
            observations.offer("l", SEEN)
            await asyncio.sleep(0.005)
    assert observations.written == 0
