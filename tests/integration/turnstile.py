"""A relay in front of an embedder that keeps the calls waiting that a test picks out.

While a call waits, the worker that made it is in the middle of a batch: it has taken records,
and can not be done with them.
"""

import threading

import httpx

from streams.adapters.recording_relay import RecordingRelay

__all__ = ["Turnstile"]

_PATIENCE_SECONDS = 120.0


class Turnstile(RecordingRelay):
    """See the module; open until it is told otherwise. Used in a `with` block."""

    def __init__(self, upstream: str) -> None:
        super().__init__(upstream, _PATIENCE_SECONDS)
        self._mark: bytes | None = None
        self._left = 0
        self._turn = threading.Lock()
        self._open = threading.Event()
        self._waiting = False

    def hold(self, mark: str, *, after: int = 0) -> None:
        """Let so many calls more pass whose texts hold `mark`, and no other until `release`."""
        self._mark, self._left, self._waiting = mark.encode(), after, False
        self._open.clear()

    def holds_a_call(self) -> bool:
        """Whether a call waits."""
        return self._waiting

    def release(self) -> None:
        """Let everything pass."""
        self._mark, self._waiting = None, False
        self._open.set()

    def forward(
        self, method: str, path: str, headers: dict[str, str], sent: bytes
    ) -> httpx.Response:
        """See `RecordingRelay`."""
        if self._must_wait(sent):
            self._waiting = True
            self._open.wait(_PATIENCE_SECONDS)
        return super().forward(method, path, headers, sent)

    def _must_wait(self, sent: bytes) -> bool:
        with self._turn:
            if self._mark is None or self._mark not in sent:
                return False
            self._left -= 1
            return self._left < 0
