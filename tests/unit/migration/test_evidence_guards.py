"""Guards that ask for evidence, both ways, and what force may override of it.

Evidence that is missing, old, inconclusive or about something else may be overridden; evidence to
the contrary may not.
"""

import pytest

from streams.migration.verdicts import Guard, Held
from tests.unit.migration.asking import (
    COMPLETE,
    DUALWRITE,
    FORCED,
    LIVE,
    MORE,
    RAMPDOWN,
    SHADOW,
    asked,
)
from tests.unit.migration.log import DAY, WEEK, begun, walked

# Preflight


def test_a_preflight_that_passed_or_warned_lets_pass():
    for verdict in ("pass", "warn"):
        log = begun()
        log.accept("preflight", verdict=verdict)
        assert log.accept(**DUALWRITE).overridden == ()


def test_without_a_preflight_nothing_is_written_twice():
    asked(begun(), Guard.PREFLIGHT, "there is no preflight", **DUALWRITE)


def test_a_preflight_that_failed_is_not_overridden():
    log = begun()
    log.accept("preflight", verdict="pass")
    log.accept("preflight", verdict="fail")
    asked(log, Guard.PREFLIGHT, "failed", forcible=False, **DUALWRITE)
    log.accept("preflight", verdict="pass")
    log.accept(**DUALWRITE)


def test_evidence_expires_by_the_second_and_by_the_broker_s_clock():
    log = begun()
    log.accept("preflight", verdict="fail")
    log.wait(DAY - 1)
    assert isinstance(log.verdict(**DUALWRITE, **FORCED), Held)
    log.wait(0.999)
    assert isinstance(log.verdict(**DUALWRITE, **FORCED), Held)
    log.wait(0.001)
    asked(log, Guard.PREFLIGHT, "is 86,400 s old and counts for 86,400 s", **DUALWRITE)


def test_a_preflight_of_the_migration_before_does_not_count():
    log = begun()
    log.start("third")
    log.accept("preflight", verdict="fail")
    log.accept("migration", source="cloud", target="third", salt="salt")
    asked(log, Guard.PREFLIGHT, "from before the migration was defined", **DUALWRITE)


def test_another_policy_does_not_make_the_preflight_old():
    log = begun()
    log.accept("preflight", verdict="pass")
    log.define(policy={"health_samples": 7})
    log.accept(**DUALWRITE)


# Verified and proven


def test_a_clean_verify_after_the_writes_began_lets_pass():
    log = walked("dualwrite")
    log.verify()
    assert log.accept(**SHADOW).overridden == ()


def test_without_any_clean_verify_force_does_not_help():
    asked_for = walked("dualwrite").verdict(**SHADOW, **FORCED)
    assert isinstance(asked_for, Held)
    assert asked_for.guard is Guard.PROVEN
    assert asked_for.guards == (Guard.PROVEN, Guard.VERIFIED)
    assert not asked_for.forcible
    assert asked_for.remedy == "run `hotswap verify ollama`"


def test_a_verify_from_before_the_writes_began_proves_nothing():
    log = begun()
    log.accept("preflight", verdict="pass")
    known = len(log.records) - 1
    log.accept(**DUALWRITE)
    log.verify(as_of=known)
    assert not log.is_proven("ollama")
    assert isinstance(log.verdict(**SHADOW, **FORCED), Held)
    log.verify(as_of=known + 1)  # the record that began them
    assert log.is_proven("ollama")
    log.accept(**SHADOW)


def test_a_lane_that_was_switched_off_is_to_be_proven_anew():
    log = walked("dualwrite")
    log.verify()
    log.accept("stage", to="off")
    log.accept(**DUALWRITE)
    assert not log.is_proven("ollama")
    verdict = log.verdict(**SHADOW, **FORCED)
    assert isinstance(verdict, Held)
    assert verdict.guards == (Guard.PROVEN, Guard.VERIFIED)
    assert "never verified clean since its writes began" in verdict.why
    log.verify()
    log.accept(**SHADOW)


def test_an_old_clean_verify_may_be_overridden():
    log = walked("dualwrite")
    log.verify()
    log.wait(DAY)
    asked(log, Guard.VERIFIED, "counts for 86,400 s", **SHADOW)


def test_an_inconclusive_verify_after_a_clean_one_may_be_overridden():
    log = walked("dualwrite")
    log.verify()
    log.verify(verdict="inconclusive")
    asked(log, Guard.VERIFIED, "is inconclusive", **SHADOW)


def test_differences_after_a_clean_verify_may_not():
    log = walked("dualwrite")
    log.verify()
    log.verify(verdict="different", counts={"missing": 1})
    verdict = log.verdict(**SHADOW, **FORCED)
    assert isinstance(verdict, Held)
    assert verdict.guards == (Guard.PROVEN, Guard.VERIFIED)
    assert "found differences" in verdict.why
    log.wait(WEEK)
    assert isinstance(log.verdict(**SHADOW, **FORCED), Held)  # they do not expire
    log.verify()
    log.accept(**SHADOW)


