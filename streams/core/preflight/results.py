"""Short ways to say what a check found."""

from schemas.evidence import PreflightVerdict
from schemas.preflight import CheckResult
from streams.core.preflight.facts import Drift, Unreachable

__all__ = ["fail", "ok", "said", "unreachable", "warn", "worst"]

_SHOWN = 6
"""Differences that are told one by one."""


def ok(area: str, check: str, seen: str) -> CheckResult:
    """It is as it should be."""
    return CheckResult(area=area, check=check, outcome=PreflightVerdict.PASS, seen=seen)


def warn(area: str, check: str, seen: str, remedy: str) -> CheckResult:
    """It works, and may hurt."""
    return CheckResult(
        area=area, check=check, outcome=PreflightVerdict.WARN, seen=seen, remedy=remedy
    )


def fail(area: str, check: str, seen: str, remedy: str) -> CheckResult:
    """It must be put right before both lanes are written."""
    return CheckResult(
        area=area, check=check, outcome=PreflightVerdict.FAIL, seen=seen, remedy=remedy
    )


def unreachable(area: str, check: str, fact: Unreachable) -> CheckResult:
    """It could not be looked at, which is no good sign."""
    remedy = fact.remedy or "bring it back, or correct its address, then run it again"
    return fail(area, check, fact.error, remedy)


def said(drift: Drift) -> str:
    """Differences in words."""
    listed = [
        f"{name} is {_word(found)}, should be {_word(wanted)}"
        for name, (wanted, found) in list(drift.differences.items())[:_SHOWN]
    ]
    left = len(drift.differences) - len(listed)
    return "; ".join(listed) + (f"; and {left} more" if left else "")


def worst(outcomes: list[PreflightVerdict]) -> PreflightVerdict:
    """The gravest outcome; fail if there is none, since nothing was looked at then."""
    for verdict in (PreflightVerdict.FAIL, PreflightVerdict.WARN):
        if verdict in outcomes:
            return verdict
    return PreflightVerdict.PASS if outcomes else PreflightVerdict.FAIL


def _word(value: object) -> str:
    return "not set" if value is None else str(value)
