"""Orders that guards hold, and what is to be shown of each."""

from typing import Any

from streams.migration.verdicts import Accepted, Guard, Held
from tests.unit.migration.log import Log

FORCED: dict[str, Any] = {"force": True, "reason": "test"}


def asked(log: Log, guard: Guard, why: str, *, forcible: bool = True, **order) -> None:
    """The order is held by this guard alone, and force does what it should."""
    verdict = log.verdict(**order)
    assert isinstance(verdict, Held), verdict
    assert verdict.guards == (guard,)
    assert why in verdict.why
    assert verdict.forcible is forcible
    before = log.state
    forced = log.verdict(**order, **FORCED)
    if forcible:
        assert isinstance(forced, Accepted), forced
        assert forced.overridden == (guard,)
    else:
        assert isinstance(forced, Held), forced
        assert forced.guard is guard
        assert log.state == before


DUALWRITE: dict[str, Any] = {"kind": "stage", "to": "dualwrite"}
SHADOW: dict[str, Any] = {"kind": "stage", "to": "shadow"}
LIVE: dict[str, Any] = {"kind": "stage", "to": "live"}
RAMPDOWN: dict[str, Any] = {"kind": "stage", "to": "rampdown"}
COMPLETE: dict[str, Any] = {"kind": "stage", "to": "complete"}
MORE: dict[str, Any] = {"kind": "ramp", "percent": 50}
