"""A lane hears how the queries that share its embedder do, and nothing else changes its calls."""

import asyncio
from collections.abc import AsyncGenerator, Mapping, Sequence

import pytest

from schemas import (
    FeedbackObservation,
    Spread,
    Why,
    WindowObservation,
    WorkerReport,
    WorkerState,
)
from streams.adapters.memory_log import MemoryLog
from streams.config import Settings
from streams.core.yielding import Calls
from streams.ports import LogRecord, NewRecord, TopicSpec
from streams.services import yielding as module
from streams.services.yielding import Yielding, yielding_of
from tests.waiting import until

TOPIC = "observations"


def window(p95_ms: float = 900.0, lane: str = "ollama", **more: object) -> WindowObservation:
    return WindowObservation.model_validate(
        {
            "at": 1,
            "seconds": 1.0,
            "process": "serve-1",
            "lane": lane,
            "build": 1,
            "searches": 1,
            "embed": Spread(count=1, p50_ms=1.0, p95_ms=p95_ms, worst_ms=p95_ms),
            **more,
        }
    )


def record(value: bytes, key: bytes = b"ollama") -> LogRecord:
    return LogRecord(TOPIC, 0, 0, key, value, 1, ())


def saw(yielding: Yielding, *windows: WindowObservation) -> Calls:
    """What a step makes of these windows."""
    yielding.take([record(each.encode(), each.lane.encode()) for each in windows])
    yielding.step()
    return yielding.calls()


def make(log: MemoryLog | None = None) -> Yielding:
    return Yielding(log or MemoryLog(), TOPIC, ["ollama"], limit_ms=250.0, most=32)


async def test_slow_queries_make_the_calls_smaller_and_it_is_said():
    yielding = make()
    assert yielding.remark() == ""
    assert saw(yielding, window()) == Calls(16)
    assert yielding.remark() == "yields to queries: 16 of 32 texts in a call"
    for _ in range(5):
        saw(yielding, window())
    assert yielding.calls() == Calls(1, rests=True)
    assert yielding.remark() == "yields to queries: 1 of 32 texts in a call, and rests after each"


async def test_however_many_processes_serve_a_step_is_one_step():
    assert saw(make(), *[window()] * 4) == Calls(16)


async def test_what_is_no_window_of_the_lane_changes_nothing():
    yielding = make()
    feedback = FeedbackObservation(at=1, query_id="window", lane="ollama", flag_version=1, k=1)
    report = WorkerReport(worker="window", role="r", at=1, state=WorkerState.RUNNING)
    yielding.take(
        [
            record(window(lane="cloud").encode(), b"cloud"),
            record(feedback.encode()),
            record(report.encode()),
            record(window().encode().replace(b'"schema_version":1', b'"schema_version":9')),
            record(b'{"kind": "window"}'),
            record(b'not JSON "window"'),
            record(b""),
        ]
    )
    yielding.step()
    assert yielding.calls() == Calls(32)


async def test_calls_grow_back_once_no_window_has_come_for_some_steps():
    yielding = make()
    saw(yielding, window())
    # A window may be a little late, which is not yet the end of queries.
    assert [saw(yielding).inputs for _ in range(4)] == [16, 16, 17, 18]
    saw(yielding, window())
    assert [saw(yielding).inputs for _ in range(3)] == [9, 9, 10]
    for _ in range(40):
        saw(yielding)
    assert yielding.calls() == Calls(32)
    assert yielding.remark() == ""


async def test_queries_that_come_too_late_count_though_nothing_was_embedded():
    late = window(embed=None, failures={Why.DEADLINE: 1})
    assert saw(make(), late) == Calls(16)


class Followed(MemoryLog):
    """Notes from where it is followed."""

    since: Mapping[int, int] | None = None

    def follow(
        self, topic: str, since: Mapping[int, int]
    ) -> AsyncGenerator[tuple[Sequence[LogRecord], Mapping[int, int]], None]:
        self.since = since
        return super().follow(topic, since)


async def test_windows_are_heard_from_the_end_of_the_topic_on(monkeypatch):
    monkeypatch.setattr(module, "_STEP_SECONDS", 0.005)
    log = Followed()
    await log.create(TopicSpec(TOPIC, 1, 1))
    slow = NewRecord(TOPIC, b"ollama", window().encode())
    await log.append([slow] * 9)
    async with make(log) as yielding:
        await until(lambda: log.since is not None, "it follows", 5, 0.001)
        assert log.since == {0: 9}
        await log.append([slow])
        await until(lambda: yielding.calls() == Calls(16), "the calls are smaller", 5, 0.001)
    assert len(asyncio.all_tasks()) == 1


async def test_a_topic_that_can_not_be_read_is_no_error_and_is_read_once_it_can(
    monkeypatch, caplog
):
    monkeypatch.setattr(module, "_STEP_SECONDS", 0.005)
    monkeypatch.setattr(module, "_AGAIN_SECONDS", 0.005)
    caplog.set_level("INFO")
    log = MemoryLog()
    async with make(log) as yielding:
        await until(lambda: "is not known" in caplog.text, "it was tried", 5, 0.005)
        assert yielding.calls() == Calls(32)
        await log.create(TopicSpec(TOPIC, 1, 1))

        async def smaller() -> bool:
            await log.append([NewRecord(TOPIC, b"ollama", window().encode())])
            return yielding.calls().inputs < 32

        await until(smaller, "the calls are smaller", 5, 0.01)


OLLAMA = {"provider": "ollama", "model": "m", "call_inputs": 8}


def settings(**lanes: dict[str, object]) -> Settings:
    return Settings.model_validate(
        {
            "sources": [{"name": "s", "topic": "t", "key": ["id"], "text": "{text}"}],
            "lanes": lanes,
        }
    )


def test_queries_of_lanes_on_the_same_hosts_count_too():
    here, there = "http://127.0.0.1:1", "http://127.0.0.1:2"
    given = settings(
        old={**OLLAMA, "hosts": [here, there]},
        new={**OLLAMA, "hosts": [there]},
        other={**OLLAMA, "hosts": [here]},
        cloud={"provider": "openai", "model": "m", "dimensions": 4, "api_key": {"env": "KEY"}},
    )
    yielding = yielding_of(given, "new", MemoryLog())
    assert yielding is not None
    assert saw(yielding, window(lane="other"), window(lane="cloud")) == Calls(8)
    assert saw(yielding, window(lane="old")) == Calls(4)
    assert saw(yielding, window(lane="new")) == Calls(2)
    assert yielding_of(given, "cloud", MemoryLog()) is None


@pytest.mark.parametrize(("limit", "calls"), [(None, 4), (1_000.0, 8), (0.0, None)])
def test_the_limit_is_the_lane_s_and_without_one_it_never_yields(limit, calls):
    given = {} if limit is None else {"query_embedding_ms": limit}
    lane = {**OLLAMA, "hosts": ["http://127.0.0.1:1"], **given}
    yielding = yielding_of(settings(ollama=lane), "ollama", MemoryLog())
    assert (yielding and saw(yielding, window(900.0)).inputs) == calls
