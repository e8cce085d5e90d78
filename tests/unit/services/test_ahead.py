"""Pages are fetched while others are worked on, and never many of them."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from streams.errors import TransientError
from streams.services.ahead import ahead


class Source:
    """Notes how many pages were fetched, and whether it was let go of."""

    def __init__(self, count: int, error: Exception | None = None) -> None:
        self.count, self.error = count, error
        self.fetched, self.ended = 0, asyncio.Event()

    async def pages(self) -> AsyncIterator[int]:
        try:
            for number in range(self.count):
                self.fetched += 1
                yield number
            if self.error is not None:
                raise self.error
        finally:
            self.ended.set()


async def settled() -> None:
    """Let everything that can go on go on."""
    for _ in range(20):
        await asyncio.sleep(0)


async def test_all_pages_come_in_their_order():
    source = Source(50)
    async with ahead(source.pages(), 3) as pages:
        assert [page async for page in pages] == list(range(50))


async def test_pages_are_fetched_before_they_are_asked_for_but_not_many():
    source = Source(50)
    async with ahead(source.pages(), 3) as pages:
        await settled()
        assert source.fetched == 4  # three wait, one is in hand
        assert await anext(aiter(pages)) == 0
        await settled()
        assert source.fetched == 5


async def test_an_error_comes_after_the_pages_before_it():
    taken: list[int] = []

    async def take_all() -> None:
        async with ahead(Source(2, TransientError("away")).pages(), 5) as pages:
            await settled()
            async for page in pages:
                taken.append(page)  # noqa: PERF401 - what came before the error counts

    with pytest.raises(TransientError, match="away"):
        await take_all()
    assert taken == [0, 1]


async def test_who_stops_early_ends_the_fetching():
    source = Source(1_000)
    async with ahead(source.pages(), 2) as pages:
        assert await anext(aiter(pages)) == 0
    fetched = source.fetched
    await settled()
    assert source.fetched == fetched
    assert source.ended.is_set()
