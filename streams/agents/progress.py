"""What a worker says about itself: its state, its counters, and that it is alive."""

import time
from collections.abc import Callable, Mapping

from schemas import WorkerReport, WorkerState

__all__ = ["Progress"]


class Progress:
    """The state of one worker process, read by its reporter and its watchdog."""

    def __init__(self, worker: str, role: str, counters: Callable[[], Mapping[str, int]]) -> None:
        self._worker = worker
        self._role = role
        self._counters = counters
        self._state = WorkerState.STARTING
        self._reason = ""
        self._beat_at = time.monotonic()

    @property
    def state(self) -> WorkerState:
        """What the worker is doing."""
        return self._state

    def beat(self) -> None:
        """Say that something moved."""
        self._beat_at = time.monotonic()

    def silence(self) -> float:
        """Seconds since something moved."""
        return time.monotonic() - self._beat_at

    def set(self, state: WorkerState, reason: str = "") -> bool:
        """Note a state; True if it, or its reason, is a new one."""
        self.beat()
        changed = (state, reason) != (self._state, self._reason)
        self._state, self._reason = state, reason
        return changed

    def report(
        self,
        partitions: tuple[int, ...],
        *,
        rests: str | None,
        remark: str = "",
        control_version: int,
        control_age_seconds: float,
    ) -> WorkerReport:
        """The worker's account of itself as it is now.

        Args:
            partitions: that it has.
            rests: why the control log lets it take no work; None if it does.
            remark: what there is to say of it while it works.
            control_version: of the state that it goes by.
            control_age_seconds: since that was last known to be the newest.
        """
        state, reason = self._state, self._reason
        if state is WorkerState.RUNNING:
            state = state if rests is None else WorkerState.PAUSED
            reason = rests or reason or remark
        return WorkerReport(
            worker=self._worker,
            role=self._role,
            at=time.time_ns() // 1_000_000,
            state=state,
            reason=reason,
            control_version=control_version,
            control_age_seconds=control_age_seconds,
            partitions=partitions,
            counters=dict(self._counters()),
        )
