"""Guards: what each step forward waits for, as functions of the state.

A guard answers None if it lets pass, otherwise why not and whether `force` may override that:
evidence that is missing, old or about something else it may; evidence to the contrary and
invariants it may not.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from schemas import Verdict
from schemas.evidence import (
    GateEvidence,
    GateVerdict,
    Health,
    HealthEvidence,
    PreflightEvidence,
    PreflightVerdict,
    VerifyEvidence,
)
from streams.migration.reads import reading_lanes
from streams.migration.situation import Hold, Situation
from streams.migration.state import Recorded, verify_key
from streams.migration.verdicts import Guard

__all__ = ["GUARDS", "GuardRule"]


@dataclass(frozen=True, slots=True)
class GuardRule:
    """One guard.

    Attributes:
        asks: what it asks for.
        remedy: what brings that about.
        holds: its function.
        contrary: what it does not let pass even under `force`, of what it may find.
        forcible: whether `force` overrides it at all.
        of_source: whether it is about the source lane, whatever the order is about.
    """

    asks: str
    remedy: str
    holds: Callable[[Situation], Hold | None]
    contrary: str = ""
    forcible: bool = True
    of_source: bool = False


def _found(on: Situation, key: str, seconds: int, what: str) -> Recorded | Hold:
    found = on.state.evidence.get(key)
    if found is None:
        return Hold(f"there is no {what}")
    age = (on.now - found.at) // 1000
    if age >= seconds:
        return Hold(f"the newest {what} is {age:,} s old and counts for {seconds:,} s")
    return found


def _preflight(on: Situation) -> Hold | None:
    found = _found(on, "preflight", on.policy.evidence_seconds, "preflight")
    if isinstance(found, Hold):
        return found
    preflight = found.evidence
    assert isinstance(preflight, PreflightEvidence)  # noqa: S101 - kept under its kind
    if preflight.as_of < on.state.defined_at:
        return Hold("the newest preflight is from before the migration was defined")
    if preflight.verdict is PreflightVerdict.FAIL:
        return Hold("the newest preflight failed", forcible=False)
    return None


def _verified(on: Situation) -> Hold | None:
    seconds = on.policy.evidence_seconds
    found = _found(on, verify_key(on.name, on.number), seconds, f"verify of {on.name}")
    if isinstance(found, Hold):
        return found
    verify = found.evidence
    assert isinstance(verify, VerifyEvidence)  # noqa: S101 - kept under its kind
    since = on.since
    if since is None:
        return Hold(f"lane {on.name} is not written")
    if verify.as_of < since:
        return Hold(f"the newest verify of {on.name} is from before its writes began")
    if verify.verdict is Verdict.DIFFERENT:
        return _different(on)
    if verify.verdict is Verdict.INCONCLUSIVE:
        return Hold(f"the newest verify of {on.name} is inconclusive")
    return None


def _proven(on: Situation) -> Hold | None:
    if on.since is None or on.build is None or not on.build.proven:
        why = f"lane {on.name} was never verified clean since its writes began"
        return Hold(why, forcible=False)
    # Whoever verifies clean and then not has lost something since.
    newest = on.state.evidence.get(verify_key(on.name, on.number))
    if newest is not None and newest.evidence.verdict is Verdict.DIFFERENT:
        return _different(on)
    return None


def _different(on: Situation) -> Hold:
    return Hold(f"the newest verify of {on.name} found differences", forcible=False)


def _gate(on: Situation) -> Hold | None:
    found = _found(on, "gate", on.policy.evidence_seconds, "gate")
    if isinstance(found, Hold):
        return found
    gate = found.evidence
    assert isinstance(gate, GateEvidence)  # noqa: S101 - kept under its kind
    if on.lane is None or on.since is None or gate.as_of < max(on.since, on.lane.serves_from):
        why = f"the newest gate is from before what lane {on.name} serves now was written"
        return Hold(why)
    if gate.verdict is GateVerdict.FAILED:
        return Hold("the newest gate failed", forcible=False)
    if gate.verdict is GateVerdict.INCONCLUSIVE:
        return Hold("the newest gate is inconclusive")
    return None


def _healthy(on: Situation) -> Hold | None:
    found = _found(on, "health", on.policy.health_seconds, "evidence of health")
    if isinstance(found, Hold):
        return found
    health = found.evidence
    assert isinstance(health, HealthEvidence)  # noqa: S101 - kept under its kind
    if health.as_of < on.state.ramp.raised_at:
        return Hold("the evidence of health is from before the last step of the ramp")
    if on.lane is not None and health.as_of < on.lane.serves_from:
        return Hold(f"the evidence of health is of another build of lane {on.name}")
    return _of_reads(health, on.policy.health_samples)


def _of_reads(health: HealthEvidence, samples: int) -> Hold | None:
    if health.verdict is Health.UNHEALTHY:
        return Hold("the last windows were unhealthy", forcible=False)
    if health.verdict is Health.INCONCLUSIVE:
        return Hold("the evidence of health is inconclusive")
    if health.samples < samples:
        return Hold(
            f"the evidence of health rests on {health.samples:,} reads, {samples:,} are asked for"
        )
    return None


def _full(on: Situation) -> Hold | None:
    percent = on.state.ramp.percent
    if percent < 100:  # noqa: PLR2004 - per cent
        return Hold(f"the ramp is at {percent:g} %", forcible=False)
    return None


def _full_hold(on: Situation) -> Hold | None:
    return _waiting(on.now - on.state.ramp.since, on.policy.full_hold_seconds, "at 100 %")


def _safety(on: Situation) -> Hold | None:
    return _waiting(on.now - on.state.stage_since, on.policy.safety_seconds, "in rampdown")


def _retire_hold(on: Situation) -> Hold | None:
    return _waiting(on.now - on.state.stage_since, on.policy.retire_hold_seconds, "complete")


def _waiting(milliseconds: int, seconds: int, what: str) -> Hold | None:
    passed = milliseconds // 1000
    return None if passed >= seconds else Hold(f"only {passed:,} s of {seconds:,} s {what}")


def _running(on: Situation) -> Hold | None:
    if on.lane is not None and on.lane.paused is not None:
        return Hold(f"lane {on.name} is paused {on.lane.paused}", forcible=False)
    return None


def _unread(on: Situation) -> Hold | None:
    if on.name in reading_lanes(on.state):
        return Hold(f"reads may be answered by lane {on.name}, and its answers would grow old")
    if on.state.reopened and _is_source(on):
        return Hold(f"lane {on.name} was reopened as the way back, and would fall behind")
    return None


def _is_source(on: Situation) -> bool:
    return on.state.migration is not None and on.name == on.state.migration.source


GUARDS: Mapping[Guard, GuardRule] = {
    Guard.PREFLIGHT: GuardRule(
        "a fresh preflight of this migration that did not fail",
        "run `hotswap preflight`",
        _preflight,
        contrary="a preflight that failed",
    ),
    Guard.VERIFIED: GuardRule(
        "a fresh clean verify of the lane, begun after its writes were",
        "run `hotswap verify {lane}`",
        _verified,
        contrary="a verify that found differences",
    ),
    Guard.PROVEN: GuardRule(
        "a clean verify of the lane since its writes began, however old, and none with"
        " differences after it",
        "run `hotswap verify {lane}`",
        _proven,
        forcible=False,
    ),
    Guard.GATE: GuardRule(
        "a fresh successful gate, begun after the lane's writes were",
        "run `hotswap gate`",
        _gate,
        contrary="a gate that failed",
    ),
    Guard.HEALTHY: GuardRule(
        "healthy reads of the target since the last step up, and enough of them",
        "wait; `hotswap operate` records how reads go",
        _healthy,
        contrary="unhealthy reads",
    ),
    Guard.FULL: GuardRule("the ramp at 100 %", "run `hotswap ramp 100`", _full, forcible=False),
    Guard.FULL_HOLD: GuardRule("the hold time at 100 %", "wait", _full_hold),
    Guard.SAFETY: GuardRule("the safety period in rampdown", "wait", _safety),
    Guard.RETIRE_HOLD: GuardRule("a further hold after complete", "wait", _retire_hold),
    Guard.SOURCE_PROVEN: GuardRule(
        "a reopened source lane, verified clean since and without differences after that",
        "run `hotswap reopen`, then `hotswap verify {lane}`",
        _proven,
        forcible=False,
        of_source=True,
    ),
    Guard.RUNNING: GuardRule(
        "a lane that is not paused", "run `hotswap resume {lane}`", _running, forcible=False
    ),
    Guard.UNREAD: GuardRule(
        "a lane that no read needs: not for answers, not as a stand-in, not as the way back",
        "roll back first, if it is the target; else override it, or throttle the lane instead",
        _unread,
    ),
}
