"""Following the control log: what every long-running process does.

No consumer group, no commit: each process reads all of `control`, once from its start and
then every record as it is appended. When Kafka is away the last state stays in force, and
`age` says for how long nothing newer can be known.
"""

import asyncio
import logging
import time
from collections.abc import Callable
from contextlib import aclosing, suppress
from typing import Self

import tenacity

from streams.errors import HotswapError, TransientError
from streams.migration.fold import Folded
from streams.migration.signing import NO_KEYS, Keyring
from streams.migration.state import State
from streams.ports import Log
from streams.services.control import ControlLog

__all__ = ["Follower"]

_log = logging.getLogger(__name__)

_CONFIRM_SECONDS = 1.0
_STUCK_SECONDS = 10.0


class Follower(ControlLog):
    """A control log that keeps itself up to date while its `async with` block runs.

    Args:
        log: where the topic is.
        topic: its name.
        keyring: the control keys.
        on_folded: told of every record as it is folded.
    """

    def __init__(
        self,
        log: Log,
        topic: str,
        keyring: Keyring = NO_KEYS,
        *,
        on_folded: Callable[[Folded], None] = lambda _folded: None,
    ) -> None:
        super().__init__(log, topic, keyring, on_folded=on_folded)
        self._moved = asyncio.Condition()
        self._confirmed_at: float | None = None
        self._failure: HotswapError | None = None

    def age(self) -> float:
        """Seconds since the state was last known to be the newest; infinite if it never was."""
        if self._confirmed_at is None:
            return float("inf")
        return time.monotonic() - self._confirmed_at

    async def caught_up(self) -> State:
        """Wait until the end of the log was reached once; at once if it was.

        Raises: DriftError, ConfigurationError if the log can not be followed.
        """
        await self._until(lambda: self._confirmed_at is not None)
        return self.state

    async def refresh(self) -> State:
        """Wait until everything that is in the log now is folded.

        Raises: TransientError if Kafka does not say how far the log goes; DriftError,
            ConfigurationError if the log can not be followed.
        """
        end = (await self._log.ends(self._topic))[0]
        await self._until(lambda: self._position >= end)
        return self.state

    async def __aenter__(self) -> Self:
        """Begin to follow."""
        self._following = asyncio.create_task(self._follow())
        return self

    async def __aexit__(self, *_exception: object) -> None:
        """Stop following; the state stays as it is."""
        self._following.cancel()
        with suppress(asyncio.CancelledError, HotswapError):
            await self._following

    async def failed(self) -> None:
        """Wait until the log can not be followed any further.

        Raises: the reason, always.
        """
        await self._until(lambda: False)

    @property
    def failure(self) -> HotswapError | None:
        """Why the log can not be followed any further; None while it can."""
        return self._failure

    async def _follow(self) -> None:
        try:
            async for attempt in tenacity.AsyncRetrying(
                retry=tenacity.retry_if_exception_type(TransientError),
                wait=tenacity.wait_random_exponential(multiplier=0.1, max=5.0),
                before_sleep=tenacity.before_sleep_log(_log, logging.INFO),
            ):
                with attempt:
                    await self._read_and_confirm()
        except HotswapError as error:
            _log.critical("the control log can not be followed any further: %s", error)
            self._failure = error
            await self._tell()

    async def _read_and_confirm(self) -> None:
        """Read on until something goes wrong; either half ends the other."""
        reading = asyncio.create_task(self._read_on())
        confirming = asyncio.create_task(self._confirm())
        try:
            await asyncio.wait((reading, confirming), return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in (reading, confirming):
                task.cancel()
            outcomes = await asyncio.gather(reading, confirming, return_exceptions=True)
        for outcome in outcomes:
            if isinstance(outcome, Exception):
                raise outcome

    async def _read_on(self) -> None:
        pages = self._log.follow(self._topic, {0: self._position})
        async with aclosing(pages):
            async for page, positions in pages:
                self.take(page)
                self._position = positions[0]
                await self._tell()

    async def _confirm(self) -> None:
        """Ask now and then how far the log goes: only that tells an idle log from a lost one.

        Raises: TransientError if the reader is stuck while the log goes on.
        """
        while True:
            asked_at = time.monotonic()
            try:
                end = (await self._log.ends(self._topic))[0]
            except TransientError as error:
                _log.info("the end of the control log is not known: %s", error)
            else:
                await self._reach(end)
                self._confirmed_at = asked_at
                await self._tell()
            await asyncio.sleep(_CONFIRM_SECONDS)

    async def _reach(self, end: int) -> None:
        try:
            async with asyncio.timeout(_STUCK_SECONDS):
                await self._until(lambda: self._position >= end)
        except TimeoutError as error:
            raise TransientError(
                f"the control log goes to {end}, and reading it is stuck at {self._position}"
            ) from error

    async def _until(self, condition: Callable[[], bool]) -> None:
        async with self._moved:
            await self._moved.wait_for(lambda: condition() or self._failure is not None)
        if self._failure is not None:
            raise self._failure

    async def _tell(self) -> None:
        async with self._moved:
            self._moved.notify_all()
