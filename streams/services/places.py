"""Reading records of `documents` at known places: shards and versions instead of ids."""

from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import aclosing

import numpy as np
import numpy.typing as npt

from streams.ports import Log, LogRecord

__all__ = ["records_at"]


async def records_at(
    log: Log,
    topic: str,
    shards: npt.NDArray[np.int16],
    versions: npt.NDArray[np.int64],
) -> AsyncGenerator[Sequence[LogRecord], None]:
    """The records at these places, page by page.

    A place whose record compaction has taken is left out: its id has a newer record. Reads each
    shard from the first to the last place, once.

    Raises: TransientError, ConfigurationError, DriftError.
    """
    wanted = {int(shard): np.sort(versions[shards == shard]) for shard in np.unique(shards)}
    since = {shard: int(places[0]) for shard, places in wanted.items()}
    until = {shard: int(places[-1]) + 1 for shard, places in wanted.items()}
    if not wanted:
        return
    pages = log.read(topic, since=since, until=until, partitions=sorted(wanted))
    async with aclosing(pages):
        async for page in pages:
            if found := _among(page, wanted):
                yield found


def _among(
    page: Sequence[LogRecord], wanted: Mapping[int, npt.NDArray[np.int64]]
) -> list[LogRecord]:
    found: list[LogRecord] = []
    for shard in {record.partition for record in page}:
        records = [record for record in page if record.partition == shard]
        offsets = np.fromiter((record.offset for record in records), np.int64, len(records))
        places = np.searchsorted(wanted[shard], offsets)
        places[places == len(wanted[shard])] = 0
        hits = np.flatnonzero(wanted[shard][places] == offsets)
        found += [records[index] for index in hits]
    return found
