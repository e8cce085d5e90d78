"""Reading `documents` again for a build that is filled, and mending what is missing in it.

Works beside the build's workers. Of each document only the newest record counts, and only if the
workers have it behind them; what they have ahead is left to them. What is stored as it should be
costs no embedding call. Rows of ids that `documents` does not know are not seen: `hotswap verify`
finds those.

A worker may write a newer version while an older one is on its way from here. So once something
was written, the log is read on: whatever came in for those ids is written, too. Who is killed in
that instant leaves it to the next run.
"""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass

import tenacity

from schemas import BuildStarted
from streams.config import Settings
from streams.core.role_names import embed_role_name
from streams.errors import TransientError
from streams.ports import Log, LogRecord
from streams.services.control import ControlLog
from streams.services.gate import LaneGate
from streams.services.lane import Lane

__all__ = ["Replay", "ReplayProgress", "replay_build"]

_PATIENCE_SECONDS = 60.0

_Mend = Callable[[Sequence[LogRecord]], Awaitable[bool]]
"""Does what a worker would do with these records, or pretends; whether anything was written."""


@dataclass(frozen=True, slots=True)
class ReplayProgress:
    """How far it is, in records of `documents` that were read; each is read twice."""

    done: int
    total: int


@dataclass(frozen=True, slots=True)
class Replay:
    """What was done.

    Attributes:
        counters: as a worker counts; `written` are the rows mended.
        rehearsed: nothing was done, and the counters say what would be.
    """

    lane: str
    build: int
    collection: str
    counters: Mapping[str, int]
    rehearsed: bool = False


async def replay_build(
    settings: Settings,
    build: BuildStarted,
    lane: Lane,
    log: Log,
    *,
    gate: LaneGate,
    control: ControlLog,
    on_progress: Callable[[ReplayProgress], None] = lambda _progress: None,
    dry_run: bool = False,
) -> Replay:
    """Bring the build's rows to what `documents` says, as far as its workers have got.

    Args:
        settings: name the topics and the consumer group.
        build: which one.
        lane: its work.
        log: where `documents` is.
        gate: of the build, by the state of `control`.
        control: is looked at before each batch.
        on_progress: called for every page; must return at once.
        dry_run: only count what would be done.

    Raises: TransientError, LaneHalted, LanePaused; run it again, which repeats nothing.
    """
    topic = settings.kafka.topics.documents
    group = settings.group(embed_role_name(build.lane, build.build))
    await control.refresh()
    gate.check()
    committed = await log.committed(group, topic)
    total, done = 2 * sum(committed.values()), 0

    def read(offsets: int) -> None:
        nonlocal done
        done += offsets
        on_progress(ReplayProgress(done, total))

    async def mend(batch: Sequence[LogRecord]) -> bool:
        before = _writes(lane)
        await lane.process(batch, gate.check)
        return _writes(lane) > before

    async def rehearse(batch: Sequence[LogRecord]) -> bool:
        await lane.rehearse(batch)
        return False

    async def work(batch: Sequence[LogRecord]) -> bool:
        await control.refresh()
        gate.check()
        return await _patiently(rehearse if dry_run else mend, batch)

    records = settings.lanes[build.lane].batch_records
    on_progress(ReplayProgress(0, total))
    for partition, until in sorted(committed.items()):
        if until:
            await _Partition(log, topic, partition, until, read).replay(work, records)
    return Replay(build.lane, build.build, build.collection, dict(lane.counters), dry_run)


class _Partition:
    """One partition under way.

    Args:
        log: where the topic is.
        topic: `documents`.
        index: of the partition.
        until: where the workers are; records from there on are theirs.
        read: told how many offsets were passed.
    """

    def __init__(
        self, log: Log, topic: str, index: int, until: int, read: Callable[[int], None]
    ) -> None:
        self._log = log
        self._topic = topic
        self._index = index
        self._until = until
        self._read = read
        self._newest: dict[bytes, int] = {}
        self._came_in: dict[bytes, LogRecord] = {}
        self._position = 0

    async def replay(self, mend: _Mend, records: int) -> None:
        """Mend what is not as the newest record of its document says, so many at a time."""
        async with aclosing(self._pages(0, self._until, self._read)) as pages:
            async for page in pages:
                self._newest.update((r.key, r.offset) for r in page if r.key is not None)
        self._position = self._until
        async with aclosing(self._pages(0, self._until, self._read)) as pages:
            async for page in pages:
                for start in range(0, len(page), records):
                    await self._whole(page[start : start + records], mend)

    async def _whole(self, records: Sequence[LogRecord], mend: _Mend) -> None:
        """Never give up between a write and the look at what came in meanwhile."""
        task = asyncio.ensure_future(self._mended(records, mend))
        try:
            await asyncio.shield(task)
        except asyncio.CancelledError:
            await asyncio.gather(task, return_exceptions=True)
            raise

    async def _mended(self, records: Sequence[LogRecord], mend: _Mend) -> None:
        await self._read_on()
        todo = [one for one in records if one.key and self._newest.get(one.key) == one.offset]
        while todo and await mend(todo):
            await self._read_on()
            done = {one.key: one.offset for one in todo if one.key is not None}
            todo = [
                self._came_in[key] for key, offset in done.items() if self._newest[key] > offset
            ]

    async def _read_on(self) -> None:
        """Take note of what came in since the last look."""
        end = (await self._log.ends(self._topic))[self._index]
        if end <= self._position:
            return
        async with aclosing(self._pages(self._position, end, lambda _offsets: None)) as pages:
            async for page in pages:
                for record in page:
                    if record.key is not None:
                        self._newest[record.key] = record.offset
                        self._came_in[record.key] = record
        self._position = end

    async def _pages(
        self, since: int, until: int, read: Callable[[int], None]
    ) -> AsyncGenerator[Sequence[LogRecord], None]:
        """Pages of this partition; `read` is told of every offset, also where there is nothing."""
        pages = self._log.read(
            self._topic,
            since={self._index: since},
            until={self._index: until},
            partitions=[self._index],
        )
        at = since
        async with aclosing(pages):
            async for page in pages:
                yield page
                if page:
                    read(page[-1].offset + 1 - at)
                    at = page[-1].offset + 1
        read(until - at)


def _writes(lane: Lane) -> int:
    return lane.counters["written"] + lane.counters["deleted"]


async def _patiently(work: _Mend, batch: Sequence[LogRecord]) -> bool:
    async for attempt in tenacity.AsyncRetrying(
        retry=tenacity.retry_if_exception_type(TransientError),
        wait=tenacity.wait_random_exponential(multiplier=0.25, max=10.0),
        stop=tenacity.stop_after_delay(_PATIENCE_SECONDS),
        reraise=True,
    ):
        with attempt:
            return await work(batch)
    raise AssertionError  # not reached: the last attempt raises
