"""Reading `documents` from its start, one shard after the other, and saying how far that is.

Who reads so need remember no more than one shard's ids: an id never changes its shard. How far
it is counts in offsets, so that it comes to its end also where compaction has left gaps.
"""

from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from contextlib import aclosing

from streams.ports import Log, LogRecord

__all__ = ["OnRead", "shard_by_shard"]

OnRead = Callable[[int, int], None]
"""Told offsets that were passed, and all that there are; must return at once."""


async def shard_by_shard(
    log: Log,
    topic: str,
    until: Mapping[int, int],
    on_read: OnRead = lambda _done, _total: None,
) -> AsyncGenerator[tuple[int, Sequence[LogRecord]], None]:
    """Shard and page, in order within a shard. Who stops early closes it.

    Args:
        log: where the topic is.
        topic: such as `documents`.
        until: partition → the offset to stop before.
        on_read: told at the beginning, after each page and after each shard.

    Raises: as `streams.ports.Log.read`.
    """
    done, total = 0, sum(until.values())
    on_read(done, total)
    for shard in sorted(until):
        pages = log.read(topic, until=until, partitions=[shard])
        async with aclosing(pages):
            async for page in pages:
                yield shard, page
                if page:
                    on_read(done + page[-1].offset + 1, total)
        done += until[shard]
        on_read(done, total)
