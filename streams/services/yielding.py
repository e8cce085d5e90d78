"""A lane that yields to queries: it follows how they do, and makes its calls by that.

Reads `observations` without a consumer group, from its end on. What is not known changes nothing:
while the topic can not be read, the lane works as it does without queries. Nothing is kept.
"""

import asyncio
import logging
from collections import deque
from collections.abc import Collection, Sequence
from contextlib import aclosing, suppress
from typing import Final, Self

from pydantic import ValidationError

from schemas import UnknownSchemaVersion, WindowObservation
from streams.config import OllamaConfig, Settings
from streams.core.yielding import Calls, next_calls, queries_of
from streams.errors import HotswapError
from streams.ports import Log, LogRecord
from streams.services.open import lane_config

__all__ = ["Yielding", "yielding_of"]

_log = logging.getLogger(__name__)

_STEP_SECONDS: Final = 1.0
_QUIET_STEPS: Final = 3
"""Without a window for so many steps there are no queries: windows come a little unevenly."""
_AGAIN_SECONDS: Final = 5.0
_MOST_WINDOWS: Final = 1_000


class Yielding:
    """How one lane makes its calls, by the queries that share its embedder.

    Follows them while its `async with` block runs.

    Args:
        log: where the topic is.
        topic: `observations`.
        lanes: whose queries count.
        limit_ms: p95 of their embeddings above which they are slow.
        most: texts in a call if nobody waits.
    """

    def __init__(
        self, log: Log, topic: str, lanes: Collection[str], *, limit_ms: float, most: int
    ) -> None:
        self._log = log
        self._topic = topic
        self._keys = frozenset(lane.encode() for lane in lanes)
        self._limit_ms = limit_ms
        self._most = most
        self._fresh: deque[WindowObservation] = deque(maxlen=_MOST_WINDOWS)
        self._quiet = _QUIET_STEPS
        self._calls = Calls(most)

    async def __aenter__(self) -> Self:
        """Begin to follow."""
        self._tasks = [asyncio.create_task(self._follow()), asyncio.create_task(self._walk())]
        return self

    async def __aexit__(self, *_exception: object) -> None:
        """Stop following; the calls stay as they are."""
        for task in self._tasks:
            task.cancel()
        for task in self._tasks:
            with suppress(asyncio.CancelledError):
                await task

    def calls(self) -> Calls:
        """How to make them now."""
        return self._calls

    def remark(self) -> str:
        """What an operator is told; empty while the lane makes its calls as it likes."""
        if self._calls == Calls(self._most):
            return ""
        rests = ", and rests after each" if self._calls.rests else ""
        return f"yields to queries: {self._calls.inputs} of {self._most} texts in a call{rests}"

    def take(self, records: Sequence[LogRecord]) -> None:
        """Take note of the windows among these records."""
        for record in records:
            if record.key in self._keys and (window := _window(record.value or b"")) is not None:
                self._fresh.append(window)

    def step(self) -> None:
        """Decide anew, by the windows that came since the step before."""
        queries = queries_of(self._fresh)
        self._fresh.clear()
        self._quiet = 0 if queries is not None else self._quiet + 1
        if queries is None and self._quiet < _QUIET_STEPS:
            return
        before = self.remark()
        self._calls = next_calls(self._calls, queries, limit_ms=self._limit_ms, most=self._most)
        if bool(before) != bool(self.remark()):
            _log.info("%s", self.remark() or "yields to queries no more")

    async def _walk(self) -> None:
        while True:
            await asyncio.sleep(_STEP_SECONDS)
            self.step()

    async def _follow(self) -> None:
        while True:
            try:
                await self._read_on()
            except HotswapError as error:
                _log.info("how queries do is not known: %s", error)
            await asyncio.sleep(_AGAIN_SECONDS)

    async def _read_on(self) -> None:
        pages = self._log.follow(self._topic, await self._log.ends(self._topic))
        async with aclosing(pages):
            async for page, _ in pages:
                self.take(page)


def yielding_of(settings: Settings, lane: str, log: Log) -> Yielding | None:
    """How a lane yields to its queries, and to those of lanes on the same hosts.

    None if it never does.
    """
    config = lane_config(settings, lane)
    if not isinstance(config, OllamaConfig) or not config.query_embedding_ms:
        return None
    neighbours = [
        name
        for name, other in settings.lanes.items()
        if isinstance(other, OllamaConfig) and not set(other.hosts).isdisjoint(config.hosts)
    ]
    return Yielding(
        log,
        settings.kafka.topics.observations,
        neighbours,
        limit_ms=config.query_embedding_ms,
        most=config.call_inputs,
    )


def _window(value: bytes) -> WindowObservation | None:
    # Mirrored queries and feedback have a lane's key, too.
    if b'"window"' not in value:
        return None
    try:
        return WindowObservation.decode(value)
    except (ValidationError, UnknownSchemaVersion):
        return None  # of another version of Hotswap, or not ours
