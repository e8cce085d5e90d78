"""Whether the Debezium connector runs, and sends events that the normaliser understands."""

from collections.abc import Callable

from schemas.preflight import CheckResult
from streams.core.envelope.placeholder import PLACEHOLDER
from streams.core.preflight.facts import ConnectFacts
from streams.core.preflight.results import fail, ok, said, warn

__all__ = ["CONNECTOR_CHECKS", "CONNECT_CHECKS"]

_AREA = "connect"
_INIT = "run `hotswap init`"
_FORCE = "run `hotswap init --force`, which puts the configured connector in place"


def plugin(facts: ConnectFacts) -> CheckResult:
    """Whether Connect can run the connector at all."""
    if facts.plugin in facts.plugins:
        return ok(_AREA, "plugin", facts.plugin)
    return fail(
        _AREA,
        "plugin",
        f"Kafka Connect has no plugin {facts.plugin}",
        f"install it there; it has: {', '.join(sorted(facts.plugins)) or 'none at all'}",
    )


def running(facts: ConnectFacts) -> CheckResult:
    """Whether the connector and its tasks run."""
    if facts.found is None:
        return fail(_AREA, "running", f"there is no connector {facts.name}", _INIT)
    states = f"connector {facts.state or 'not started'}, tasks {', '.join(facts.tasks) or 'none'}"
    if facts.tasks and {facts.state, *facts.tasks} == {"RUNNING"}:
        return ok(_AREA, "running", states)
    why = f": {facts.problem}" if facts.problem else ""
    return fail(_AREA, "running", states + why, f"correct the cause, then {_FORCE}")


def as_configured(facts: ConnectFacts) -> CheckResult:
    """Whether the connector is the one that `hotswap init` would register."""
    if facts.drift is None:
        return ok(_AREA, "as configured", "what `hotswap init` would register")
    return fail(_AREA, "as configured", said(facts.drift), facts.drift.remedy)


def skipped_operations(facts: ConnectFacts) -> CheckResult:
    """Whether changes of every kind are sent."""
    # Debezium's own default skips truncates.
    value = (facts.found or {}).get("skipped.operations", "t")
    if value == "none":
        return ok(_AREA, "skipped.operations", "none")
    seen = f"{value}: changes of these kinds never arrive, and their rows stay as they were"
    return fail(_AREA, "skipped.operations", seen, _FORCE)


def tombstones(facts: ConnectFacts) -> CheckResult:
    """Whether a delete is followed by a tombstone."""
    value = (facts.found or {}).get("tombstones.on.delete", "true")
    if value.lower() == "true":
        return ok(_AREA, "tombstones.on.delete", "true")
    return warn(
        _AREA,
        "tombstones.on.delete",
        f"{value}: if the source's topic is ever compacted, deleted rows stay in it for ever",
        f'remove "tombstones.on.delete" from [connect.config], then {_FORCE}',
    )


def decimals(facts: ConnectFacts) -> CheckResult:
    """Whether decimal numbers arrive as they are written."""
    value = (facts.found or {}).get("decimal.handling.mode", "precise")
    if value == "string":
        return ok(_AREA, "decimal.handling.mode", "string")
    seen = f"{value}: numbers arrive as bytes or lose digits, and two keys may become one"
    return fail(_AREA, "decimal.handling.mode", seen, _FORCE)


def placeholder(facts: ConnectFacts) -> CheckResult:
    """Whether a value that Debezium does not have can be told from a text."""
    name = "unavailable.value.placeholder"
    value = (facts.found or {}).get(name, PLACEHOLDER)
    if value == PLACEHOLDER:
        return ok(_AREA, name, "Debezium's own")
    seen = f"{value}: a value that Debezium does not have would be embedded as if it were text"
    return fail(_AREA, name, seen, _FORCE)


CONNECT_CHECKS: tuple[Callable[[ConnectFacts], CheckResult], ...] = (plugin, running)
CONNECTOR_CHECKS: tuple[Callable[[ConnectFacts], CheckResult], ...] = (
    as_configured,
    skipped_operations,
    tombstones,
    decimals,
    placeholder,
)
"""For a connector that is registered."""
