"""What stands on `observations`, and finding one kind of it among the others."""

import pytest
from pydantic import ValidationError

from schemas import (
    FeedbackObservation,
    MirroredSide,
    ShadowObservation,
    Spread,
    Why,
    WindowObservation,
    WorkerReport,
    WorkerState,
    parse_observation,
)
from streams.adapters.memory_log import MemoryLog
from streams.ports import NewRecord, TopicSpec
from streams.services.status import latest_reports

REPORT = WorkerReport(worker="w", role="normalise", at=1, state=WorkerState.RUNNING)
SHADOW = ShadowObservation(
    at=1,
    query_id="q1.x",
    flag_version=3,
    k=5,
    filtered=False,
    answered=MirroredSide(lane="cloud", build=1, collection="c", hits=5, search_ms=1.5),
    mirrored=MirroredSide(lane="ollama", failure=Why.DEADLINE),
)
FEEDBACK = FeedbackObservation(at=1, query_id="q1.x", lane="cloud", flag_version=3, k=5, position=2)
WINDOW = WindowObservation(
    at=1,
    seconds=1.0,
    process="serve-1",
    lane="ollama",
    build=2,
    searches=3,
    failures={Why.DEADLINE: 1},
    embed=Spread(count=2, p50_ms=20.5, p95_ms=31.0, worst_ms=31.0),
)


@pytest.mark.parametrize("record", [REPORT, SHADOW, FEEDBACK, WINDOW], ids=lambda it: it.kind)
def test_an_observation_is_read_back_as_what_it_was(record):
    assert parse_observation(record.encode()) == record


@pytest.mark.parametrize("value", [b"", b"{}", b'{"kind": "other"}', b"[]"])
def test_what_is_no_observation_is_refused(value):
    with pytest.raises(ValidationError):
        parse_observation(value)


async def test_a_worker_s_report_is_found_among_many_more_other_observations():
    now = 100_000

    def clock() -> int:
        return now

    log = MemoryLog(clock=clock)
    await log.create(TopicSpec("o", 1, 1))
    for second in range(30):
        now = 100_000 + 1_000 * second
        report = REPORT.model_copy(update={"at": now})
        await log.append(
            [
                NewRecord("o", b"normalise", report.encode()),
                *[NewRecord("o", b"ollama", SHADOW.encode())] * 600,
            ]
        )
    reports = await latest_reports(log, "o")
    assert reports[-1].at == now
    assert len(reports) >= 10