def test_differences_hold_every_step_that_moves_reads_to_the_lane():
    for stage, order in (("shadow", LIVE), ("live", RAMPDOWN), ("rampdown", COMPLETE)):
        log = walked(stage)
        log.wait(WEEK)
        log.verify(verdict="different")
        verdict = log.verdict(**order, **FORCED)
        assert isinstance(verdict, Held)
        assert verdict.guard is Guard.PROVEN
    log = walked("live", percent=5)
    log.verify(verdict="different")
    log.health()
    asked(log, Guard.PROVEN, "found differences", forcible=False, **MORE)
    log.accept("ramp", percent=1)
    log.accept("rollback")


def test_a_verify_of_another_lane_or_build_proves_nothing():
    log = walked("dualwrite")
    log.start("ollama", 2)
    log.verify("cloud")
    log.verify("ollama", 2)
    verdict = log.verdict(**SHADOW)
    assert isinstance(verdict, Held)
    assert verdict.guards == (Guard.PROVEN, Guard.VERIFIED)


# Gate


def test_a_gate_lets_pass_only_if_it_was_successful():
    for verdict, why, forcible in (
        ("failed", "the newest gate failed", False),
        ("inconclusive", "the newest gate is inconclusive", True),
    ):
        log = walked("shadow")
        log.accept("gate", verdict="successful")
        log.accept("gate", verdict=verdict)
        asked(log, Guard.GATE, why, forcible=forcible, **LIVE)
    log = walked("shadow")
    log.accept("gate", verdict="failed")
    log.accept("gate", verdict="successful")
    assert log.accept(**LIVE).overridden == ()


def test_without_a_gate_only_force_goes_live():
    asked(walked("shadow"), Guard.GATE, "there is no gate", **LIVE)


def test_a_gate_of_an_earlier_dual_write_does_not_count():
    log = walked("shadow")
    log.accept("gate", verdict="successful")
    log.accept("rollback", to="off")
    log.accept(**DUALWRITE)
    log.verify()
    log.accept(**SHADOW)
    asked(log, Guard.GATE, "from before", **LIVE)


def test_a_gate_of_another_build_does_not_count():
    log = walked("shadow")
    log.start("ollama", 2)
    log.accept("gate", verdict="successful")
    log.verify("ollama", 2)
    log.accept("build", action="promote", lane="ollama", build=2)
    asked(log, Guard.GATE, "from before", **LIVE)
    again = walked("shadow")
    again.start("ollama", 2)
    again.accept("gate", verdict="successful")
    again.accept(**LIVE)


# Healthy


@pytest.mark.parametrize(
    ("evidence", "why", "forcible"),
    [
        ({"verdict": "unhealthy"}, "were unhealthy", False),
        ({"verdict": "unhealthy", "samples": 0}, "were unhealthy", False),
        ({"verdict": "inconclusive"}, "is inconclusive", True),
        ({"samples": 99}, "rests on 99 reads, 100 are asked for", True),
    ],
)
def test_only_enough_healthy_reads_raise_the_ramp(evidence, why, forcible):
    log = walked("live", percent=5)
    log.health(**evidence)
    asked(log, Guard.HEALTHY, why, forcible=forcible, **MORE)


def test_enough_is_enough():
    log = walked("live", percent=5)
    log.health(samples=100)
    assert log.accept(**MORE).overridden == ()


def test_every_step_up_asks_for_health_anew():
    log = walked("live", percent=5)
    asked(log, Guard.HEALTHY, "from before the last step", **MORE)


def test_a_step_down_leaves_the_evidence_as_good_as_it_was():
    log = walked("live", percent=50)
    log.health()
    log.accept("ramp", percent=10)
    log.accept(**MORE)


def test_health_of_before_a_rollback_speaks_neither_for_nor_against():
    log = walked("live", percent=5)
    log.health("unhealthy")
    log.accept("rollback")
    log.accept("gate", verdict="successful")
    log.accept(**LIVE)
    asked(log, Guard.HEALTHY, "from before the last step", **MORE)


def test_health_of_another_build_does_not_count():
    log = walked("live", percent=5)
    log.start("ollama", 2)
    log.verify("ollama", 2)
    log.health()
    log.accept("build", action="promote", lane="ollama", build=2)
    asked(log, Guard.HEALTHY, "of another build", **MORE)


def test_health_expires_sooner_than_other_evidence():
    log = walked("live", percent=5)
    log.health()
    log.wait(600)
    asked(log, Guard.HEALTHY, "counts for 600 s", **MORE)
