"""One search, timed: over HTTP, and by hand with the libraries alone.

Both are called from a plain thread, and both keep their connections. The one over HTTP uses the
standard library's client, whose own share of a request is small.
"""

import asyncio
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing
from http.client import HTTPConnection, HTTPException
from itertools import chain
from threading import Event, Lock
from typing import Protocol, TypeVar

import orjson
from openai import OpenAI, omit
from pymilvus import MilvusClient

from streams.bench.rounds import Progress
from streams.bench.texts import numbered
from streams.config import OpenAIConfig
from streams.errors import TransientError
from streams.stack.status import Endpoints

__all__ = ["HITS", "ByHand", "OverHttp", "Search", "in_threads", "in_turn", "new_texts"]

T = TypeVar("T")

HITS = 10
"""Hits that each search asks for."""

_TIMEOUT_SECONDS = 30.0


class Search(Protocol):
    """Does one search after the other."""

    def search(self, text: str) -> None:
        """Search once.

        Raises: TransientError if the answer is not a whole one.
        """
        ...

    def close(self) -> None:
        """Let go of connections."""
        ...


class ByHand:
    """What an application does without Hotswap: embed the text, search the collection.

    Args:
        endpoints: the stack.
        lane: whose calls to repeat.
        collection: its own.
    """

    def __init__(self, endpoints: Endpoints, lane: OpenAIConfig, collection: str) -> None:
        self._lane = lane
        self._collection = collection
        self._cloud = OpenAI(
            api_key=endpoints.cloud_api_key,
            base_url=lane.base_url,
            max_retries=0,
            timeout=_TIMEOUT_SECONDS,
        )
        self._milvus = MilvusClient(endpoints.milvus_uri, timeout=_TIMEOUT_SECONDS, dedicated=True)

    def search(self, text: str) -> None:
        """See `Search`. Asks Milvus for just what a lane asks it for."""
        answer = self._cloud.embeddings.create(
            model=self._lane.model,
            input=[text],
            dimensions=self._lane.dimensions if self._lane.send_dimensions else omit,
        )
        (hits,) = self._milvus.search(
            self._collection,
            data=[answer.data[0].embedding],
            limit=HITS,
            output_fields=["key", "metadata"],
            search_params={"metric_type": "COSINE"},
            timeout=_TIMEOUT_SECONDS,
            consistency_level="Strong",
        )
        if len(hits) != HITS:
            raise TransientError(f"a search by hand found {len(hits)} rows instead of {HITS}")

    def close(self) -> None:
        """See `Search`."""
        self._cloud.close()
        self._milvus.close()


class OverHttp:
    """The same of `hotswap serve`.

    Args:
        host: where it listens.
        port: the same.
        lane: that must answer.
    """

    def __init__(self, host: str, port: int, lane: str) -> None:
        self._lane = lane
        self._connection = HTTPConnection(host, port, timeout=_TIMEOUT_SECONDS)

    def search(self, text: str) -> None:
        """See `Search`."""
        body = orjson.dumps({"text": text, "k": HITS, "targeting_key": text})
        try:
            self._connection.request("POST", "/search", body, {"Content-Type": "application/json"})
            response = self._connection.getresponse()
            answer = response.read()
        except (OSError, HTTPException) as error:
            raise TransientError(f"a search over HTTP was not answered: {error!r}") from error
        if response.status != 200:  # noqa: PLR2004 - OK
            raise TransientError(f"a search was answered {response.status}: {answer[:200]!r}")
        found = orjson.loads(answer)
        if len(found["hits"]) != HITS or found["lane"] != self._lane or found["fallback"]:
            raise TransientError(f"a search was answered by lane {found['lane']}: {found}")

    def close(self) -> None:
        """See `Search`."""
        self._connection.close()


def new_texts() -> Iterator[str]:
    """Queries without end, no two of them equal: a kept query is not embedded again."""
    titles = [article.title for _, article in numbered(1_000)]
    number = 0
    while True:
        yield f"{titles[number % len(titles)]}, question {number}"
        number += 1


async def in_turn(
    first: Search, second: Search, texts: Sequence[str], progress: Progress
) -> tuple[list[float], list[float]]:
    """Each text once by each, one after the other, and every other time the other way round.

    Returns: ms of each search of the first, and of the second.
    """

    def run(stop: Event) -> tuple[list[float], list[float]]:
        taken: tuple[list[float], list[float]] = ([], [])
        for place, text in enumerate(texts):
            for which in (0, 1) if place % 2 else (1, 0):
                taken[which].append(_timed((first, second)[which], text))
            progress.advance(1)
            if stop.is_set():
                break
        return taken

    (taken,) = await _threads([run])
    return taken


async def in_threads(
    new: Callable[[], Search], texts: Iterable[str], callers: int, progress: Progress
) -> list[float]:
    """All texts by so many callers, each of which asks again as soon as it is answered.

    Returns: ms of each search.
    """
    left, telling = iter(texts), Lock()

    def run(stop: Event) -> list[float]:
        taken = []
        with closing(new()) as caller:
            for text in left:
                taken.append(_timed(caller, text))
                with telling:
                    progress.advance(1)
                if stop.is_set():
                    break
        return taken

    return list(chain.from_iterable(await _threads([run] * callers)))


def _timed(search: Search, text: str) -> float:
    began = time.perf_counter()
    search.search(text)
    return (time.perf_counter() - began) * 1000


async def _threads(runs: Sequence[Callable[[Event], T]]) -> list[T]:
    """Run each in a thread; whoever is cancelled waits until all have seen that they must stop."""
    stop = Event()
    tasks = [asyncio.ensure_future(asyncio.to_thread(run, stop)) for run in runs]
    try:
        return list(await asyncio.gather(*(asyncio.shield(task) for task in tasks)))
    finally:
        stop.set()
        await asyncio.gather(*tasks, return_exceptions=True)
