"""Laws of the fold over any sequence of commands, plausible, wild and damaged."""

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas import Stage
from streams.core.records import LogRecord
from streams.core.routing import BUCKETS, bucket, route
from streams.migration.fold import Fold, Folded
from streams.migration.reads import routing_of
from streams.migration.verdicts import Accepted
from tests.unit.migration import laws
from tests.unit.migration.commands import commands, written
from tests.unit.migration.log import START, begun, record, walked
from tests.unit.migration.witness import Witness

pytestmark = pytest.mark.slow  # each law is tried on a hundred logs

TIMES = st.integers(-500_000, 500_000) | st.just(1_000)


@st.composite
def logs(draw: st.DrawFn) -> list[LogRecord]:
    """Records as they could stand in a log, beginning with two lanes and their migration."""
    log = begun()
    now = START
    for _ in range(draw(st.integers(0, 40))):
        now = max(0, now + draw(TIMES))
        offset, shape = len(log.records), draw(st.integers(0, 9))
        if shape == 0:
            value = log.records[draw(st.integers(0, offset - 1))].value
        elif shape == 1:
            value = draw(st.binary(max_size=20) | st.none())
        else:
            value = written(draw(commands), offset, log.state.version, now)
        log.now = now
        log.append(value)
    return log.records


@given(logs(), st.data())
def test_every_follower_comes_to_the_same_state_and_verdicts_whatever_its_pages_and_restarts(
    records, data
):
    whole = Fold()
    expected = [laws.told(whole.take(one)) for one in records]

    in_pages, answers = Fold(), []
    rest = list(records)
    while rest:
        size = data.draw(st.integers(1, len(rest)))
        answers += [laws.told(in_pages.take(one)) for one in rest[:size]]
        rest = rest[size:]
        in_pages = in_pages.copy()
    assert answers == expected
    assert in_pages.state == whole.state

    begins_again = data.draw(st.integers(0, len(records)))
    other = Fold()
    for one in records[:begins_again]:
        other.take(one)
    restarted = Fold()
    assert [laws.told(restarted.take(one)) for one in records] == expected
    kept = other.copy()
    assert [laws.told(kept.take(one)) for one in records[begins_again:]] == expected[begins_again:]
    assert kept.state == restarted.state == whole.state
    assert (kept.time, kept.offset) == (whole.time, whole.offset)


@given(logs())
def test_only_what_is_accepted_changes_the_state_and_only_a_definition_the_salt(records):
    fold, witness = Fold(), Witness()
    for one in records:
        before, time = fold.state, fold.time
        folded = fold.take(one)
        witness.sees(folded, fold.state)
        witness.vouches_for(fold.state)
        laws.is_lawful(before, folded, fold.state)
        assert fold.time == max(time, one.timestamp)
        laws.all_laws(fold)


@given(logs())
def test_a_copy_that_goes_on_leaves_the_original_as_it_was(records):
    half = len(records) // 2
    fold = Fold()
    for one in records[:half]:
        fold.take(one)
    state, time, offset = fold.state, fold.time, fold.offset
    copy = fold.copy()
    for one in records[half:]:
        copy.take(one)
    assert (fold.state, fold.time, fold.offset) == (state, time, offset)
    expected = [laws.told(copy_folded) for copy_folded in _folded(records)[half:]]
    assert [
        laws.told(fold.take(one)) for one in records[half:]
    ] == expected  # the copy's ids are its own


def _folded(records: list[LogRecord]) -> list[Folded]:
    fold = Fold()
    return [fold.take(one) for one in records]


ANY_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3)
    ),
    max_leaves=10,
).map(lambda value: json.dumps(value).encode())


@given(st.binary(max_size=60) | ANY_JSON)
def test_no_bytes_make_the_fold_raise(value):
    log = begun()
    before = log.state
    assert not isinstance(log.append(value).verdict, Accepted)
    assert log.state == before


@pytest.mark.parametrize("stage", list(Stage))
def test_the_laws_hold_along_the_way_forward(stage):
    laws.all_laws(walked(stage).fold)


def test_raising_the_ramp_never_moves_anyone_back():
    """100,000 users, along a ramp as the fold lets it through."""
    users = [f"user-{number}" for number in range(100_000)]
    log = walked("live", percent=0)
    buckets = np.array([bucket("salt", user) for user in users])
    before = np.zeros(len(users), dtype=bool)
    for percent in (0.001, 1, 5, 10, 33.3, 50, 99.9, 99.999, 100):
        log.ramp(percent)
        routing = routing_of(log.state)
        assert routing is not None
        assert routing.percent == percent
        moved = np.array([route(routing, user).uses_target for user in users])
        assert not (before & ~moved).any()
        assert moved.mean() == pytest.approx(percent / 100, abs=0.005)
        assert (moved == (buckets < round(percent * BUCKETS / 100))).all()
        before = moved
    log.wait(3_600)
    log.accept("stage", to="rampdown")
    routing = routing_of(log.state)
    assert routing is not None
    assert all(route(routing, user).uses_target for user in users[:1_000])


def test_a_record_without_a_place_in_the_log_of_its_own_is_still_folded_once():
    """A page that is delivered twice is for the follower to leave out; ids see to the rest."""
    log = walked("shadow")
    state, fold = log.state, log.fold.copy()
    for one in log.records:
        fold.take(record(one.offset + len(log.records), one.timestamp, one.value))
    assert fold.state == state
