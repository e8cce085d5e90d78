"""Whether a lane's workers may work right now, and how fast: by the control log, and by queries."""

import asyncio
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Protocol

from streams.core.yielding import Calls
from streams.errors import LanePaused
from streams.migration.state import State
from streams.migration.writes import Rests, work_of

__all__ = ["Gate", "LaneGate", "OpenGate", "Pace"]

_LOOK_SECONDS = 0.2
_LONGEST_REST_SECONDS = 5.0
_NOTHING = 1e-6  # of a document: what is left of fractions never quite gets to zero


class Gate(Protocol):
    """Lets work pass, or not."""

    def rests(self) -> str | None:
        """Why there is to be no work; None if there is."""
        ...


class OpenGate:
    """For roles that always work."""

    def rests(self) -> str | None:
        """Never."""
        return None


class LaneGate:
    """The gate of one lane, or of one build of it.

    Args:
        state: gives the newest state of the control log.
        lane: whose workers these are.
        build: which build they fill; None: whichever there is.
    """

    def __init__(self, state: Callable[[], State], lane: str, build: int | None = None) -> None:
        self._state = state
        self._lane = lane
        self._build = build

    def rests(self) -> str | None:
        """Why there is to be no work: the lane's stage, a pause, or that the build was dropped."""
        if self.is_gone():
            return f"build {self._build} of lane {self._lane} was dropped"
        work = work_of(self._state(), self._lane)
        return work.why if isinstance(work, Rests) else None

    def is_gone(self) -> bool:
        """Whether the build was dropped: there will never be work for it again."""
        lane = self._state().lanes.get(self._lane)
        return lane is not None and self._build is not None and self._build not in lane.builds

    def builds(self) -> int:
        """How many builds of the lane are written, which share its provider; at least 1."""
        lane = self._state().lanes.get(self._lane)
        return max(1, len(lane.builds)) if lane is not None else 1

    def documents_per_second(self) -> float | None:
        """The lane's throttle, over all its workers; None: as fast as it can."""
        work = work_of(self._state(), self._lane)
        return None if isinstance(work, Rests) else work.documents_per_second

    def check(self) -> None:
        """Pass if the lane works.

        Raises: LanePaused.
        """
        why = self.rests()
        if why is not None:
            raise LanePaused(why)


class Pace:
    """Keeps one worker to its share of the lane's throttle, and lets queries go first.

    Both may change at any time.

    Args:
        rate: gives the lane's documents per second now; None: no throttle.
        clock: seconds.
        calls: gives how calls are to be made for the sake of queries; None: in any way.
    """

    def __init__(
        self,
        rate: Callable[[], float | None],
        clock: Callable[[], float] = time.monotonic,
        *,
        calls: Callable[[], Calls | None] = lambda: None,
    ) -> None:
        self._lane_rate = rate
        self._clock = clock
        self._calls = calls
        self._share = 1.0
        self._owed = 0.0  # documents that were let through ahead of their time
        self._looked_at = clock()
        self._rests_until = clock()

    def share(self, fraction: float) -> None:
        """Use this fraction (0 … 1) of the lane's rate from now on."""
        self._share = fraction

    def portion(self) -> int | None:
        """The most documents to ask for at a time, about a second's worth; None: any number."""
        rate = self._rate()
        return None if rate is None else max(1, int(rate))

    def inputs(self) -> int | None:
        """The most texts in the next call, so that queries do not wait long; None: any number."""
        calls = self._calls()
        return None if calls is None else calls.inputs

    @contextmanager
    def call(self) -> Iterator[None]:
        """A call is made within the block: how long it takes is how long to rest after it."""
        began = self._clock()
        yield
        ended = self._clock()
        rest = min(ended - began, _LONGEST_REST_SECONDS)
        self._rests_until = max(self._rests_until, ended + rest)

    async def spend(self, documents: int, check: Callable[[], None]) -> None:
        """Wait until so many documents may go; `check` is called while waiting, and may raise."""
        await self._rest(check)
        while True:
            rate, now = self._rate(), self._clock()
            passed, self._looked_at = now - self._looked_at, now
            if rate is None:
                self._owed = 0.0
                return
            self._owed = max(0.0, self._owed - passed * rate)
            if self._owed < _NOTHING:
                self._owed = float(documents)
                return
            await asyncio.sleep(min(self._owed / rate, _LOOK_SECONDS))
            check()

    async def _rest(self, check: Callable[[], None]) -> None:
        """Leave the embedder to queries for as long as the last call had it, if they need it."""
        while (left := self._rests_until - self._clock()) > 0:
            calls = self._calls()
            if calls is None or not calls.rests:
                return
            await asyncio.sleep(min(left, _LOOK_SECONDS))
            check()

    def _rate(self) -> float | None:
        rate = self._lane_rate()
        return None if rate is None or self._share <= 0 else rate * self._share
