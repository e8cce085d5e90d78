"""Taking pages from a slow source while the ones before are still being worked on."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import TypeVar

__all__ = ["ahead"]

Page = TypeVar("Page")


class _End:
    """What comes after the last page."""


@asynccontextmanager
async def ahead(pages: AsyncIterator[Page], depth: int) -> AsyncIterator[AsyncIterator[Page]]:
    """The same pages, at most `depth` of them fetched before they are asked for.

    Fetching begins at once, and ends with the block. What fetching raises comes after the pages
    that were fetched before.
    """
    queue: asyncio.Queue[Page | BaseException | _End] = asyncio.Queue(depth)

    async def fetch() -> None:
        try:
            async for page in pages:
                await queue.put(page)
        except Exception as error:  # noqa: BLE001 - raised again where the pages are taken
            await queue.put(error)
        else:
            await queue.put(_End())
        finally:
            if isinstance(pages, AsyncGenerator):
                await pages.aclose()

    async def fetched() -> AsyncIterator[Page]:
        while not isinstance(taken := await queue.get(), _End):
            if isinstance(taken, BaseException):
                raise taken
            yield taken

    fetching = asyncio.create_task(fetch())
    try:
        yield fetched()
    finally:
        fetching.cancel()
        with suppress(asyncio.CancelledError):
            await fetching
