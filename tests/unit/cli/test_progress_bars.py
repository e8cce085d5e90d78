"""A bar says how far, how fast and how long still, also where the total is not known."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.cli.progress_bars import Phase, progress_bars, span
from streams.cli.recent_rate import RecentRate


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


def advance(phase: Phase, clock: Clock, looks: int, *, total=None, start=0, step=5.0) -> None:
    """Look every half second; `total` may depend on what is done."""
    for look in range(looks):
        done = start + look * step
        phase.note(done, total(done) if callable(total) else total)
        clock.now += 0.5
    clock.now -= 0.5


def test_without_a_total_there_is_a_rate_and_the_time_it_has_taken(clock):
    phase = Phase(clock)
    advance(phase, clock, 13)
    assert (phase.count, phase.rate, phase.time) == ("60", "10.0/s", "0:00:06 so far")


def test_with_a_total_there_is_the_time_left(clock):
    phase = Phase(clock)
    advance(phase, clock, 13, total=1_000)
    assert (phase.count, phase.rate, phase.time) == ("60/1,000", "10.0/s", "0:01:34 left")


def test_a_total_that_changes_at_each_look_takes_nothing_from_the_rate(clock):
    phase = Phase(clock)
    advance(phase, clock, 13, total=lambda done: 100 + 2 * done)
    assert (phase.rate, phase.time) == ("10.0/s", "0:00:16 left")


def test_a_total_that_turns_out_too_low_may_be_taken_back(clock):
    phase = Phase(clock)
    advance(phase, clock, 13, total=lambda done: 50 if done < 50 else None)
    assert (phase.count, phase.rate, phase.time) == ("60", "10.0/s", "0:00:06 so far")


def test_what_is_done_says_how_long_it_took_and_goes_on_saying_so(clock):
    phase = Phase(clock)
    advance(phase, clock, 13, total=60)
    clock.now += 50
    assert (phase.count, phase.rate, phase.time) == ("60/60", "10.0/s", "0:00:06")


def test_work_that_stands_still_has_no_rate_and_no_end(clock):
    phase = Phase(clock)
    advance(phase, clock, 13, total=1_000)
    for _ in range(30):
        clock.now += 0.5
        phase.note(60, 1_000)
    assert (phase.rate, phase.time) == ("0.0/s", "0:00:21 so far")


def test_silence_that_is_longer_than_the_window_lowers_the_rate(clock):
    phase = Phase(clock)
    advance(phase, clock, 13, total=1_000)
    clock.now += 5
    assert phase.rate == "10.0/s"
    clock.now += 7
    assert phase.rate == "5.0/s"


def test_a_phase_that_begins_anew_forgets_its_rate(clock):
    phase = Phase(clock)
    advance(phase, clock, 13, total=1_000)
    clock.now += 0.5
    phase.note(0, 1_000)
    assert phase.rate == ""
    advance(phase, clock, 5, total=1_000, start=1, step=100)
    assert phase.rate == "200/s"


def test_a_rate_follows_a_change_within_its_window(clock):
    phase = Phase(clock)
    advance(phase, clock, 60, total=10_000)
    clock.now += 0.5
    advance(phase, clock, 25, total=10_000, start=300, step=50)
    assert phase.rate == "100/s"


def test_batches_that_are_rarer_than_the_window_have_a_rate():
    rate = RecentRate()
    for number in range(5):
        rate.note(30.0 * number, 60.0 * number)
    assert rate.per_second(120.0) == pytest.approx(2.0)


@given(gaps=st.lists(st.floats(0.001, 20), min_size=2, max_size=60), per_second=st.floats(0.5, 1e5))
def test_steady_work_has_its_rate_however_often_one_looks(gaps, per_second):
    rate, at = RecentRate(), 0.0
    for gap in gaps:
        rate.note(at, at * per_second)
        at += gap
    at -= gaps[-1]
    assert rate.per_second(at) == pytest.approx(per_second)


def test_two_looks_at_one_moment_are_no_rate():
    rate = RecentRate()
    rate.note(1.0, 0)
    rate.note(1.0, 10)
    assert rate.per_second(1.0) is None


def test_a_time_is_hours_minutes_and_seconds():
    assert span(3_723.4) == "1:02:03"
    assert span(0) == "0:00:00"


def test_on_a_terminal_each_phase_has_a_bar(monkeypatch, capsys):
    monkeypatch.setattr("rich.console.Console.is_terminal", True)
    monkeypatch.setenv("COLUMNS", "100")
    with progress_bars() as show:
        show("[b]rows[/b]", 3, 10)
        show("[b]rows[/b]", 12, None)
        show("checks", 1, 4, step="milvus")
    drawn = capsys.readouterr().err
    assert "[b]rows[/b]" in drawn
    assert " 12 " in drawn
    assert "12/" not in drawn
    assert "milvus" in drawn
    assert "checks" not in drawn
    assert "1/4" in drawn
    assert " so far" in drawn


def test_where_nobody_watches_nothing_is_drawn(capsys):
    with progress_bars() as show:
        show("rows", 1, 2)
    assert capsys.readouterr().err == ""
