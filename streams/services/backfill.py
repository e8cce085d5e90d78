"""Watching a build being filled: what `hotswap backfill` shows.

Embeds nothing and changes nothing: the lane's workers do the work, and everything that is shown
stands in Kafka and Milvus. Whoever looks may be killed and look again.
"""

import asyncio
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

from pydantic import BaseModel, Field

from schemas import BuildStarted, Verdict, VerifyEvidence, WorkerReport
from streams.config import Settings
from streams.core.backfill import Speed, advanced, behind, hindrances, living, seconds_left
from streams.core.dead_letters import LetterState
from streams.core.role_names import embed_role_name
from streams.errors import TransientError
from streams.migration.state import State, verify_key
from streams.migration.writes import is_written
from streams.ports import Log, VectorStore
from streams.services.catching_up import wait_for_group
from streams.services.dead_letters import read_letters
from streams.services.document_count import count_documents
from streams.services.shards import OnRead
from streams.services.status import latest_reports

__all__ = ["Backfill", "BackfillLook", "is_proven"]

_SILENT_MS = 10_000
_GRACE_SECONDS = 20.0
"""A worker that was killed needs some time to come back."""
_STILL_LOOKS = 5


class BackfillLook(BaseModel):
    """How far the filling of one build is."""

    lane: str
    build: int
    collection: str
    documents: int = Field(description="That have a vector: rows of the collection.")
    total: int = Field(description="Documents; as long as it is an estimate, at most so many.")
    total_is_exact: bool = Field(description="Counted, up to where this command began.")
    documents_per_second: float | None = Field(description="Smoothed; null if not known yet.")
    lag: dict[int, int] = Field(description="Partition → offsets to do; only those behind.")
    seconds_left: float | None = Field(description="Null if it is not known.")
    dead_letters: int = Field(description="Open ones of this build.")
    validation_failures: int = Field(
        description="Rows that were not read back as written, and were written again."
    )
    embedded: int = Field(description="Texts, by the workers that have reported lately.")
    workers: int = Field(description="That have reported lately.")
    hindrances: tuple[str, ...] = Field(description="Why workers do not get on.")
    reached: bool = Field(description="Whether the offsets are where `documents` ended.")


def is_proven(state: State, build: BuildStarted) -> bool:
    """Whether the newest verify of a build is clean, and from after its writes began."""
    lane = state.lanes[build.lane]
    recorded = state.evidence.get(verify_key(build.lane, build.build))
    if recorded is None or lane.written_from is None:
        return False
    evidence, began = recorded.evidence, max(lane.written_from, lane.builds[build.build].since)
    clean = isinstance(evidence, VerifyEvidence) and evidence.verdict is Verdict.CLEAN
    return clean and evidence.as_of >= began


@dataclass(slots=True)
class _Letters:
    """How many are open, as of these ends of the topic."""

    ends: Mapping[int, int]
    open: int


