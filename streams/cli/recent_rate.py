"""How fast a count grows just now, whatever becomes of its total.

Rich has a rate of its own, and forgets it each time the total changes. Knows no clock: times are
seconds of any clock that only goes forward.
"""

from collections import deque
from typing import Final, NamedTuple

__all__ = ["RecentRate"]

_WINDOW_SECONDS: Final = 10.0
"""Long enough for work that comes in batches, short enough to follow a change."""
_STEP_SECONDS: Final = 0.1
"""Looks that come sooner after one another are one."""


class _Look(NamedTuple):
    at: float
    done: float


class RecentRate:
    """The mean rate over the last ten seconds, or between the last two looks if they are rarer."""

    def __init__(self) -> None:
        self._looks: deque[_Look] = deque()
        self._window: tuple[_Look, _Look] | None = None

    def note(self, at: float, done: float) -> None:
        """Take a look into account; a count that falls begins anew."""
        looks = self._looks
        if looks and done < looks[-1].done:
            looks.clear()
        if len(looks) > 1 and at - looks[-2].at < _STEP_SECONDS:
            looks.pop()
        looks.append(_Look(at, done))
        while len(looks) > 2 and at - looks[1].at >= _WINDOW_SECONDS:  # noqa: PLR2004 - a rate takes two
            looks.popleft()
        # Assigned at once, since a bar is drawn by another thread.
        self._window = (looks[0], looks[-1])

    def per_second(self, at: float) -> float | None:
        """The rate as of now; None until there were two looks at different times.

        That nothing has come for a while counts once it is longer than the window.
        """
        if self._window is None:
            return None
        first, last = self._window
        seconds = max(last.at - first.at, at - last.at)
        return None if first is last or not seconds else (last.done - first.done) / seconds
