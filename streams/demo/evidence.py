"""What really happened, read back from Kafka: nothing here is remembered by the demo."""

from collections import Counter
from collections.abc import Sequence

import orjson

from schemas import WorkerReport
from streams.ports import Log, LogRecord

__all__ = ["events_by_kind", "totals"]

_KINDS = {
    "r": "snapshot reads",
    "c": "inserts",
    "u": "updates",
    "d": "deletes",
    "t": "truncates",
}


async def events_by_kind(log: Log, topics: Sequence[str]) -> Counter[str]:
    """How many change events of each kind stand on the topics."""
    kinds: Counter[str] = Counter()
    for topic in topics:
        async for page in log.read(topic):
            kinds.update(_kind(record) for record in page)
    return kinds


def _kind(record: LogRecord) -> str:
    if record.value is None:
        return "tombstones"
    event = orjson.loads(record.value)
    event = event.get("payload", event)
    return _KINDS.get(event.get("op"), "others")


def totals(reports: Sequence[WorkerReport], role: str) -> Counter[str]:
    """A role's counters, added up over all its worker processes."""
    last = {report.worker: report for report in reports if report.role == role}
    added: Counter[str] = Counter()
    for report in last.values():
        added.update(report.counters)
    return added
