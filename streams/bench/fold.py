"""How long a process takes to fold a long control log, as each does at its start.

The log is a migration that has come to `live` and goes on for ever: of eight records four are
evidence, two steps of the ramp, and two throttles. Each is accepted and changes the state,
which is the dear case.
"""

import itertools
import time
from collections.abc import Iterator
from typing import Any

import orjson

from streams.bench.measure import Measure, Pair, within
from streams.bench.rounds import Progress
from streams.core.records import LogRecord
from streams.migration.fold import Fold

__all__ = ["bench_fold"]

_MARK_SECONDS_PER_100_000 = 1.0
_RUNS = 5
_PAGE = 500
_START = 1_800_000_000_000
_FORCE = {"force": True, "reason": "a bench"}


def bench_fold(count: int, progress: Progress) -> Measure:
    """Seconds to fold `count` records, against the mark that is set for 100,000."""
    progress.begin("folds", _RUNS)
    taken = []
    for _ in range(_RUNS):
        taken.append(_fold(count))
        progress.advance(1)
    mark = _MARK_SECONDS_PER_100_000 * count / 100_000
    pairs = [Pair(seconds, mark) for seconds in taken]
    return within(f"control, fold of {count:,} records, to {mark:g} s", pairs, unit="s")


def _fold(count: int) -> float:
    """Seconds that it takes; making the records, a page at a time as Kafka's come, is left out."""
    fold, records, seconds = Fold(), _log(count), 0.0
    while page := list(itertools.islice(records, _PAGE)):
        began = time.perf_counter()
        for record in page:
            fold.take(record)
        seconds += time.perf_counter() - began
    assert fold.state.version >= count - 8, "the log is not accepted as it was meant to be"  # noqa: S101
    return seconds


def _log(count: int) -> Iterator[LogRecord]:
    for offset, command in enumerate(itertools.islice(_commands(), count)):
        value = orjson.dumps({"id": f"id-{offset}", "by": "hotswap bench", **command})
        yield LogRecord("control", 0, offset, None, value, _START + 1_000 * offset)


def _commands() -> Iterator[dict[str, Any]]:
    for lane in ("cloud", "ollama"):
        fingerprint = {"provider": "memory", "model": "none", "dimensions": 8}
        yield {
            "kind": "build",
            "action": "start",
            "lane": lane,
            "build": 1,
            "collection": f"documents_{lane}_1",
            "fingerprint": fingerprint,
            "documents_partitions": 12,
        }
    yield {"kind": "migration", "source": "cloud", "target": "ollama", "salt": "salt"}
    yield {"kind": "stage", "to": "dualwrite", **_FORCE}
    clean = {"verdict": "clean", "documents": 1, "rows": 1}
    yield {"kind": "verify", "lane": "ollama", "build": 1, "as_of": 3, **clean}
    yield {"kind": "stage", "to": "shadow"}
    yield {"kind": "stage", "to": "live", **_FORCE}
    for offset in itertools.count(7, 8):
        yield {"kind": "health", "verdict": "healthy", "samples": 100, "as_of": offset - 1}
        yield {"kind": "ramp", "percent": 10}
        yield {"kind": "throttle", "lane": "ollama", "documents_per_second": offset}
        yield {"kind": "health", "verdict": "healthy", "samples": 100, "as_of": offset + 2}
        yield {"kind": "ramp", "percent": 5}
        yield {"kind": "throttle", "lane": "cloud", "documents_per_second": offset}
        yield {"kind": "health", "verdict": "healthy", "samples": 100, "as_of": offset + 5}
        yield {"kind": "verify", "lane": "ollama", "build": 1, "as_of": offset + 6, **clean}
