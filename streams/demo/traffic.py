"""Searches that go on while the demo moves reads from lane to lane."""

import asyncio
import itertools
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from statistics import quantiles
from typing import Any

import httpx

__all__ = ["Answer", "Traffic", "latency", "searching"]

_USERS = 1_000
_CALLERS = 4
_STAFF_EVERY = 50
"""One asker in so many belongs to the internal cohort."""


@dataclass(frozen=True, slots=True)
class Answer:
    """One search: when it was answered (seconds since the epoch), how long it took, what came.

    `lane` is None, and `version` -1, if the search failed; `problem` says why, or why another
    lane than the flag's has answered.
    """

    at: float
    seconds: float
    lane: str | None
    version: int
    problem: str = ""


@dataclass(slots=True)
class Traffic:
    """All answers so far."""

    answers: list[Answer] = field(default_factory=list)

    async def by(self, version: int, count: int, alive: Callable[[], None]) -> list[Answer]:
        """Wait for `count` answers given by a version of the flag, and return them.

        `alive` is called while waiting, and raises if it makes no sense any more.
        """
        start = len(self.answers)
        while True:
            found = [answer for answer in self.answers[start:] if answer.version >= version]
            if len(found) >= count:
                return found[:count]
            alive()
            await asyncio.sleep(0.02)

    @property
    def failed(self) -> int:
        """Searches without an answer, since the beginning."""
        return sum(answer.lane is None for answer in self.answers)

    @property
    def fallbacks(self) -> int:
        """Searches that another lane answered than the flag said, since the beginning."""
        return sum(answer.lane is not None and bool(answer.problem) for answer in self.answers)

    @property
    def problems(self) -> list[str]:
        """What went wrong, each once, in the order in which it came first."""
        return list(dict.fromkeys(answer.problem for answer in self.answers if answer.problem))


def latency(answers: Sequence[Answer]) -> tuple[float, float]:
    """Median and 99th percentile in milliseconds; of two answers or more."""
    cuts = quantiles((1000 * answer.seconds for answer in answers), n=100)
    return cuts[49], cuts[98]


@asynccontextmanager
async def searching(url: str, texts: Sequence[str]) -> AsyncIterator[Traffic]:
    """Ask `POST /search` all the time while the block runs."""
    traffic = Traffic()
    numbers = itertools.count()
    async with httpx.AsyncClient(base_url=url, timeout=30.0) as client:
        callers = [
            asyncio.create_task(_caller(client, texts, numbers, traffic)) for _ in range(_CALLERS)
        ]
        try:
            yield traffic
        finally:
            for caller in callers:
                caller.cancel()
            await asyncio.gather(*callers, return_exceptions=True)


async def _caller(
    client: httpx.AsyncClient, texts: Sequence[str], numbers: "itertools.count[int]", to: Traffic
) -> None:
    while True:
        number = next(numbers)
        user = number % _USERS
        text = texts[number % len(texts)]
        asked: dict[str, Any] = {
            # No two are equal: serve keeps the vectors of queries, and those prove no latency.
            "text": text if number < len(texts) else f"{text} ({number})",
            "k": 3,
            "targeting_key": f"user-{user}",
        }
        if user % _STAFF_EVERY == 0:
            asked["cohort"] = "staff"
        to.answers.append(await _ask(client, asked))


async def _ask(client: httpx.AsyncClient, asked: dict[str, Any]) -> Answer:
    began = time.monotonic()
    try:
        response = await client.post("/search", json=asked)
    except httpx.HTTPError as error:
        return Answer(time.time(), time.monotonic() - began, None, -1, repr(error))
    now, seconds = time.time(), time.monotonic() - began
    if not response.is_success:
        problem = f"status {response.status_code}: {response.text[:200]}"
        return Answer(now, seconds, None, -1, problem)
    body = response.json()
    problem = str(body["fallback"]) if body["reason"] == "FALLBACK" else ""
    return Answer(now, seconds, body["lane"], body["flag_version"], problem)
