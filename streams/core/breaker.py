"""A circuit breaker as a value: when to leave a failing lane alone, and when to look again.

    closed ──n errors in a row, or one deadline──► open ──cool-down──► half-open ──probe──► …

Nobody's request is the probe. The first probe may begin as soon as the breaker opens, so that
one slow answer costs the lane a moment and not a cool-down; after each probe that fails, the
next waits for the cool-down. Any success closes the breaker: it proves that the lane answers.

Knows no clock: every function is told the time, in seconds of any clock that never goes back.
"""

from dataclasses import dataclass, replace
from enum import StrEnum

__all__ = ["CLOSED", "Breaker", "Phase", "Rules", "failed", "phase", "probe_began", "succeeded"]


class Phase(StrEnum):
    """How a breaker stands."""

    CLOSED = "closed"
    """Requests go to the lane."""
    OPEN = "open"
    """Requests go elsewhere; it is too early for a probe, or one is under way."""
    HALF_OPEN = "half-open"
    """Requests go elsewhere; a probe may begin."""


@dataclass(frozen=True, slots=True)
class Rules:
    """Attributes: failures: errors in a row that open it. cool_down: seconds between probes."""

    failures: int
    cool_down: float


@dataclass(frozen=True, slots=True)
class Breaker:
    """One lane's breaker.

    Attributes:
        failures: errors in a row, while it is closed.
        probe_at: when the next probe may begin; None while it is closed.
        probing: whether a probe is under way.
    """

    failures: int = 0
    probe_at: float | None = None
    probing: bool = False


CLOSED = Breaker()


def phase(breaker: Breaker, now: float) -> Phase:
    """How the breaker stands at `now`."""
    if breaker.probe_at is None:
        return Phase.CLOSED
    early = now < breaker.probe_at
    return Phase.OPEN if early or breaker.probing else Phase.HALF_OPEN


def succeeded(breaker: Breaker, *, probe: bool = False) -> Breaker:
    """After an answer, to a request or to the probe."""
    return Breaker(probing=breaker.probing and not probe)


def failed(
    breaker: Breaker, rules: Rules, now: float, *, late: bool = False, probe: bool = False
) -> Breaker:
    """After a failure.

    Args:
        breaker: as it was.
        rules: when it opens, and for how long.
        now: the time.
        late: the lane did not answer in time, which somebody had to wait for.
        probe: it was the probe that failed, and no request.
    """
    after = replace(breaker, probing=breaker.probing and not probe)
    if breaker.probe_at is not None:
        # Requests that were under way when it opened change nothing.
        return replace(after, probe_at=now + rules.cool_down) if probe else after
    failures = breaker.failures + 1
    if late or failures >= rules.failures:
        return replace(after, failures=0, probe_at=now)
    return replace(after, failures=failures)


def probe_began(breaker: Breaker, now: float) -> Breaker:
    """After the start of a probe.

    Raises: ValueError unless the breaker is half-open.
    """
    if phase(breaker, now) is not Phase.HALF_OPEN:
        raise ValueError(f"no probe may begin while the breaker is {phase(breaker, now)}")
    return replace(breaker, probing=True)
