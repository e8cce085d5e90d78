"""The table of the migration: in each stage, what becomes of each order.

The one truth about transitions. `ops/migration-states.md` is printed from it. What an order
does once it is let through stands in `proposals`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from schemas import Stage
from streams.migration.verdicts import Guard

__all__ = ["TABLE", "Effect", "Order", "Rule", "stage_order"]


class Order(StrEnum):
    """What a command asks for, as far as the table tells orders apart."""

    STAGE_OFF = "stage off"
    STAGE_DUALWRITE = "stage dualwrite"
    STAGE_SHADOW = "stage shadow"
    STAGE_LIVE = "stage live"
    STAGE_RAMPDOWN = "stage rampdown"
    STAGE_COMPLETE = "stage complete"
    RAMP_UP = "ramp up"
    RAMP_DOWN = "ramp down"
    ROLLBACK = "rollback"
    REOPEN = "reopen"
    RETIRE = "retire"
    PAUSE = "pause"
    RESUME = "resume"
    THROTTLE = "throttle"
    BUILD_START = "build start"
    BUILD_PROMOTE = "build promote"
    BUILD_RETURN = "build return"
    BUILD_DROP = "build drop"
    AUTOPILOT = "autopilot"
    MIGRATION = "migration"


class Effect(StrEnum):
    """What becomes of an order that meets a rule."""

    PASS = "pass"  # noqa: S105 - no password
    ALREADY = "already"
    NEVER = "never"


@dataclass(frozen=True, slots=True)
class Rule:
    """One cell of the table: an order passes if all its guards let it.

    Guards that `force` can not override stand first, since the first that holds is named.
    """

    effect: Effect = Effect.PASS
    guards: tuple[Guard, ...] = ()
    why: str = ""


_STAGE_ORDERS: Mapping[Stage, Order] = {stage: Order(f"stage {stage}") for stage in Stage}


def stage_order(stage: Stage) -> Order:
    """The order to go to a stage."""
    return _STAGE_ORDERS[stage]


_FREE = Rule()


def _needs(*guards: Guard) -> Rule:
    return Rule(guards=guards)


def _never(why: str) -> Rule:
    return Rule(Effect.NEVER, why=why)


def _already(why: str) -> Rule:
    return Rule(Effect.ALREADY, why=why)


_ALWAYS: Mapping[Order, Rule] = {
    Order.PAUSE: _needs(Guard.UNREAD),
    Order.RESUME: _FREE,
    Order.THROTTLE: _FREE,
    Order.BUILD_START: _FREE,
    Order.BUILD_PROMOTE: _needs(Guard.PROVEN, Guard.VERIFIED),
    Order.BUILD_RETURN: _needs(Guard.PROVEN),
    Order.BUILD_DROP: _FREE,
    Order.AUTOPILOT: _FREE,
    Order.MIGRATION: _FREE,
}
_NOT_LIVE = _never("reads go by the ramp only in stage live")
_NOT_COMPLETE: Mapping[Order, Rule] = {
    Order.REOPEN: _already("the source lane is written"),
    Order.RETIRE: _never("a lane is retired only in stage complete"),
}
_ON_SOURCE = _already("all reads are on the source lane")
_BACK_FROM_COMPLETE = _needs(Guard.SOURCE_PROVEN)


def _row(stage: Stage, cells: Mapping[Order, Rule]) -> Mapping[Order, Rule]:
    """A stage's cells. Stages that are not named lie more than one step ahead."""
    stages = list(Stage)
    place = stages.index(stage)
    ahead = {
        stage_order(later): _never(f"one stage at a time: {stages[place + 1]} is next")
        for later in stages[place + 2 :]
    }
    here = {stage_order(stage): _already(f"the stage is {stage}")}
    return {**_ALWAYS, **ahead, **here, **cells}


TABLE: Mapping[Stage, Mapping[Order, Rule]] = {
    Stage.OFF: _row(
        Stage.OFF,
        {
            Order.STAGE_DUALWRITE: _needs(Guard.PREFLIGHT),
            Order.RAMP_UP: _NOT_LIVE,
            Order.RAMP_DOWN: _NOT_LIVE,
            Order.ROLLBACK: _ON_SOURCE,
            **_NOT_COMPLETE,
        },
    ),
    Stage.DUALWRITE: _row(
        Stage.DUALWRITE,
        {
            Order.STAGE_OFF: _FREE,
            Order.STAGE_SHADOW: _needs(Guard.PROVEN, Guard.RUNNING, Guard.VERIFIED),
            Order.RAMP_UP: _NOT_LIVE,
            Order.RAMP_DOWN: _NOT_LIVE,
            Order.ROLLBACK: _FREE,
            **_NOT_COMPLETE,
        },
    ),
    Stage.SHADOW: _row(
        Stage.SHADOW,
        {
            Order.STAGE_OFF: _FREE,
            Order.STAGE_DUALWRITE: _FREE,
            Order.STAGE_LIVE: _needs(Guard.PROVEN, Guard.RUNNING, Guard.GATE),
            Order.RAMP_UP: _NOT_LIVE,
            Order.RAMP_DOWN: _NOT_LIVE,
            Order.ROLLBACK: _FREE,
            **_NOT_COMPLETE,
        },
    ),
    Stage.LIVE: _row(
        Stage.LIVE,
        {
            Order.STAGE_OFF: _FREE,
            Order.STAGE_DUALWRITE: _FREE,
            Order.STAGE_SHADOW: _FREE,
            Order.STAGE_RAMPDOWN: _needs(Guard.PROVEN, Guard.RUNNING, Guard.FULL, Guard.FULL_HOLD),
            Order.RAMP_UP: _needs(Guard.PROVEN, Guard.RUNNING, Guard.HEALTHY),
            Order.RAMP_DOWN: _FREE,
            Order.ROLLBACK: _FREE,
            **_NOT_COMPLETE,
        },
    ),
    Stage.RAMPDOWN: _row(
        Stage.RAMPDOWN,
        {
            Order.STAGE_OFF: _FREE,
            Order.STAGE_DUALWRITE: _FREE,
            Order.STAGE_SHADOW: _FREE,
            Order.STAGE_LIVE: _FREE,
            Order.STAGE_COMPLETE: _needs(Guard.PROVEN, Guard.RUNNING, Guard.SAFETY, Guard.VERIFIED),
            Order.RAMP_UP: _already("all reads are on the target lane"),
            Order.RAMP_DOWN: _never("go back to stage live first, or roll back"),
            Order.ROLLBACK: _FREE,
            **_NOT_COMPLETE,
        },
    ),
    Stage.COMPLETE: _row(
        Stage.COMPLETE,
        {
            Order.STAGE_OFF: _BACK_FROM_COMPLETE,
            Order.STAGE_DUALWRITE: _BACK_FROM_COMPLETE,
            Order.STAGE_SHADOW: _BACK_FROM_COMPLETE,
            Order.STAGE_LIVE: _BACK_FROM_COMPLETE,
            Order.STAGE_RAMPDOWN: _BACK_FROM_COMPLETE,
            Order.RAMP_UP: _already("all reads are on the target lane"),
            Order.RAMP_DOWN: _never("reopen the source lane, then go back to stage live"),
            Order.ROLLBACK: _BACK_FROM_COMPLETE,
            Order.REOPEN: _FREE,
            Order.RETIRE: _needs(Guard.PROVEN, Guard.RUNNING, Guard.RETIRE_HOLD, Guard.VERIFIED),
        },
    ),
}
