"""The gate's verdict as evidence on the control log, and when one is worth a record."""

import uuid

from schemas import GateEvidence, GateVerdict
from streams.services.control import ControlLog
from streams.services.exit_criteria.collector import Seen
from streams.services.orders import Outcome, order

__all__ = ["is_due", "record"]

_SETTLE_MS = 10_000
"""A verdict that turns to and fro is recorded no more often, except that all is well no more."""


def is_due(seen: Seen) -> bool:
    """Whether the verdict tells the guards something that the newest evidence does not.

    It does if it differs, if the newest evidence is from before the window began, and if that
    has come to half its life. Watching adds no more than that to a log that is kept for ever.
    """
    kept = seen.state.evidence.get("gate")
    if kept is None:
        return True
    verdict, now_ms = seen.judged.verdict, seen.look.now_ms
    since = seen.look.since_offset
    if since is not None and kept.evidence.as_of < since:
        return True
    if kept.evidence.verdict != verdict:
        was_good = kept.evidence.verdict is GateVerdict.SUCCESSFUL
        return was_good or now_ms - kept.at >= _SETTLE_MS
    return now_ms - kept.at >= 500 * seen.limits.evidence_seconds


async def record(control: ControlLog, seen: Seen, by: str) -> Outcome:
    """Append the verdict to the control log, and tell what became of it.

    Raises: TransientError: whether it was recorded is not known.
    """
    return await order(
        control,
        GateEvidence(
            id=str(uuid.uuid4()),
            by=by,
            reason=seen.judged.reason[:4_000],
            as_of=seen.as_of,
            verdict=seen.judged.verdict,
        ),
    )
