"""A breaker for each lane, and the probes that close it again. No request is ever the probe.

When a breaker opens and closes is decided by `streams.core.breaker`.
"""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Iterable
from types import TracebackType
from typing import Self

from streams.core import breaker as rule
from streams.core.breaker import CLOSED, Breaker, Phase, Rules
from streams.errors import HotswapError

__all__ = ["Breakers"]

_log = logging.getLogger(__name__)


class Breakers:
    """The breakers of some lanes; leave the context to end the probes.

    Args:
        lanes: their names.
        rules: when a breaker opens, and for how long.
        probe: asks a lane for an answer; raises HotswapError or TimeoutError if there is none.
        clock: seconds.
        sleep: waits that many seconds of `clock`.
    """

    def __init__(
        self,
        lanes: Iterable[str],
        rules: Rules,
        probe: Callable[[str], Awaitable[None]],
        *,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._breakers: dict[str, Breaker] = dict.fromkeys(lanes, CLOSED)
        self._rules = rules
        self._probe = probe
        self._clock = clock
        self._sleep = sleep
        self._recovering: dict[str, asyncio.Task[None]] = {}

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        tasks = list(self._recovering.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def closed(self, lane: str) -> bool:
        """Whether requests may go to the lane."""
        return self.phase(lane) is Phase.CLOSED

    def phase(self, lane: str) -> Phase:
        """How the lane's breaker stands; closed for a lane that is not known."""
        return rule.phase(self._breakers.get(lane, CLOSED), self._clock())

    def succeeded(self, lane: str) -> None:
        """A request was answered by the lane."""
        self._set(lane, rule.succeeded(self._breakers.get(lane, CLOSED)))

    def failed(self, lane: str, why: str, *, late: bool) -> None:
        """A request was not. `late`: somebody waited for it until the deadline."""
        before = self._breakers.get(lane, CLOSED)
        after = rule.failed(before, self._rules, self._clock(), late=late)
        self._set(lane, after)
        if before.probe_at is None and after.probe_at is not None:
            _log.warning("lane %s is left alone until it works again: %s", lane, why)
        if after.probe_at is not None and lane not in self._recovering:
            self._recovering[lane] = asyncio.create_task(self._recover(lane))

    def renewed(self, lane: str) -> None:
        """The lane is read from another build: what the one before did says nothing about it."""
        if lane in self._breakers:
            self._set(lane, CLOSED)

    def _set(self, lane: str, after: Breaker) -> None:
        before = self._breakers.get(lane, CLOSED)
        self._breakers[lane] = after
        if before.probe_at is not None and after.probe_at is None:
            _log.warning("lane %s answers again", lane)

    async def _recover(self, lane: str) -> None:
        """Probe the lane until its breaker is closed."""
        try:
            while (probe_at := self._breakers[lane].probe_at) is not None:
                wait = probe_at - self._clock()
                if wait > 0:
                    await self._sleep(wait)
                else:
                    await self._probe_once(lane)
        finally:
            del self._recovering[lane]

    async def _probe_once(self, lane: str) -> None:
        self._breakers[lane] = rule.probe_began(self._breakers[lane], self._clock())
        try:
            await self._probe(lane)
        except (HotswapError, TimeoutError) as error:
            _log.info("lane %s still does not answer: %s", lane, repr(error))
        except Exception:  # noqa: BLE001 - or the lane would never be looked at again
            _log.exception("looking at lane %s met with a defect", lane)
        else:
            self._set(lane, rule.succeeded(self._breakers[lane], probe=True))
            return
        now = self._clock()
        self._set(lane, rule.failed(self._breakers[lane], self._rules, now, probe=True))
