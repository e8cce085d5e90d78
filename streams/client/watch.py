"""Word of what becomes of the flag: known, changed, out of date, lost.

`news` decides; `Watch` looks, in a thread of its own, whenever a control record is folded and
now and then besides. Knows nothing of who is told.
"""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from enum import StrEnum

from streams.core.routing import Routing
from streams.services.serving.control_view import ControlView

__all__ = ["News", "Seen", "Standing", "Watch", "look", "news"]

_FIRST_LOOKS_SECONDS = 0.02


class Standing(StrEnum):
    """What the flag's answers are worth."""

    UNKNOWN = "unknown"
    """The control log was not read to its end yet."""
    CURRENT = "current"
    """They are the newest."""
    STALE = "stale"
    """The control log was not reached for a while; the last state stays in force."""
    LOST = "lost"
    """The control log can not be followed any more; the last state stays in force, if any."""


class News(StrEnum):
    """What to tell."""

    STANDING = "standing"
    """The standing is another one."""
    ANSWERS = "answers"
    """Some askers get another answer."""


@dataclass(frozen=True, slots=True)
class Seen:
    """The flag at one look.

    Attributes:
        routing: without what changes nobody's answer; None if it is not known, or not defined.
        folded: whether the control log was read to its end once.
        age: seconds since its end was last seen.
        problem: why it can not be followed any more.
    """

    standing: Standing
    routing: Routing | None = None
    folded: bool = True
    age: float = 0.0
    problem: str | None = None


def look(control: ControlView, stale_after_seconds: float) -> Seen:
    """The flag now."""
    problem, folded, age = control.problem(), control.folded(), control.age()
    if problem is not None:
        standing = Standing.LOST
    elif not folded:
        standing = Standing.UNKNOWN
    else:
        standing = Standing.STALE if age > stale_after_seconds else Standing.CURRENT
    routing = control.routing() if folded else None
    if routing is not None:
        routing = replace(routing, mirrored=False, version=-1)
    return Seen(standing, routing, folded, age, problem)


def news(before: Seen, after: Seen) -> list[News]:
    """What is new; answers that only came to be known are none."""
    found = []
    if after.standing is not before.standing:
        found.append(News.STANDING)
    if after.routing != before.routing and before.standing is not Standing.UNKNOWN:
        found.append(News.ANSWERS)
    return found


class Watch:
    """Looks at a flag until it is stopped.

    Args:
        control: what to look at, from any thread.
        tell: told of all news, in the watch's thread.
        stale_after_seconds: from which age on answers are out of date.
        every_seconds: between two looks if no record is folded.
    """

    def __init__(
        self,
        control: ControlView,
        tell: Callable[[News, Seen], None],
        *,
        stale_after_seconds: float,
        every_seconds: float = 1.0,
    ) -> None:
        self._control = control
        self._tell = tell
        self._stale_after_seconds = stale_after_seconds
        self._every_seconds = every_seconds
        self._wake = threading.Event()
        self._stopping = threading.Event()
        self._leave = control.listen(lambda _folded: self._wake.set())
        self._thread: threading.Thread | None = None

    def begin(self, wait_seconds: float) -> Seen:
        """Wait until there is anything to look at, and go on looking from there.

        Returns what was seen last: of standing UNKNOWN if it took longer than `wait_seconds`,
        or the watch was stopped meanwhile. Anything else is taken for current by whoever began,
        so if it is not, the next look tells.
        """
        ends_at = time.monotonic() + wait_seconds
        seen = self._look()
        while seen.standing is Standing.UNKNOWN and time.monotonic() < ends_at:
            if self._stopping.wait(_FIRST_LOOKS_SECONDS):
                return seen
            seen = self._look()
        known = seen.standing is not Standing.UNKNOWN
        told = replace(seen, standing=Standing.CURRENT) if known else seen
        self._thread = threading.Thread(
            target=self._run, args=(told,), name="hotswap-watch", daemon=True
        )
        self._thread.start()
        return seen

    def stop(self) -> None:
        """Look no more; returns once the thread is gone."""
        self._leave()
        self._stopping.set()
        self._wake.set()
        if self._thread is not None and self._thread is not threading.current_thread():
            self._thread.join()

    def _run(self, seen: Seen) -> None:
        while True:
            self._wake.wait(self._every_seconds)
            self._wake.clear()
            if self._stopping.is_set():
                return
            before, seen = seen, self._look()
            for each in news(before, seen):
                self._tell(each, seen)

    def _look(self) -> Seen:
        return look(self._control, self._stale_after_seconds)
