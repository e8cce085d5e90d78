"""How far the filling of a build is, how fast it goes, and what holds it up.

Decides nothing about when it is complete beyond the offsets: that takes a verify as well. Times
are seconds of any clock that only goes forward, unless they say otherwise. Knows no Kafka.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from schemas import WorkerReport, WorkerState

__all__ = [
    "HALF_LIFE_SECONDS",
    "Speed",
    "advanced",
    "behind",
    "hindrances",
    "living",
    "seconds_left",
]

HALF_LIFE_SECONDS: Final = 10.0
"""After so long, what was before counts for half: batches come in bursts."""


@dataclass(frozen=True, slots=True)
class Speed:
    """How fast a count grows.

    Attributes:
        at: when it was last looked at.
        done: the count then.
        per_second: smoothed; None until there were two looks.
    """

    at: float
    done: int
    per_second: float | None = None


def advanced(speed: Speed | None, at: float, done: int) -> Speed:
    """The speed after another look, smoothed exponentially over uneven steps.

    A count that falls (documents are deleted) counts as one that stands.
    """
    if speed is None:
        return Speed(at, done)
    seconds = at - speed.at
    if seconds <= 0:
        return speed
    now = max(0, done - speed.done) / seconds
    if speed.per_second is None:
        return Speed(at, done, now)
    kept = 0.5 ** (seconds / HALF_LIFE_SECONDS)
    return Speed(at, done, kept * speed.per_second + (1 - kept) * now)


_STANDS_STILL: Final = 1e-3


def seconds_left(remaining: int, per_second: float | None) -> float | None:
    """Time until nothing remains; None if that is not known, or nothing moves."""
    if remaining <= 0:
        return 0.0
    if per_second is None or per_second < _STANDS_STILL:
        return None
    return remaining / per_second


def behind(committed: Mapping[int, int], until: Mapping[int, int]) -> dict[int, int]:
    """Partition → offsets that a group has yet to do before `until`; without those it has done."""
    lag = {part: end - committed.get(part, 0) for part, end in until.items()}
    return {part: left for part, left in lag.items() if left > 0}


def living(
    reports: Iterable[WorkerReport], role: str, now_ms: int, silent_ms: int
) -> list[WorkerReport]:
    """The newest report of each worker of a role that has reported lately and did not stop.

    Args:
        reports: in the order in which they were written.
        role: whose workers.
        now_ms: the time, ms since the epoch.
        silent_ms: who has said nothing for longer is gone.
    """
    newest = {report.worker: report for report in reports if report.role == role}
    return [
        report
        for report in newest.values()
        if report.state is not WorkerState.STOPPED and now_ms - report.at <= silent_ms
    ]


def hindrances(workers: Iterable[WorkerReport]) -> tuple[str, ...]:
    """Why workers do not get on, each reason once, in the workers' words."""
    held = (WorkerState.STALLED, WorkerState.PAUSED)
    said = (
        f"{one.state}: {one.reason or 'no reason given'}" for one in workers if one.state in held
    )
    return tuple(dict.fromkeys(said))
