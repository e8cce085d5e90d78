"""Observations are read back as far as the window goes, and then on."""

from itertools import count

import pytest

from schemas import WorkerReport, WorkerState
from streams.adapters.memory_log import MemoryLog
from streams.ports import NewRecord, TopicSpec
from streams.services.exit_criteria import observed
from streams.services.exit_criteria.observed import Observed
from tests.unit.gate.observing import mirrored, quality

HOUR_MS = 3_600_000


class Clock:
    def __init__(self):
        self.ms = 10 * HOUR_MS

    def __call__(self) -> int:
        return self.ms


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
async def log(clock):
    made = MemoryLog(clock=clock, page_records=7)
    await made.create(TopicSpec("observations", 2, 1))
    return made


async def append(log, *records):
    keys = count()
    await log.append(
        [NewRecord("observations", b"%d" % next(keys), one.encode()) for one in records]
    )


def report(number: int) -> WorkerReport:
    return WorkerReport(worker="w", role="normalise", at=number, state=WorkerState.RUNNING)


async def test_what_came_before_the_window_is_not_kept_for_long(log, clock, monkeypatch):
    monkeypatch.setattr(observed, "_FIRST_RECORDS", 4)
    await append(log, *mirrored(40))
    clock.ms += 2 * HOUR_MS
    young = mirrored(20)
    await append(log, *young)
    seen = Observed(log, "observations")
    await seen.refresh(1)
    read = {query.observation.query_id for query in seen.queries}
    assert {one.query_id for one in young} <= read
    # It stops at a piece that begins before the window.
    assert len(read) < 60
    assert seen.newest_ms == clock.ms


async def test_only_what_is_new_is_read_the_next_time(log, clock):
    await append(log, *mirrored(3))
    seen = Observed(log, "observations")
    await seen.refresh(1)
    await seen.refresh(1)
    assert len(seen.queries) == 3
    clock.ms += 5
    more = mirrored(2)
    await append(log, *more, quality(0.9, 1.0), report(1))
    await seen.refresh(1)
    ids = [query.observation.query_id for query in seen.queries]
    assert set(ids[3:]) == {one.query_id for one in more}
    assert len(seen.runs) == 1
    assert seen.newest_ms == clock.ms


async def test_any_record_tells_the_time(log, clock):
    seen = Observed(log, "observations")
    await seen.refresh(1)
    assert seen.newest_ms == 0
    await append(log, report(1))
    await seen.refresh(1)
    assert seen.newest_ms == clock.ms


async def test_what_can_not_be_read_is_left_out(log):
    bad = [b'{"kind":"shadow"', b'{"kind":"quality","schema_version":99}', b"", None, b"\xff"]
    await log.append([NewRecord("observations", b"k", value) for value in bad])
    await append(log, *mirrored(1))
    seen = Observed(log, "observations")
    await seen.refresh(1)
    assert len(seen.queries) == 1


async def test_the_newest_queries_are_kept_if_there_are_too_many(log, monkeypatch):
    monkeypatch.setattr(observed, "MOST_QUERIES", 5)
    every = mirrored(9)
    for one in every:
        await append(log, one)
    seen = Observed(log, "observations")
    await seen.refresh(1)
    assert len(seen.queries) == 5
