"""`python -m streams.agents.health ROLE`: whether a worker of a role is alive, for a container.

Answers from the role's reports on `observations`. A worker that is stalled or paused is
healthy: a restart would not help it, and `hotswap status` tells why it waits.
"""

import asyncio
import sys
import time
from collections.abc import Iterable

from schemas import WorkerReport, WorkerState
from streams.config.load import load
from streams.errors import HotswapError
from streams.services.open import open_log
from streams.services.status import latest_reports

__all__ = ["main", "problem"]

_SILENT_AFTER_MS = 15_000
_ALIVE = (WorkerState.RUNNING, WorkerState.STALLED, WorkerState.PAUSED)


def problem(role: str, reports: Iterable[WorkerReport], now_ms: int) -> str | None:
    """What is wrong, in words; None if some worker of the role has lately said that it lives.

    Args:
        role: `normalise` or `embed:<lane>`.
        reports: of any roles, oldest first within each worker.
        now_ms: the time, ms since the epoch.
    """
    newest = {report.worker: report for report in reports if report.role == role}
    if not newest:
        return f"no worker reports as {role}"
    last = max(newest.values(), key=lambda report: (report.state in _ALIVE, report.at))
    silent = now_ms - last.at
    if last.state not in _ALIVE:
        return f"{last.worker} is {last.state}"
    if silent > _SILENT_AFTER_MS:
        return f"{last.worker} has been silent for {silent / 1000:.0f} s"
    return None


def main(role: str) -> str | None:
    """What is wrong with a role, asked of Kafka; None if nothing is."""
    try:
        return asyncio.run(_look(role))
    except HotswapError as error:
        return str(error)


async def _look(role: str) -> str | None:
    settings = load()
    log = open_log(settings)
    try:
        reports = await latest_reports(log, settings.kafka.topics.observations)
    finally:
        await log.close()
    return problem(role, reports, time.time_ns() // 1_000_000)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
