"""Collecting what the exit criteria judge by, as often as somebody looks.

Time is the broker's: "now" is the highest time of a record on `control` or `observations`. To
learn it, a look first appends a sign of life to `observations`, unless it must change nothing.
"""

import time
import uuid
from dataclasses import dataclass

from schemas import WorkerReport, WorkerState
from streams.config import Settings
from streams.core.criteria import Backlog, Judged, Limits, Look, judge
from streams.core.dead_letters import LetterState
from streams.core.role_names import embed_role_name
from streams.errors import ConfigurationError
from streams.migration.fold import Folded
from streams.migration.state import State
from streams.ports import Log, NewRecord
from streams.services.control import ControlLog
from streams.services.dead_letters import read_letters
from streams.services.exit_criteria.observed import Observed
from streams.services.exit_criteria.selection import (
    Pair,
    counted_quality,
    counted_queries,
    pair_of,
    verified_of,
    window_start,
)

__all__ = ["Collector", "Seen"]

_ROLE = "gate"


@dataclass(frozen=True, slots=True)
class Seen:
    """One look, judged.

    Attributes:
        look: what was seen.
        limits: what was asked for.
        judged: the verdict.
        state: of the control log, before anything else was looked at.
        as_of: offset up to which that is folded.
        source, target: lane and serving build.
    """

    look: Look
    limits: Limits
    judged: Judged
    state: State
    as_of: int
    source: tuple[str, int]
    target: tuple[str, int]


class Collector:
    """Looks at one migration.

    Args:
        settings: names of topics and groups, and what the gate asks for.
        log: where the topics are.
        control: the control log, not read yet: the times of its records are noted.
    """

    def __init__(self, settings: Settings, log: Log, control: ControlLog) -> None:
        self._settings = settings
        self._log = log
        self._control = control
        self._observed = Observed(log, settings.kafka.topics.observations)
        self._worker = f"{_ROLE}-{uuid.uuid4().hex[:8]}"
        self._changed: dict[int, int] = {}
        self._letters: tuple[dict[int, int], str, tuple[str, ...]] | None = None
        control.listen(self._note)

    def _note(self, folded: Folded) -> None:
        if folded.version == folded.offset:
            self._changed[folded.offset] = folded.at

    async def look(self, *, quietly: bool = False) -> Seen:
        """Look once.

        Args:
            quietly: append nothing; the time is then that of the newest record there is.

        Raises: TransientError, DriftError; ConfigurationError if no migration is defined.
        """
        # From here on: an order that comes while this looks is not covered by the verdict.
        state = await self._control.refresh()
        as_of = self._control.fold.offset
        pair = pair_of(state)
        if state.migration is None or pair is None:
            raise ConfigurationError("migration", "none is defined yet", "run `hotswap init`")
        if not quietly:
            await self._show_life(state)
        config = self._settings.gate
        await self._observed.refresh(config.window_hours)
        look = await self._look(state, pair)
        limits = config.limits(state.migration.policy.evidence_seconds)
        return Seen(look, limits, judge(look, limits), state, as_of, *pair)

    async def _look(self, state: State, pair: Pair) -> Look:
        now_ms = max(self._control.fold.time, self._observed.newest_ms)
        lane, build = pair[1]
        role = embed_role_name(lane, build)
        since = window_start(state, pair)
        look = Look(
            now_ms=now_ms,
            verified=verified_of(state, lane, build, now_ms),
            backlog=await self._backlog(role),
            letters=await self._open_letters(role),
        )
        if since is None:
            return look
        since_ms = self._changed.get(since)
        oldest_ms = now_ms - int(self._settings.gate.window_hours * 3_600_000)
        return Look(
            now_ms=now_ms,
            since_ms=since_ms,
            since_offset=since,
            verified=look.verified,
            backlog=look.backlog,
            letters=look.letters,
            mirrored=counted_queries(self._observed.queries, pair, since, oldest_ms),
            quality=counted_quality(self._observed.runs, pair, since, oldest_ms),
        )

    async def _show_life(self, state: State) -> None:
        topic = self._settings.kafka.topics.observations
        report = WorkerReport(
            worker=self._worker,
            role=_ROLE,
            at=time.time_ns() // 1_000_000,
            state=WorkerState.RUNNING,
            control_version=state.version,
        )
        await self._log.append([NewRecord(topic, _ROLE.encode(), report.encode())])

    async def _backlog(self, role: str) -> Backlog:
        topic = self._settings.kafka.topics.documents
        ends = await self._log.ends(topic)
        committed = await self._log.committed(self._settings.group(role), topic)
        done = {partition: min(committed.get(partition, 0), end) for partition, end in ends.items()}
        return Backlog(committed=sum(done.values()), lag=sum(ends.values()) - sum(done.values()))

    async def _open_letters(self, role: str) -> tuple[str, ...]:
        """Ids of the role's open letters, newest first; the topic is read when it has grown."""
        topic = self._settings.kafka.topics.dead_letters
        ends = await self._log.ends(topic)
        if self._letters is not None and self._letters[:2] == (ends, role):
            return self._letters[2]
        letters = await read_letters(
            self._log, topic, wanted=lambda letter: letter.letter.stage == role
        )
        ids = tuple(one.id for one in reversed(letters) if one.state is LetterState.OPEN)
        self._letters = (ends, role, ids)
        return ids
