"""How many documents there are, by counting them."""

from collections.abc import Mapping
from contextlib import aclosing

from streams.ports import Log
from streams.services.shards import OnRead, shard_by_shard

__all__ = ["count_documents"]


async def count_documents(
    log: Log,
    topic: str,
    until: Mapping[int, int],
    on_read: OnRead = lambda _done, _total: None,
) -> int:
    """Live documents before `until`; holds one shard's ids at a time.

    Reads all of the topic, values as well, since Kafka gives no keys alone.

    Args:
        log: where the topic is.
        topic: `documents`.
        until: partition → the offset to stop before.
        on_read: told how far it is.

    Raises: TransientError; ConfigurationError if there is no such topic.
    """
    counted, at = 0, -1
    alive: set[bytes] = set()
    pages = shard_by_shard(log, topic, until, on_read)
    async with aclosing(pages):
        async for shard, page in pages:
            if shard != at:
                counted, at = counted + len(alive), shard
                alive.clear()
            for record in page:
                if record.key is None:
                    continue
                if record.value is None:
                    alive.discard(record.key)
                else:
                    alive.add(record.key)
    return counted + len(alive)
