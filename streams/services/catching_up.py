"""Waiting until a consumer group has a snapshot of a topic behind it.

Decides when it has: by its committed offsets, and where those stop short of the snapshot, by
whether there is any record left in between. Transaction markers and compaction leave offsets
without a record, and nobody commits those.
"""

import asyncio
from collections.abc import Callable, Mapping
from contextlib import aclosing

from streams.ports import Log

__all__ = ["wait_for_group"]

_POLL_SECONDS = 0.2


async def wait_for_group(
    log: Log,
    group: str,
    topic: str,
    snapshot: Mapping[int, int],
    *,
    wait_seconds: float,
    on_lag: Callable[[Mapping[int, int]], None],
) -> dict[int, int]:
    """Wait until the group has committed all records of `topic` before the snapshot.

    Args:
        log: where the topic is.
        group: the consumer group.
        topic: what it reads.
        snapshot: partition → offset to get to.
        wait_seconds: how long at most; 0 looks once.
        on_lag: told partition → lag of all partitions that are behind, at every look.

    Returns:
        Partition → lag of those that are still behind; empty if none is.

    Raises: TransientError, ConfigurationError.
    """
    clock = asyncio.get_running_loop().time
    deadline = clock() + wait_seconds
    looked_at: dict[tuple[int, int], bool] = {}
    before: dict[int, int] = {}
    while True:
        committed = await log.committed(group, topic)
        behind = {p: offset for p, offset in committed.items() if offset < snapshot.get(p, 0)}
        # Who stands still does so by rights, or because there is nothing left to read. At the last
        # look there is no telling who would go on, so it asks of all.
        last = clock() >= deadline
        standing = behind.items() if last else behind.items() & before.items()
        for place in standing - looked_at.keys():
            looked_at[place] = await _any_record(log, topic, place, snapshot)
        lag = {p: snapshot[p] - at for p, at in behind.items() if looked_at.get((p, at), True)}
        on_lag(lag)
        if last or not lag:
            return lag
        before = behind
        await asyncio.sleep(_POLL_SECONDS)


async def _any_record(
    log: Log, topic: str, place: tuple[int, int], snapshot: Mapping[int, int]
) -> bool:
    """Whether there is a record between a place (partition, offset) and the snapshot."""
    partition, offset = place
    pages = log.read(topic, since={partition: offset}, until=snapshot, partitions=[partition])
    async with aclosing(pages):
        async for page in pages:
            if page:
                return True
    return False
