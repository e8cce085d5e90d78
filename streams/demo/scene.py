"""What every chapter of the demo works with, and how it waits."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from streams.config import Settings
from streams.demo.database import Application
from streams.demo.screen import Screen
from streams.demo.terminal import Terminal
from streams.errors import TransientError
from streams.ports import Embedder, Log, VectorStore
from streams.services.control import ControlLog
from streams.services.lag import lag_of_role

__all__ = ["Scene"]

_PATIENCE_SECONDS = 300.0
_LOOK_SECONDS = 0.25


@dataclass(frozen=True, slots=True)
class Scene:
    """A demo that is under way.

    Attributes:
        source: the lane that reads come from.
        target: the lane that reads go to.
    """

    screen: Screen
    terminal: Terminal
    settings: Settings
    log: Log
    store: VectorStore
    control: ControlLog
    embedders: dict[str, Embedder]
    application: Application
    source: str
    target: str

    @property
    def lanes(self) -> tuple[str, str]:
        """Both, the source first."""
        return self.source, self.target

    async def rows(self, lane: str) -> int:
        """How many documents the lane's serving build holds."""
        return await self.store.count(self._collection(lane))

    async def ids(self, lane: str) -> set[str]:
        """Their ids."""
        scan = self.store.scan(self._collection(lane))
        return {row.id async for page in scan for row in page}

    async def lag(self) -> int:
        """Records that normalise or a lane has not finished yet."""
        roles = ("normalise", *(f"embed:{lane}" for lane in self.lanes))
        lags = [await lag_of_role(self.log, self.settings, role) for role in roles]
        return sum(sum(lag.values()) for lag in lags)

    async def until(self, condition: Callable[[], Awaitable[bool]], what: str) -> float:
        """Look again and again; seconds until it was so.

        Raises: TransientError if that takes five minutes.
        """
        began = time.monotonic()
        while not await condition():
            if time.monotonic() - began > _PATIENCE_SECONDS:
                raise TransientError(
                    f"waited {_PATIENCE_SECONDS:.0f} s in vain until {what}; see the logs"
                )
            await asyncio.sleep(_LOOK_SECONDS)
        return time.monotonic() - began

    async def converged(self) -> float:
        """Wait until each lane holds the database's ids and nothing is left to do; seconds."""
        wanted = await self.application.ids()

        async def equal() -> bool:
            for lane in self.lanes:
                if await self.ids(lane) != wanted:
                    return False
            return await self.lag() == 0

        return await self.until(equal, "the lanes have converged")

    async def passed(self, since_ms: int, seconds: int, what: str) -> None:
        """Show a period of the broker's time until it is over."""
        left = since_ms / 1000 + seconds - time.time()
        if left > 0:
            await self.screen.countdown(what, left)

    def _collection(self, lane: str) -> str:
        return self.control.state.lanes[lane].pinned.collection
