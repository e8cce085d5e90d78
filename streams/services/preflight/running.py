"""One preflight from its facts to its evidence."""

import time
import uuid
from collections.abc import Callable

from schemas import PreflightEvidence
from schemas.preflight import PreflightReport
from streams.config import Settings
from streams.core.preflight import estimates, judge
from streams.core.preflight.results import worst
from streams.ports import Log
from streams.services.control import ControlLog
from streams.services.orders import Outcome, order
from streams.services.preflight.collecting import Progress, collect

__all__ = ["preflight", "record"]


async def preflight(
    settings: Settings,
    log: Log,
    control: ControlLog,
    on_progress: Callable[[Progress], None] = lambda _progress: None,
) -> PreflightReport:
    """Make every check. Changes nothing anywhere.

    Args:
        settings: say what there is to look at.
        log: Kafka.
        control: is brought up to date first.
        on_progress: called often; must return at once.
    """
    started = time.perf_counter()
    facts, as_of = await collect(settings, log, control, on_progress)
    checks = tuple(judge(facts))
    return PreflightReport(
        as_of=as_of,
        seconds=time.perf_counter() - started,
        checks=checks,
        estimates=tuple(estimates(facts)),
        verdict=worst([check.outcome for check in checks]),
    )


async def record(control: ControlLog, report: PreflightReport, by: str) -> Outcome:
    """Append the verdict to the control log as evidence, and tell what became of it.

    Args:
        control: the log that `as_of` is an offset of.
        report: of a preflight that could read it.
        by: who asked for the preflight.

    Raises:
        TransientError: whether it was recorded is not known.
        ValueError: the control log could not be read, so the verdict stands for no moment.
    """
    if report.as_of is None:
        raise ValueError("a preflight that could not read the control log is no evidence")
    evidence = PreflightEvidence(
        id=str(uuid.uuid4()), by=by, as_of=report.as_of, verdict=report.verdict
    )
    return await order(control, evidence)
