"""Constant searches against `hotswap serve`, and constant writes to the source."""

import asyncio
import itertools
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx

from tests.integration.system import System

__all__ = ["TEXT", "Answer", "Traffic", "constant_writes", "traffic_on"]

TEXT = "text number {}"
_TEXTS = 50
_USERS = 200
_CALLERS = 3
_WRITE_EVERY_SECONDS = 0.1
"""Slow enough for a local model on a busy machine to keep up with."""


@dataclass(frozen=True)
class Answer:
    """One search.

    Attributes:
        number: of the text that was asked for.
        sent: when, in monotonic seconds; so is `answered`.
    """

    user: str
    number: int
    sent: float
    answered: float
    status: int
    body: dict[str, Any]


@dataclass
class Traffic:
    """Searches that go on until the block ends."""

    url: str
    answers: list[Answer] = field(default_factory=list)

    async def run(self) -> None:
        numbers = itertools.count()
        async with httpx.AsyncClient(base_url=self.url, timeout=30) as client:
            await asyncio.gather(*(self._caller(client, numbers) for _ in range(_CALLERS)))

    async def _caller(self, client: httpx.AsyncClient, numbers: "itertools.count[int]") -> None:
        while True:
            number = next(numbers)
            user = f"user-{number % _USERS}"
            text = TEXT.format(number % _TEXTS)
            asked = {"text": text, "k": 3, "targeting_key": user}
            sent = time.monotonic()
            response = await client.post("/search", json=asked)
            status, body = response.status_code, response.json()
            self.answers.append(Answer(user, number % _TEXTS, sent, time.monotonic(), status, body))

    def since(self, moment: float) -> list[Answer]:
        """Searches that were sent after a moment."""
        return [answer for answer in self.answers if answer.sent >= moment]


@asynccontextmanager
async def traffic_on(url: str) -> AsyncIterator[Traffic]:
    """Searches while the block runs."""
    traffic = Traffic(url)
    task = asyncio.create_task(traffic.run())
    try:
        yield traffic
        if task.done():
            task.result()
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


@asynccontextmanager
async def constant_writes(system: System, first: int, last: int) -> AsyncIterator[None]:
    """Rewrite, add and delete articles while the block runs."""

    async def run() -> None:
        for turn in itertools.count():
            number = first + turn % (last - first)
            await system.write([number], f"Version {turn} of text {{}}.")
            if turn % 5 == 4:
                await system.sql("DELETE FROM articles WHERE id = %s", (number - 2,))
            await asyncio.sleep(_WRITE_EVERY_SECONDS)

    task = asyncio.create_task(run())
    try:
        yield
        if task.done():
            task.result()
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
