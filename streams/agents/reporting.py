"""Publishes a worker's own account of itself on `observations`."""

import asyncio
import logging
from collections.abc import Callable

from schemas import WorkerReport
from streams.errors import HotswapError
from streams.ports import Log, NewRecord

__all__ = ["publish_reports"]

_log = logging.getLogger(__name__)


async def publish_reports(
    log: Log,
    topic: str,
    report: Callable[[], WorkerReport],
    *,
    every_seconds: float = 1.0,
) -> None:
    """Append a report now and then, until cancelled.

    A report that can not be published is dropped: the next one says more.
    """
    while True:
        await publish_report(log, topic, report())
        await asyncio.sleep(every_seconds)


async def publish_report(log: Log, topic: str, report: WorkerReport) -> None:
    """Append one report; failing to is no reason to stop working."""
    try:
        await log.append([NewRecord(topic, report.role.encode(), report.encode())])
    except HotswapError as error:
        _log.info("no report was published: %s", error)
