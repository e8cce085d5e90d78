"""What the state means for reads: the routing, and which lanes may answer at all."""

from schemas import Stage
from streams.core.routing import Routing
from streams.migration.state import State

__all__ = ["reading_lanes", "routing_of"]

_ON_TARGET = (Stage.RAMPDOWN, Stage.COMPLETE)


def routing_of(state: State) -> Routing | None:
    """The flag as a value; None if no migration was defined yet."""
    migration = state.migration
    if migration is None:
        return None
    live = state.stage is Stage.LIVE
    percent = 100.0 if state.stage in _ON_TARGET else state.ramp.percent if live else 0.0
    return Routing(
        source=migration.source,
        target=migration.target,
        percent=percent,
        cohorts=state.ramp.cohorts if live else frozenset(),
        mirrored=state.stage in (Stage.SHADOW, Stage.LIVE),
        salt=migration.salt,
        version=state.version,
    )


def reading_lanes(state: State) -> frozenset[str]:
    """The lanes that may answer reads, also in place of each other.

    The target only from `live` on: before that nobody has agreed to its answers.
    """
    migration = state.migration
    if migration is None:
        return frozenset()
    if state.stage is Stage.COMPLETE:
        return frozenset({migration.target})
    if state.stage in (Stage.LIVE, Stage.RAMPDOWN):
        return frozenset({migration.source, migration.target})
    return frozenset({migration.source})
