"""From an order on the control log to its effect in every process.

Some processes of their own follow one control topic, as every role does. Orders are appended at
a steady pace, whether or not the ones before have arrived. The clock of an order starts right
before the call that appends it and stops, in each process for itself, when the state that holds
it is the one that the process goes by. All processes of one machine read the same clock, so
nothing is said about the way between machines.

A worker looks at its state before and while it embeds, a search when it begins: what is under
way then is not part of this. The processes do nothing else meanwhile.
"""

import asyncio
import sys
import time
import uuid
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager

import orjson

from schemas import BuildStarted, Command, Fingerprint, Throttle
from streams.bench.fold import bench_fold
from streams.bench.following import READY
from streams.bench.measure import Measure, Pair, percentile, within
from streams.bench.rounds import Progress
from streams.bench.site import Site, open_site
from streams.errors import TransientError
from streams.migration.verdicts import Accepted
from streams.ports import NewRecord
from streams.services.open import open_control
from streams.stack.status import Endpoints

__all__ = ["bench_control"]

_PACE_SECONDS = 0.02
_WARM_UP = 25
_FOLDED = 100_000
_MARK_MS = 100.0
_PATIENCE_SECONDS = 60.0
_LANE = "throttled"
_LINE_BYTES = 1 << 24


async def bench_control(
    endpoints: Endpoints,
    count: int,
    progress: Progress,
    *,
    processes: int = 4,
    pace_seconds: float = _PACE_SECONDS,
    folded: int = _FOLDED,
) -> list[Measure]:
    """Milliseconds from the append of an order to its effect, over all orders and processes.

    And the seconds that a process takes at its start to fold what was ordered before it.

    Args:
        endpoints: the stack.
        count: orders that count.
        progress: told how far it is.
        processes: how many follow.
        pace_seconds: between two orders.
        folded: records in the log that is folded.
    """
    async with open_site(endpoints) as site, AsyncExitStack() as exits:
        await _begin_lane(site)
        followers = [await exits.enter_async_context(_following(site)) for _ in range(processes)]
        progress.begin("orders, warming up", _WARM_UP)
        warm = await _order(site, range(1, _WARM_UP + 1), pace_seconds, progress)
        progress.begin("orders", count)
        numbers = range(_WARM_UP + 1, _WARM_UP + 1 + count)
        sent = await _order(site, numbers, pace_seconds, progress)
        arrived = [await _arrived(each) for each in followers]
    missing = [offset for moments in arrived for offset in warm | sent if offset not in moments]
    if missing:
        raise TransientError(f"{len(missing)} orders had no effect, such as offset {missing[0]}")
    taken = [
        (moments[offset] - began) / 1e6 for moments in arrived for offset, began in sent.items()
    ]
    name = f"control, to effect in each of {processes} processes"
    effects = [
        within(
            f"{name}, p{percent} to {_MARK_MS:g} ms", [Pair(percentile(taken, percent), _MARK_MS)]
        )
        for percent in (99, 50)
    ]
    return [*effects, bench_fold(folded, progress)]


async def _begin_lane(site: Site) -> None:
    """Let the control log know a lane, so that it can be throttled. Nothing fills it."""
    build = BuildStarted(
        id=str(uuid.uuid4()),
        by="hotswap bench",
        lane=_LANE,
        build=1,
        collection=f"{site.settings.milvus.collection_prefix}_{_LANE}",
        fingerprint=Fingerprint(provider="memory", model="none", dimensions=8),
        documents_partitions=site.settings.kafka.topics.documents_partitions,
    )
    verdict = (await open_control(site.settings, site.log).append(build)).verdict
    if not isinstance(verdict, Accepted):
        raise TransientError(f"the build of lane {_LANE} was not accepted: {verdict.why}")


async def _order(
    site: Site, numbers: Sequence[int], pace_seconds: float, progress: Progress
) -> dict[int, int]:
    """Append one order for each number; offset → ns when it was about to be appended."""
    control = open_control(site.settings, site.log)
    sent: dict[int, int] = {}

    async def append(command: Command) -> None:
        record = NewRecord(
            site.settings.kafka.topics.control, b"throttle", control.encoded(command)
        )
        began = time.monotonic_ns()
        ((_, offset),) = await site.log.append([record])
        sent[offset] = began
        progress.advance(1)

    begins = time.monotonic()
    try:
        async with asyncio.TaskGroup() as group:
            for place, number in enumerate(numbers):
                await asyncio.sleep(begins + place * pace_seconds - time.monotonic())
                group.create_task(append(_throttle(number)))
    except ExceptionGroup as failed:
        # In the order of time: what failed first is what to tell, the others failed with it.
        raise failed.exceptions[0] from None
    return sent


def _throttle(number: int) -> Throttle:
    """Each one another rate, so that each one changes the state."""
    return Throttle(
        id=str(uuid.uuid4()), by="hotswap bench", lane=_LANE, documents_per_second=float(number)
    )


@asynccontextmanager
async def _following(site: Site) -> AsyncIterator[Process]:
    """A process that has caught up; it is ended with the block, however that ends."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "streams.bench.following",
        stdin=PIPE,
        stdout=PIPE,
        limit=_LINE_BYTES,
        # A terminal's Ctrl-C is for the bench, which ends its processes by itself.
        start_new_session=True,
    )
    try:
        kafka = site.settings.kafka.model_dump_json(exclude_none=True)
        if await _said(process, kafka.encode()) != READY:
            raise TransientError("a process that was to follow the control log ended; see above")
        yield process
    finally:
        await _end(process)


async def _arrived(process: Process) -> dict[int, int]:
    """Offset → ns when the order was in force in the process."""
    line = await _said(process, b"report")
    if not line:
        raise TransientError("a process did not get to the end of the control log")
    return {int(offset): moment for offset, moment in orjson.loads(line).items()}


async def _said(process: Process, line: bytes) -> bytes:
    """Send a line; the line that the process says next, empty if it ends instead."""
    assert process.stdin is not None  # noqa: S101 - both were asked for
    assert process.stdout is not None  # noqa: S101
    try:
        process.stdin.write(line + b"\n")
        await process.stdin.drain()
        async with asyncio.timeout(_PATIENCE_SECONDS):
            return await process.stdout.readline()
    except (TimeoutError, ConnectionError) as error:
        raise TransientError("a process that follows the control log does not answer") from error


async def _end(process: Process) -> None:
    """End of input is what ends it; a process that does not go by that is killed."""
    assert process.stdin is not None  # noqa: S101 - it was asked for
    process.stdin.close()
    try:
        async with asyncio.timeout(10):
            await process.wait()
    except TimeoutError:
        process.kill()
        await process.wait()
