"""What the fold says to a record, always with its reason."""

from enum import StrEnum
from typing import NamedTuple

__all__ = ["Accepted", "Guard", "Held", "Rejected", "Rejection", "Unchanged", "Verdict"]


class Guard(StrEnum):
    """What a step forward waits for."""

    PREFLIGHT = "preflight"
    VERIFIED = "verified"
    PROVEN = "proven"
    GATE = "gate"
    HEALTHY = "healthy"
    FULL = "full"
    FULL_HOLD = "full-hold"
    SAFETY = "safety"
    RETIRE_HOLD = "retire-hold"
    SOURCE_PROVEN = "source-proven"
    RUNNING = "running"
    UNREAD = "unread"


class Rejection(StrEnum):
    """Why a record is no order at all, or not a possible one."""

    UNREADABLE = "unreadable"
    TOO_LARGE = "too-large"
    SIGNATURE = "signature"
    DUPLICATE = "duplicate"
    EXPIRED = "expired"
    STALE = "stale-version"
    NO_REASON = "no-reason"
    UNKNOWN_LANE = "unknown-lane"
    UNDEFINED = "no-migration"
    FORBIDDEN = "forbidden"


class Accepted(NamedTuple):
    """The record has this effect.

    Attributes:
        effect: in a few words.
        overridden: guards that would have held it, had it not been forced.
    """

    effect: str
    overridden: tuple[Guard, ...] = ()


class Unchanged(NamedTuple):
    """What the record asks for is so already."""

    why: str


class Held(NamedTuple):
    """The step is possible, but not yet.

    Attributes:
        guard: the first that holds it.
        why: what it waits for.
        remedy: what to do.
        forcible: whether `force` would override all that hold it.
        guards: all that hold it.
    """

    guard: Guard
    why: str
    remedy: str
    forcible: bool
    guards: tuple[Guard, ...] = ()


class Rejected(NamedTuple):
    """The record has no effect, and sending it again changes nothing about that."""

    rejection: Rejection
    why: str


Verdict = Accepted | Unchanged | Held | Rejected
