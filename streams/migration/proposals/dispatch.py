"""Which function proposes for which kind of command: a new kind gets its line here."""

from collections.abc import Callable, Mapping
from typing import Any

from schemas import (
    Autopilot,
    BuildDropped,
    BuildPromoted,
    BuildStarted,
    Command,
    ControlRecord,
    FlagSet,
    GateEvidence,
    HealthEvidence,
    MigrationDefined,
    Pause,
    PreflightEvidence,
    RampSet,
    Reopen,
    Resume,
    Retire,
    Rollback,
    SourceTruncated,
    StageSet,
    Throttle,
    VerifyEvidence,
)
from streams.migration.proposals.builds import drop, promote, start
from streams.migration.proposals.definition import autopilot, define
from streams.migration.proposals.lanes import pause, resume, throttle
from streams.migration.proposals.proposal import Answer, Place
from streams.migration.proposals.recorded import record, truncate
from streams.migration.proposals.stages import flag, ramp, reopen, retire, rollback, stage
from streams.migration.state import State

__all__ = ["propose"]


def propose(state: State, command: ControlRecord, at: Place) -> Answer:
    """What `command` would do at this place of the log."""
    return _PROPOSERS[type(command)](state, command, at)


_PROPOSERS: Mapping[type[Command], Callable[[State, Any, Place], Answer]] = {
    StageSet: stage,
    RampSet: ramp,
    FlagSet: flag,
    Rollback: rollback,
    Reopen: reopen,
    Retire: retire,
    Pause: pause,
    Resume: resume,
    Throttle: throttle,
    BuildStarted: start,
    BuildPromoted: promote,
    BuildDropped: drop,
    MigrationDefined: define,
    Autopilot: autopilot,
    SourceTruncated: truncate,
    PreflightEvidence: record,
    VerifyEvidence: record,
    GateEvidence: record,
    HealthEvidence: record,
}
