"""What pause, resume, throttle and builds do once they are let through."""

from typing import Any

import pytest

from schemas import Canary
from streams.migration.verdicts import Accepted, Guard, Held, Rejected, Rejection, Unchanged
from streams.migration.writes import Rests, Works, work_of
from tests.unit.migration.log import DAY, Log, begun, walked


def test_a_paused_lane_rests_and_says_by_whom_and_why():
    log = walked("dualwrite")
    log.accept("pause", lane="ollama", reason="disk is full")
    assert work_of(log.state, "ollama") == Rests("paused by desk: disk is full")
    assert isinstance(work_of(log.state, "cloud"), Works)
    log.accept("resume", lane="ollama")
    assert work_of(log.state, "ollama") == Works(None)


def test_the_first_pause_counts():
    log = walked("dualwrite")
    log.accept("pause", lane="ollama")
    assert log.verdict("pause", lane="ollama", reason="other") == Unchanged(
        "lane ollama is paused by desk"
    )
    assert log.state.lanes["ollama"].paused == "by desk"


def test_what_is_not_paused_is_not_resumed():
    assert walked("off").verdict("resume", lane="cloud") == Unchanged("lane cloud is not paused")


def test_a_pause_and_a_throttle_outlast_a_change_of_stage():
    log = walked("dualwrite")
    log.accept("throttle", lane="ollama", documents_per_second=5)
    log.accept("pause", lane="ollama")
    log.accept("stage", to="off")
    assert work_of(log.state, "ollama") == Rests("stage off: lane ollama is not written")
    log.accept("preflight", verdict="pass")
    log.accept("stage", to="dualwrite")
    assert work_of(log.state, "ollama") == Rests("paused by desk")
    log.accept("resume", lane="ollama")
    assert work_of(log.state, "ollama") == Works(5)


def test_a_throttle_is_set_changed_and_taken_away():
    log = walked("dualwrite")
    for rate, effect in (
        (5, "lane ollama works at 5 documents/s"),
        (2.5, "lane ollama works at 2.5 documents/s"),
        (None, "lane ollama works as fast as it can"),
    ):
        order = {"lane": "ollama", "documents_per_second": rate}
        assert log.accept("throttle", **order).effect == effect
        assert work_of(log.state, "ollama") == Works(rate)
        assert log.verdict("throttle", **order) == Unchanged(effect)


@pytest.mark.parametrize(
    "order",
    [
        {"kind": "pause"},
        {"kind": "resume"},
        {"kind": "throttle", "documents_per_second": 1},
        {"kind": "build", "action": "promote", "build": 1},
        {"kind": "build", "action": "drop", "build": 1},
    ],
)
def test_a_lane_that_nobody_knows_gets_no_orders(order):
    expected = Rejected(Rejection.UNKNOWN_LANE, "there is no lane x; there are: cloud, ollama")
    assert begun().verdict(**order, lane="x") == expected
    assert Log().verdict(**order, lane="x") == Rejected(
        Rejection.UNKNOWN_LANE, "there is no lane x; there are: none"
    )


# Builds


def test_a_lane_s_first_build_serves_and_is_written_from_its_record_on():
    log = Log()
    assert isinstance(log.start("cloud"), Accepted)
    lane = log.state.lanes["cloud"]
    assert (lane.serving, lane.newest, lane.written_from, lane.serves_from) == (1, 1, 0, 0)
    assert lane.pinned.collection == "documents_cloud_1"
    assert not lane.fully_written
    assert log.state.version == 0


def test_a_lane_of_which_nobody_has_heard_does_not_work():
    assert work_of(begun().state, "third") == Rests("no build of lane third was ever started")


def test_of_two_that_start_the_same_build_the_first_counts():
    log = Log()
    log.start("cloud")
    before = log.state
    assert isinstance(log.start("cloud", by="other"), Unchanged)
    assert log.state == before


CANARIES = [Canary.of(text, [0.6, 0.8, *[0.0] * 6]).model_dump() for text in ("one", "two")]


def test_a_build_pins_what_its_model_makes_of_the_canaries():
    log = Log()
    assert isinstance(log.start("cloud", canaries=CANARIES), Accepted)
    pinned = log.state.lanes["cloud"].pinned.canaries
    assert [canary.text for canary in pinned] == ["one", "two"]
    assert pinned[0].numbers[:2] == pytest.approx([0.6, 0.8], abs=1e-3)


def test_a_build_from_before_there_were_canaries_is_one_without():
    log = Log()
    assert isinstance(log.start("cloud"), Accepted)
    assert log.state.lanes["cloud"].pinned.canaries == ()


@pytest.mark.parametrize(
    ("canaries", "why"),
    [
        ([Canary.of("one", [1.0]).model_dump()], "canary 'one' has 1 dimensions, not 8"),
        ([{"text": "one", "vector": "AAAA"}], "canaries.0.vector: 3 bytes"),
        ([{"text": "one", "vector": "AHw="}], "canaries.0.vector: is zero, or holds NaN"),
        ([{**CANARIES[0], "cosine": 1}], "canaries.0.cosine: Extra inputs"),
        (CANARIES * 5, "canaries: Tuple should have at most 8 items"),
        ("none", "canaries: Input should be a valid array"),
    ],
)
def test_a_build_whose_canaries_nothing_can_be_compared_with_is_rejected(canaries, why):
    log = Log()
    verdict = log.start("cloud", canaries=canaries)
    assert isinstance(verdict, Rejected)
    assert verdict.rejection is Rejection.UNREADABLE
    assert why in verdict.why
    assert log.state.lanes == {}


