"""A record of the control log in a few words, such as `ramp 10 % and cohorts staff`."""

from schemas import (
    Autopilot,
    BuildDropped,
    BuildPromoted,
    BuildStarted,
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
from streams.services.state_words import percent, plan_in_words

__all__ = ["in_words"]


def in_words(command: ControlRecord) -> str:  # noqa: C901, PLR0911, PLR0912 - a line for each kind
    """What the record asks for, or states; who gave it and why are left out."""
    match command:
        case StageSet():
            return f"stage {command.to}"
        case RampSet():
            return f"ramp {_ramp(command)}"
        case Rollback():
            return f"rollback to {command.to}"
        case FlagSet(value=bool()):
            return f"flag {str(command.value).lower()}"
        case FlagSet():
            return f"flag {percent(command.value)}"
        case Pause() | Resume() | Retire():
            return f"{command.kind} {command.lane}"
        case Throttle(documents_per_second=None):
            return f"throttle {command.lane} off"
        case Throttle():
            return f"throttle {command.lane} {command.documents_per_second:g} documents/s"
        case BuildStarted() | BuildPromoted() | BuildDropped():
            return f"build {command.action} {command.lane}/{command.build}"
        case Autopilot():
            plan = "" if command.plan is None else f": {plan_in_words(tuple(command.plan))}"
            return f"autopilot {'on' if command.on else 'off'}{plan}"
        case Reopen():
            return "reopen"
        case MigrationDefined():
            return f"migration from {command.source} to {command.target}"
        case SourceTruncated():
            return f"truncate {command.source} at {command.position}"
        case VerifyEvidence():
            return f"verify {command.lane}/{command.build}: {command.verdict}"
        case HealthEvidence():
            return f"health: {command.verdict}, {command.samples:,} reads"
        case PreflightEvidence() | GateEvidence():
            return f"{command.kind}: {command.verdict}"


def _ramp(command: RampSet) -> str:
    words = [] if command.percent is None else [percent(command.percent)]
    if command.cohorts is not None:
        named = ", ".join(sorted(command.cohorts))
        words.append(f"cohorts {named}" if named else "no cohorts")
    return " and ".join(words)