class Backfill:
    """The filling of one build, looked at again and again.

    Counts documents exactly beside the looks while its `async with` block runs.

    Args:
        settings: names of topics and groups.
        log: where the topics are.
        store: where the collection is.
        build: what is filled.
    """

    def __init__(
        self, settings: Settings, log: Log, store: VectorStore, build: BuildStarted
    ) -> None:
        self._topics = settings.kafka.topics
        self._log = log
        self._store = store
        self._build = build
        self.role = embed_role_name(build.lane, build.build)
        self._group = settings.group(self.role)
        self._until: dict[int, int] = {}
        self._reports: dict[str, WorkerReport] = {}
        self._letters: _Letters | None = None
        self._documents: Speed | None = None
        self._offsets: Speed | None = None
        self._still = 0
        self._lag: dict[int, int] = {}
        self._alone_since: float | None = None
        self._counting: asyncio.Task[int] | None = None
        self._on_read: OnRead = lambda _done, _total: None

    async def __aenter__(self) -> Self:
        """Note where `documents` ends now, and begin to count."""
        self._until = await self._log.ends(self._topics.documents)
        self._counting = asyncio.create_task(
            count_documents(self._log, self._topics.documents, self._until, self._tell)
        )
        return self

    async def __aexit__(self, *_exception: object) -> None:
        """Stop counting."""
        if self._counting is not None:
            self._counting.cancel()
            await asyncio.gather(self._counting, return_exceptions=True)

    async def counted(self, on_read: OnRead) -> None:
        """Wait until the documents are counted.

        Args:
            on_read: told how far that is.

        Raises: TransientError.
        """
        self._on_read = on_read
        if self._counting is not None:
            await self._counting

    async def look(self) -> BackfillLook:
        """Look once.

        Raises: TransientError, ConfigurationError.
        """
        at, now_ms = time.monotonic(), time.time_ns() // 1_000_000
        reports = await latest_reports(self._log, self._topics.observations)
        self._reports |= {one.worker: one for one in reports if one.role == self.role}
        workers = living(reports, self.role, now_ms, _SILENT_MS)
        self._alone_since = None if workers else self._alone_since or at
        committed = await self._log.committed(self._group, self._topics.documents)
        lag = await self._settled(behind(committed, self._until))
        rows = await self._store.count(self._build.collection)
        self._documents = advanced(self._documents, at, rows)
        self._offsets = advanced(self._offsets, at, -sum(lag.values()))
        exact = self._exact()
        total = sum(self._until.values()) if exact is None else exact
        return BackfillLook(
            lane=self._build.lane,
            build=self._build.build,
            collection=self._build.collection,
            documents=rows,
            total=max(total, rows) if exact is None else total,
            total_is_exact=exact is not None,
            documents_per_second=self._documents.per_second,
            lag=lag,
            seconds_left=seconds_left(sum(lag.values()), self._offsets.per_second),
            dead_letters=await self._open_letters(),
            validation_failures=self._counter("mismatched"),
            embedded=self._counter("embedded"),
            workers=len(workers),
            hindrances=hindrances(workers),
            reached=not lag,
        )

    def refuse_to_wait(self, look: BackfillLook, state: State) -> None:
        """Stop if there is nobody who could get any further. A pause is none of that: it ends.

        Raises: TransientError that says what to do.
        """
        lane = self._build.lane
        if not is_written(state, lane):
            raise TransientError(
                f"lane {lane} is not written in stage {state.stage}: nobody fills the build\n"
                "  remedy: run `hotswap stage dualwrite`, then this again"
            )
        alone = self._alone_since
        if not look.workers and alone is not None and time.monotonic() - alone >= _GRACE_SECONDS:
            raise TransientError(
                f"no worker of {self.role} has reported for {_GRACE_SECONDS:.0f} s: nobody fills"
                f" the build\n  remedy: run `hotswap worker embed {lane}"
                f" --build {self._build.build}`, or `hotswap up`"
            )

    async def _settled(self, lag: dict[int, int]) -> dict[int, int]:
        """Lag that stands still may be offsets without a record, which nobody commits."""
        self._still = self._still + 1 if lag and lag == self._lag else 0
        self._lag = lag
        if self._still < _STILL_LOOKS:
            return lag
        self._still = 0
        return await wait_for_group(
            self._log,
            self._group,
            self._topics.documents,
            self._until,
            wait_seconds=0,
            on_lag=lambda _lag: None,
        )

    def _tell(self, done: int, total: int) -> None:
        self._on_read(done, total)

    async def _open_letters(self) -> int:
        topic = self._topics.dead_letters
        ends = await self._log.ends(topic)
        if self._letters is None or self._letters.ends != ends:
            letters = await read_letters(
                self._log, topic, wanted=lambda one: one.letter.stage == self.role
            )
            is_open = [one.state is LetterState.OPEN for one in letters]
            self._letters = _Letters(ends, sum(is_open))
        return self._letters.open

    def _counter(self, name: str) -> int:
        return sum(report.counters.get(name, 0) for report in self._reports.values())

    def _exact(self) -> int | None:
        counting = self._counting
        return counting.result() if counting is not None and counting.done() else None
