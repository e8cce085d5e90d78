"""How searches go, lane by lane, in windows of about a second.

A search only leaves a note here, and waits for nothing. Whoever wants to know how queries do by
now, such as a lane that shares its embedder with them, reads the windows on `observations`.
"""

import asyncio
import time
import uuid
from collections import Counter, deque
from collections.abc import Callable
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self

from schemas import Spread, Why, WindowObservation
from streams.core.criteria.estimates import percentile
from streams.services.serving.lane import Trace, milliseconds

__all__ = ["Windows"]

_MOST_TIMES = 10_000
"""Times that a window keeps; of more, the last ones."""


def _now_ms() -> int:
    return time.time_ns() // 1_000_000


def _times() -> deque[float]:
    return deque(maxlen=_MOST_TIMES)


@dataclass(slots=True)
class _Window:
    searches: int = 0
    failures: Counter[Why] = field(default_factory=Counter)
    embed_seconds: deque[float] = field(default_factory=_times)
    search_seconds: deque[float] = field(default_factory=_times)


class Windows:
    """Notes on searches, published while the `async with` block runs and at its end.

    Args:
        publish: takes each window when it has ended, at once.
        every_seconds: how long a window is.
        clock: seconds.
        now_ms: the time, ms since the epoch.
    """

    def __init__(
        self,
        publish: Callable[[WindowObservation], None],
        *,
        every_seconds: float = 1.0,
        clock: Callable[[], float] = time.monotonic,
        now_ms: Callable[[], int] = _now_ms,
    ) -> None:
        self._publish = publish
        self._every_seconds = every_seconds
        self._clock = clock
        self._now_ms = now_ms
        self._process = f"serve-{uuid.uuid4().hex[:8]}"
        self._began = clock()
        self._windows: dict[tuple[str, int | None], _Window] = {}

    async def __aenter__(self) -> Self:
        self._began = self._clock()
        self._task = asyncio.create_task(self._run())
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)
        self.end()

    def note(self, trace: Trace, failure: Why | None = None) -> None:
        """One search of one lane: answered, or why it was not."""
        build = None if trace.build is None else trace.build.build
        window = self._windows.setdefault((trace.lane, build), _Window())
        window.searches += 1
        if failure is not None:
            window.failures[failure] += 1
        if trace.embed_seconds is not None and not trace.cached:
            window.embed_seconds.append(trace.embed_seconds)
        if trace.search_seconds is not None:
            window.search_seconds.append(trace.search_seconds)

    def end(self) -> None:
        """Publish what was noted, and begin the next window."""
        windows, self._windows = self._windows, {}
        now = self._clock()
        seconds, self._began = now - self._began, now
        for (lane, build), window in windows.items():
            self._publish(
                WindowObservation(
                    at=self._now_ms(),
                    seconds=round(seconds, 3),
                    process=self._process,
                    lane=lane,
                    build=build,
                    searches=window.searches,
                    failures=dict(window.failures),
                    embed=_spread(window.embed_seconds),
                    search=_spread(window.search_seconds),
                )
            )

    async def _run(self) -> None:
        while True:
            await asyncio.sleep(self._every_seconds)
            self.end()


def _spread(seconds: deque[float]) -> Spread | None:
    if not seconds:
        return None
    p50, p95, worst = (
        milliseconds(percentile(seconds, per_cent)) or 0.0 for per_cent in (50, 95, 100)
    )
    return Spread(count=len(seconds), p50_ms=p50, p95_ms=p95, worst_ms=worst)