def test_a_further_build_stands_beside_the_one_that_serves():
    log = walked("live")
    log.start("ollama", 2)
    lane = log.state.lanes["ollama"]
    assert lane.serving == 1
    assert lane.builds[2].pinned.collection == "documents_ollama_2"
    assert lane.builds[2].since == len(log.records) - 1
    assert lane.fully_written  # the one that serves
    assert not lane.builds[2].proven


def test_a_build_is_promoted_once_it_is_proven():
    log = walked("live")
    log.start("ollama", 2)
    promote: dict[str, Any] = {"kind": "build", "action": "promote", "lane": "ollama", "build": 2}
    held = log.verdict(**promote, force=True, reason="test")
    assert isinstance(held, Held)
    assert held.guards == (Guard.PROVEN, Guard.VERIFIED)
    log.verify("ollama", 1)
    assert isinstance(log.verdict(**promote), Held)
    log.verify("ollama", 2, as_of=len(log.records) - 5)  # from before the build began
    assert isinstance(log.verdict(**promote), Held)
    log.verify("ollama", 2)
    assert log.accept(**promote).effect == "build 2 of ollama serves"
    lane = log.state.lanes["ollama"]
    assert (lane.serving, lane.serves_from) == (2, len(log.records) - 1)
    assert lane.fully_written
    assert log.verdict(**promote) == Unchanged("build 2 serves")


def test_the_way_back_to_a_build_that_has_served_needs_no_new_evidence():
    log = walked("live")
    log.start("ollama", 2)
    log.verify("ollama", 2)
    log.accept("build", action="promote", lane="ollama", build=2)
    log.wait(30 * DAY)  # the verify of build 1 counts no longer
    back: dict[str, Any] = {"kind": "build", "action": "promote", "lane": "ollama", "build": 1}
    assert log.accept(**back).effect == "build 1 of ollama serves"
    assert log.accept(**back | {"build": 2}).effect == "build 2 of ollama serves"


def test_there_is_no_way_back_to_a_build_that_has_lost_something():
    log = walked("live")
    log.start("ollama", 2)
    log.verify("ollama", 2)
    log.accept("build", action="promote", lane="ollama", build=2)
    log.verify("ollama", 1, verdict="different")
    held = log.verdict("build", action="promote", lane="ollama", build=1, force=True, reason="r")
    assert isinstance(held, Held)
    assert (held.guard, held.forcible) == (Guard.PROVEN, False)
    assert held.remedy == "run `hotswap verify ollama --build 1`"


def test_the_source_that_was_taken_at_its_word_is_a_way_back_too():
    log = walked("live")
    log.start("cloud", 2)
    log.verify("cloud", 2)
    log.accept("build", action="promote", lane="cloud", build=2)
    log.accept("build", action="promote", lane="cloud", build=1)
    assert log.state.lanes["cloud"].serving == 1


def test_a_verify_of_the_build_before_is_not_one_of_the_build_that_serves():
    log = walked("dualwrite")
    log.start("ollama", 2)
    log.verify("ollama", 2)
    log.accept("build", action="promote", lane="ollama", build=2)
    log.wait(DAY)
    log.verify("ollama", 1)
    held = log.verdict("stage", to="shadow")
    assert isinstance(held, Held)
    assert held.guards == (Guard.VERIFIED,)


def test_what_is_not_there_is_neither_promoted_nor_dropped():
    log = begun()
    assert log.verdict("build", action="promote", lane="cloud", build=2) == Rejected(
        Rejection.FORBIDDEN, "lane cloud has no build 2"
    )
    assert log.verdict("build", action="drop", lane="cloud", build=2) == Unchanged(
        "lane cloud has no build 2"
    )


def test_the_build_that_serves_is_not_dropped():
    assert begun().verdict("build", action="drop", lane="cloud", build=1) == Rejected(
        Rejection.FORBIDDEN, "build 1 serves: promote another one first"
    )


def test_a_dropped_build_is_forgotten_but_its_number_is_not():
    log = walked("dualwrite")
    log.start("ollama", 2)
    log.verify("ollama", 2)
    log.accept("build", action="drop", lane="ollama", build=2)
    assert set(log.state.lanes["ollama"].builds) == {1}
    assert "verify:ollama/2" not in log.state.evidence
    assert isinstance(log.start("ollama", 2), Unchanged)
    log.start("ollama", 3)
    assert set(log.state.lanes["ollama"].builds) == {1, 3}


def test_a_switched_off_lane_loses_the_proof_of_all_its_builds():
    log = walked("dualwrite")
    log.start("ollama", 2)
    for build in (1, 2):
        log.verify("ollama", build)
    log.accept("stage", to="off")
    assert not any(build.proven for build in log.state.lanes["ollama"].builds.values())
