"""A limit per minute, kept to whatever calls turn out to take. Time is given, never asked.

Two rules, since nobody knows how a provider counts its minutes:

- The pace: never more than some seconds' worth ahead of an even rate, by what calls are likely
  to take.
- The minute: never more than the limit within any 60 seconds, by the most that calls can take.
  This one holds even where every guess is wrong.

A provider counts a call at some moment between its begin and its end. So while it is under way
both rules count it in full, and from its end on as what it took.
"""

from collections import deque
from typing import Final, NamedTuple

__all__ = ["Allowance", "Amount"]

_MINUTE_SECONDS: Final = 60.0
_NOTHING: Final = 1e-6
"""Of a second or of what is spent: sums of fractions never quite come out."""


class Amount(NamedTuple):
    """What a call takes of a limit, before it is known."""

    likely: float
    most: float


class Allowance:
    """So much a minute; see the module. Full at first.

    Args:
        per_minute: the limit.
        burst_seconds: how much of it may be ahead of an even rate.

    Times are in seconds, of any clock that does not run backwards.
    """

    def __init__(self, per_minute: float, burst_seconds: float) -> None:
        self._per_minute = per_minute
        self._burst_seconds = burst_seconds
        self._calls = 0  # that are under way, and what they take
        self._likely = 0.0
        self._most = 0.0
        self._ahead = 0.0  # of an even rate, by the calls that have ended
        self._at = 0.0
        self._ended: deque[tuple[float, float]] = deque()  # within a minute: when, what it took
        self._in_minute = 0.0

    def resize(self, per_minute: float, now: float) -> None:
        """Another limit from now on.

        What was spent still counts, and there is no burst at first: whoever is given another
        share does not know what others have spent of it.
        """
        self._forget(now)
        self._per_minute = per_minute
        self._ahead = max(self._ahead, self._burst)

    def wait(self, amount: Amount, now: float) -> float:
        """Seconds until a call of this amount may begin; 0 if it may now.

        Infinite if a call that is under way has to end first. A call that is larger than there is
        room for at any time waits for the whole room.
        """
        self._forget(now)
        seconds = max(self._until_in_pace(amount), self._until_room(amount, now))
        return seconds if seconds > _NOTHING else 0.0

    def begin(self, amount: Amount) -> None:
        """A call begins that `wait` has let through."""
        self._calls += 1
        self._likely += amount.likely
        self._most += amount.most

    def end(self, amount: Amount, took: float, now: float) -> None:
        """The call that began with `amount` has ended, and took so much."""
        self._forget(now)
        self._calls -= 1
        # A rest would stay for ever, and so would a large call wait.
        self._likely = self._likely - amount.likely if self._calls else 0.0
        self._most = self._most - amount.most if self._calls else 0.0
        self._ahead += took
        self._in_minute += took
        self._ended.append((now, took))

    @property
    def _burst(self) -> float:
        return self._per_minute * self._burst_seconds / _MINUTE_SECONDS

    def _until_in_pace(self, amount: Amount) -> float:
        room = self._burst - min(amount.likely, self._burst)
        if self._likely > room:
            return float("inf")
        excess = self._ahead - (room - self._likely)
        return max(0.0, excess) * _MINUTE_SECONDS / self._per_minute

    def _until_room(self, amount: Amount, now: float) -> float:
        """Until enough of what has ended is more than a minute old."""
        room = self._per_minute - min(amount.most, self._per_minute)
        left, moment = self._most + self._in_minute, now
        for ended, took in self._ended:
            if left <= room + _NOTHING:
                break
            left, moment = left - took, ended + _MINUTE_SECONDS
        return moment - now if left <= room + _NOTHING else float("inf")

    def _forget(self, now: float) -> None:
        """What is too long ago to count."""
        passed, self._at = now - self._at, now
        self._ahead = max(0.0, self._ahead - passed * self._per_minute / _MINUTE_SECONDS)
        while self._ended and self._ended[0][0] + _MINUTE_SECONDS <= now + _NOTHING:
            self._in_minute -= self._ended.popleft()[1]
        if not self._ended:
            self._in_minute = 0.0
