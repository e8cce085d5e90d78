"""`python -m streams.agents.health ROLE`: whether a role's workers are alive, for a container.

ROLE is a role as `hotswap up` takes it: `embed:LANE` stands for the workers of all its builds.
Answers from their reports on `observations`. A worker that is stalled or paused is healthy: a
restart would not help it, and `hotswap status` tells why it waits.
"""

import asyncio
import sys
import time
from collections.abc import Iterable, Sequence

from schemas import WorkerReport, WorkerState
from streams.config.load import load
from streams.errors import HotswapError
from streams.migration.state import State
from streams.services.open import open_control, open_log
from streams.services.roster import parse_embed, roles_wanted
from streams.services.status import latest_reports

__all__ = ["main", "problem", "problem_of_any"]

_SILENT_AFTER_MS = 15_000
_ALIVE = (WorkerState.RUNNING, WorkerState.STALLED, WorkerState.PAUSED)


def problem(role: str, reports: Iterable[WorkerReport], now_ms: int) -> str | None:
    """What is wrong, in words; None if some worker of the role has lately said that it lives.

    Args:
        role: `normalise`, `embed:<lane>` or `embed:<lane>:<build>`, as reports name it.
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


def problem_of_any(
    role: str, state: State, reports: Sequence[WorkerReport], now_ms: int
) -> str | None:
    """What is wrong with the first that is not well, of the roles that `hotswap up ROLE` runs.

    A build that was dropped has no worker, and needs none.
    """
    embeds = parse_embed(role)
    if embeds is not None and embeds[0] not in state.lanes:
        return f"lane {embeds[0]} has no build"
    problems = (problem(one, reports, now_ms) for one in roles_wanted([role], state))
    return next(filter(None, problems), None)


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
        state = await open_control(settings, log).refresh()
        reports = await latest_reports(log, settings.kafka.topics.observations)
    finally:
        await log.close()
    return problem_of_any(role, state, reports, time.time_ns() // 1_000_000)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
