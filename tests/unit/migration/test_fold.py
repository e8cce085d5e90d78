"""What comes before any judgement: time, expiry, versions, duplicates, force, copies."""

from typing import Any, get_args

import pytest
from pydantic.fields import FieldInfo

from schemas import ControlRecord
from streams.migration.fold import Fold, Folded
from streams.migration.proposals import dispatch
from streams.migration.state import State
from streams.migration.verdicts import Accepted, Held, Rejected, Rejection
from tests.unit.migration.log import START, Log, begun, record, walked


def rejected(log: Log, rejection: Rejection, **order) -> Rejected:
    before = log.state
    verdict = log.verdict(**order)
    assert isinstance(verdict, Rejected), verdict
    assert verdict.rejection is rejection
    assert log.state == before
    return verdict


def test_every_kind_of_record_has_something_that_it_would_do():
    models = set()
    unfold: list[Any] = [ControlRecord]
    while unfold:
        kind = unfold.pop()
        if isinstance(kind, type):
            models.add(kind)
        else:  # a union, or one with its discriminator
            unfold += [part for part in get_args(kind) if not isinstance(part, FieldInfo)]
    assert models == set(dispatch._PROPOSERS)
    assert len(models) == 19


def test_an_empty_log_is_a_state_too():
    fold = Fold()
    assert (fold.state, fold.time, fold.offset) == (State(), 0, -1)
    assert fold.state.version == -1


def test_what_is_folded_is_told_with_its_place_and_time():
    log = begun()
    folded = log.order("throttle", lane="cloud", documents_per_second=2)
    assert isinstance(folded, Folded)
    assert (folded.offset, folded.at, folded.version) == (3, log.now, 3)
    assert folded.command is not None
    assert folded.command.id == "id-3"
    assert isinstance(folded.verdict, Accepted)
    unreadable = log.append(b"?")
    assert (unreadable.command, unreadable.offset, unreadable.version) == (None, 4, 3)


def test_time_never_goes_back():
    log = begun()
    log.now = START - 60_000
    assert log.order("throttle", lane="cloud", documents_per_second=2).at == START
    assert log.fold.time == START
    log.accept("preflight", verdict="pass")
    assert log.state.evidence["preflight"].at == START
    log.now = START + 5
    log.accept("stage", to="dualwrite")
    assert log.state.stage_since == START + 5


def test_rejected_records_move_the_clock_too():
    log = begun()
    log.now += 1_000
    log.append(b"?")
    log.now -= 1_000
    rejected(log, Rejection.EXPIRED, kind="stage", to="dualwrite", expires_at=START + 999)


@pytest.mark.parametrize("by", ["number", "date"])
def test_a_command_expires_after_its_time_and_not_at_it(by):
    log = begun()
    log.now = 1_800_000_000_500
    at = {"number": 1_800_000_000_500, "date": "2027-01-15T09:00:00.500+01:00"}[by]
    assert isinstance(log.verdict("stage", to="dualwrite", expires_at=at), Held)
    log.now += 1
    verdict = rejected(log, Rejection.EXPIRED, kind="stage", to="dualwrite", expires_at=at)
    assert verdict.why == "expired 0.0 s before it came"


def test_a_version_that_is_expected_must_be_met():
    log = begun()
    version = log.state.version
    rejected(log, Rejection.STALE, kind="preflight", verdict="pass", expected_version=version - 1)
    log.accept("preflight", verdict="pass", expected_version=version)
    log.accept("stage", to="dualwrite", expected_version=version)
    verdict = rejected(log, Rejection.STALE, kind="rollback", expected_version=version)
    assert verdict.why == "meant for version 2, but the state has got to 5"


def test_of_two_operators_with_the_same_view_one_wins_and_the_other_is_told():
    log = walked("live", percent=5)
    seen = log.state.version
    log.health()
    log.accept("ramp", percent=50, expected_version=seen)
    rejected(log, Rejection.STALE, kind="ramp", percent=1, expected_version=seen)
    assert log.state.ramp.percent == 50


def test_before_the_first_order_the_version_is_minus_one():
    log = Log()
    assert isinstance(log.start("cloud", expected_version=-1), Accepted)


@pytest.mark.parametrize("reason", ["", " ", "\t\n\u3000"])
def test_force_wants_a_reason(reason):
    log = begun()
    order = {"kind": "stage", "to": "dualwrite", "force": True, "reason": reason}
    verdict = rejected(log, Rejection.NO_REASON, **order)
    assert verdict.why == "force needs a reason"
    log.accept("stage", to="dualwrite", force=True, reason=".")


def test_force_that_had_nothing_to_override_overrode_nothing():
    log = begun()
    log.accept("preflight", verdict="pass")
    assert log.accept("stage", to="dualwrite", force=True, reason="sure").overridden == ()


# Duplicates


def test_the_same_record_again_is_a_duplicate_whatever_became_of_it():
    log = walked("dualwrite")
    log.verdict("stage", to="live")  # rejected
    log.verdict("stage", to="shadow")  # held
    log.verdict("stage", to="dualwrite")  # unchanged
    log.verdict("stage", to="off", expected_version=0)  # stale
    log.verdict("stage", to="off", expires_at=1)  # expired
    log.verdict("stage", to="shadow", force=True)  # no reason
    before = log.state
    for one in list(log.records):
        folded = log.append(one.value)
        assert isinstance(folded.verdict, Rejected)
        assert folded.verdict.rejection is Rejection.DUPLICATE
    assert log.state == before


def test_an_id_is_taken_whatever_the_kind_is():
    log = begun()
    log.accept("preflight", id="x", verdict="pass")
    rejected(log, Rejection.DUPLICATE, kind="stage", id="x", to="dualwrite")


def test_what_could_not_be_read_takes_no_id():
    log = begun()
    log.verdict("stage", id="x", to="nowhere")
    assert isinstance(log.verdict("stage", id="x", to="dualwrite"), Held)


def test_ids_are_compared_letter_by_letter():
    log = begun()
    for name in ("x", "X", "x ", "é", "e\u0301"):
        assert isinstance(log.verdict("stage", id=name, to="dualwrite"), Held)


# Copies


def test_a_copy_goes_its_own_way():
    log = begun()
    copy = log.fold.copy()
    order = b'{"kind":"throttle","id":"x","by":"b","lane":"cloud","documents_per_second":1}'
    assert isinstance(copy.take(record(3, START + 9, order)).verdict, Accepted)
    assert copy.state != log.state
    assert (log.fold.offset, log.fold.time) == (2, START)
    assert isinstance(log.append(order).verdict, Accepted)  # its id is not taken here


def test_a_copy_asks_for_the_same_signatures():
    copy = Fold([b"k" * 16]).copy()
    verdict = copy.take(record(0, 0, b'{"kind":"reopen","id":"x","by":"b"}')).verdict
    assert isinstance(verdict, Rejected)
    assert verdict.rejection is Rejection.SIGNATURE


def test_offsets_may_have_holes():
    """Transaction markers take offsets of their own."""
    log = begun()
    order = b'{"kind":"throttle","id":"x","by":"b","lane":"cloud","documents_per_second":1}'
    assert log.fold.take(record(70, START, order)).version == 70
