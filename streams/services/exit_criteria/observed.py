"""Mirrored queries and quality on `observations`: read back as far as a window goes, then on.

Times are those of the records. Decides what is read, and not what counts: that is `selection`.
"""

from collections import deque
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from pydantic import ValidationError

from schemas import QualityObservation, ShadowObservation, UnknownSchemaVersion
from schemas.observation import parse_observation
from streams.ports import Log, LogRecord

__all__ = ["MOST_QUERIES", "Observed", "SeenQuality", "SeenQuery"]

MOST_QUERIES = 20_000
"""Mirrored queries that are kept; the newest count."""
_MOST_RUNS = 100
_FIRST_RECORDS, _LARGEST_RECORDS = 2_000, 128_000


class SeenQuery(NamedTuple):
    """A mirrored query, and the time of its record in ms since the epoch."""

    at: int
    observation: ShadowObservation


class SeenQuality(NamedTuple):
    """A run of `hotswap quality`, and the time of its record in ms since the epoch."""

    at: int
    observation: QualityObservation


class Observed:
    """What the topic holds of both, oldest first.

    Args:
        log: where the topic is.
        topic: `observations`.

    Attributes:
        queries, runs: what was read.
        newest_ms: the highest time of all records that were read, of whatever kind; 0: none.
    """

    def __init__(self, log: Log, topic: str) -> None:
        self._log = log
        self._topic = topic
        self._positions: Mapping[int, int] | None = None
        self.queries: deque[SeenQuery] = deque(maxlen=MOST_QUERIES)
        self.runs: deque[SeenQuality] = deque(maxlen=_MOST_RUNS)
        self.newest_ms = 0

    async def refresh(self, hours: float) -> None:
        """Read what came since the last time; at first, as far back as so many hours.

        Raises: TransientError, ConfigurationError; DriftError if the topic was made again.
        """
        ends = await self._log.ends(self._topic)
        if self._positions is None:
            pages = await self._read_back(ends, hours)
        else:
            pages = [await self._read(self._positions, ends)]
        for page in pages:
            self._take(page)
        self._positions = ends

    async def _read_back(self, ends: Mapping[int, int], hours: float) -> list[list[LogRecord]]:
        """Pieces that grow towards the past, until one begins before the window; oldest first."""
        pieces: list[list[LogRecord]] = []
        until, size = ends, _FIRST_RECORDS
        while True:
            since = {partition: max(0, end - size) for partition, end in until.items()}
            piece = await self._read(since, until)
            pieces.insert(0, piece)
            if piece:
                self.newest_ms = max(self.newest_ms, *(record.timestamp for record in piece))
            if not _goes_on(piece, since, self.newest_ms - int(hours * 3_600_000)):
                return pieces
            until, size = since, min(2 * size, _LARGEST_RECORDS)

    async def _read(self, since: Mapping[int, int], until: Mapping[int, int]) -> list[LogRecord]:
        pages = self._log.read(self._topic, since=since, until=until)
        records = [record async for page in pages for record in page]
        return sorted(records, key=lambda record: record.timestamp)

    def _take(self, records: Sequence[LogRecord]) -> None:
        for record in records:
            self.newest_ms = max(self.newest_ms, record.timestamp)
            value = record.value or b""
            # Workers' reports are by far the most, and say nothing here.
            if b'"shadow"' not in value and b'"quality"' not in value:
                continue
            try:
                observation = parse_observation(value)
            except (ValidationError, UnknownSchemaVersion):
                continue  # of another version of Hotswap, or not ours
            if isinstance(observation, ShadowObservation):
                self.queries.append(SeenQuery(record.timestamp, observation))
            elif isinstance(observation, QualityObservation):
                self.runs.append(SeenQuality(record.timestamp, observation))


def _goes_on(piece: Sequence[LogRecord], since: Mapping[int, int], start_ms: int) -> bool:
    """Whether records of the window may stand before this piece, in any partition."""
    oldest: dict[int, int] = {}
    for record in piece:
        at = oldest.get(record.partition, record.timestamp)
        oldest[record.partition] = min(at, record.timestamp)
    return any(
        first > 0 and partition in oldest and oldest[partition] >= start_ms
        for partition, first in since.items()
    )
