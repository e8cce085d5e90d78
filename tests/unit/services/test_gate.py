"""A lane works when the control log says so, and no faster."""

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas import BuildStarted, Fingerprint, MigrationDefined, Stage
from streams.core.yielding import Calls
from streams.errors import LanePaused
from streams.migration.state import Build, LaneState, State
from streams.services.gate import LaneGate, OpenGate, Pace


def state_of(stage: Stage = Stage.DUALWRITE, **of_lane) -> State:
    def lane(name: str) -> LaneState:
        pinned = BuildStarted(
            id=name,
            by="t",
            lane=name,
            build=1,
            collection=name,
            fingerprint=Fingerprint(provider="memory", model="m", dimensions=4),
            documents_partitions=3,
        )
        return LaneState({1: Build(pinned, since=0)}, serving=1)

    return State(
        migration=MigrationDefined(id="m", by="t", source="cloud", target="ollama", salt="s"),
        stage=stage,
        lanes={"cloud": lane("cloud"), "ollama": lane("ollama")._replace(**of_lane)},
    )


def gate_of(state: State, lane: str = "ollama") -> LaneGate:
    return LaneGate(lambda: state, lane)


def test_a_role_without_a_lane_always_works():
    assert OpenGate().rests() is None


@pytest.mark.parametrize(
    ("stage", "cloud", "ollama"),
    [
        (Stage.OFF, True, False),
        (Stage.DUALWRITE, True, True),
        (Stage.SHADOW, True, True),
        (Stage.LIVE, True, True),
        (Stage.RAMPDOWN, True, True),
        (Stage.COMPLETE, False, True),
    ],
)
def test_the_stage_decides_which_lane_works(stage, cloud, ollama):
    state = state_of(stage)
    assert (gate_of(state, "cloud").rests() is None) is cloud
    assert (gate_of(state, "ollama").rests() is None) is ollama


def test_a_pause_closes_the_gate_and_says_why():
    gate = gate_of(state_of(paused="by ann: upgrade"))
    assert gate.rests() == "paused by ann: upgrade"
    with pytest.raises(LanePaused, match="upgrade"):
        gate.check()


def test_a_build_that_was_dropped_rests_for_ever_and_the_others_do_not():
    lane = state_of().lanes["ollama"]
    for build, gone in ((1, False), (2, True)):
        gate = LaneGate(state_of, "ollama", build)
        assert gate.is_gone() is gone
        assert (gate.rests() == "build 2 of lane ollama was dropped") is gone
    assert not LaneGate(State, "ollama", 1).is_gone()  # not known yet
    assert LaneGate(state_of, "ollama").builds() == len(lane.builds) == 1


def test_a_lane_without_a_build_rests():
    assert "no build" in str(gate_of(state_of(), "third").rests())


def test_the_throttle_is_that_of_the_lane():
    assert gate_of(state_of(documents_per_second=7.5)).documents_per_second() == 7.5
    assert gate_of(state_of()).documents_per_second() is None
    assert gate_of(state_of(Stage.OFF, documents_per_second=7.5)).documents_per_second() is None


class Clock:
    """Time that passes only while somebody sleeps."""

    def __init__(self, monkeypatch) -> None:
        self.now = 0.0
        monkeypatch.setattr(asyncio, "sleep", self._sleep)

    async def _sleep(self, seconds: float) -> None:
        self.now += seconds

    def __call__(self) -> float:
        return self.now


def go_on() -> None:
    """The lane works."""


async def test_a_pace_without_a_rate_never_waits(monkeypatch):
    clock = Clock(monkeypatch)
    pace = Pace(lambda: None, clock)
    for _ in range(100):
        await pace.spend(1_000, go_on)
    assert clock.now == 0.0
    assert pace.portion() is None


@given(rate=st.floats(0.5, 500), calls=st.lists(st.integers(1, 64), min_size=2, max_size=30))
def test_never_more_than_one_call_ahead_of_the_rate(rate, calls):
    async def run() -> None:
        with pytest.MonkeyPatch.context() as patch:
            clock = Clock(patch)
            pace = Pace(lambda: rate, clock)
            for n in calls:
                await pace.spend(n, go_on)
            before_the_last = sum(calls[:-1])
            assert clock.now >= before_the_last / rate - 1e-6
            assert clock.now <= before_the_last / rate + 0.2 * len(calls)

    asyncio.run(run())


async def test_a_new_rate_counts_at_once_also_for_who_waits(monkeypatch):
    clock = Clock(monkeypatch)
    rates = {"now": 1.0}
    pace = Pace(lambda: rates["now"], clock)
    await pace.spend(600, go_on)

    def faster() -> None:
        if clock.now >= 2.0:
            rates["now"] = 10_000.0

    await pace.spend(1, faster)
    assert 2.0 <= clock.now < 3.0


async def test_whoever_waits_is_told_when_the_lane_is_paused(monkeypatch):
    clock = Clock(monkeypatch)
    pace = Pace(lambda: 1.0, clock)
    await pace.spend(600, go_on)

    def paused() -> None:
        if clock.now >= 1.0:
            raise LanePaused("upgrade")

    with pytest.raises(LanePaused):
        await pace.spend(1, paused)
    assert clock.now < 2.0


async def test_a_worker_takes_only_its_share(monkeypatch):
    clock = Clock(monkeypatch)
    pace = Pace(lambda: 100.0, clock)
    pace.share(0.25)
    assert pace.portion() == 25
    await pace.spend(25, go_on)
    await pace.spend(25, go_on)
    assert clock.now == pytest.approx(1.0, abs=0.25)


async def test_a_worker_without_partitions_is_not_held(monkeypatch):
    clock = Clock(monkeypatch)
    pace = Pace(lambda: 1.0, clock)
    pace.share(0.0)
    await pace.spend(1_000, go_on)
    await pace.spend(1_000, go_on)
    assert clock.now == 0.0


async def made(pace: Pace, clock: Clock, seconds: float) -> float:
    """A call that takes so long; how long was waited before it."""
    asked = clock.now
    await pace.spend(1, go_on)
    waited = clock.now - asked
    with pace.call():
        clock.now += seconds
    return waited


async def test_a_lane_that_rests_leaves_half_of_the_time_to_queries(monkeypatch):
    clock = Clock(monkeypatch)
    pace = Pace(lambda: None, clock, calls=lambda: Calls(1, rests=True))
    assert [await made(pace, clock, 3.0) for _ in range(3)] == [0.0, *[pytest.approx(3.0)] * 2]
    await asyncio.sleep(2.0)  # what the lane does otherwise is rest for the embedder
    assert await made(pace, clock, 1.0) == pytest.approx(1.0)


async def test_a_rest_is_bounded_so_that_the_lane_goes_on(monkeypatch):
    clock = Clock(monkeypatch)
    pace = Pace(lambda: None, clock, calls=lambda: Calls(1, rests=True))
    await made(pace, clock, 600.0)
    assert await made(pace, clock, 1.0) == pytest.approx(5.0)


async def test_a_rest_ends_once_queries_are_fast_and_when_the_lane_is_paused(monkeypatch):
    clock = Clock(monkeypatch)
    now = {"calls": Calls(1, rests=True)}
    pace = Pace(lambda: None, clock, calls=lambda: now["calls"])
    await made(pace, clock, 4.0)

    def paused() -> None:
        if clock.now >= 5.0:
            raise LanePaused("upgrade")

    with pytest.raises(LanePaused):
        await pace.spend(1, paused)
    assert clock.now < 6.0
    now["calls"] = Calls(1)
    assert await made(pace, clock, 1.0) == 0.0
