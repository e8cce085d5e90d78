"""Ends a worker that has work and does none.

An agent can die quietly while its process lives on, and a blocked event loop reports
nothing at all. So this runs in a thread of its own, and ends the process: its records were
not completed and come again to whoever starts next.
"""

import logging
import os
import threading
from collections.abc import Callable

from streams.agents.progress import Progress

__all__ = ["EXIT_STUCK", "Watchdog"]

_log = logging.getLogger(__name__)

EXIT_STUCK = 70
"""Exit status of a worker that ended itself because it was stuck."""


class Watchdog:
    """Calls `end` once there has been work, and no sign of life, for too long."""

    def __init__(
        self,
        progress: Progress,
        unfinished: Callable[[], int],
        *,
        stuck_after_seconds: float,
        end: Callable[[int], object] = os._exit,
    ) -> None:
        self._progress = progress
        self._unfinished = unfinished
        self._stuck_after = stuck_after_seconds
        self._end = end
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="watchdog", daemon=True)

    def start(self) -> None:
        """Begin to watch."""
        self._thread.start()

    def stop(self) -> None:
        """Stop watching, and wait for the thread."""
        self._stop.set()
        self._thread.join()

    def is_stuck(self) -> bool:
        """Whether there is work, and nothing has moved for too long."""
        return self._unfinished() > 0 and self._progress.silence() > self._stuck_after

    def _watch(self) -> None:
        while not self._stop.wait(self._stuck_after / 10):
            if self.is_stuck():
                _log.critical(
                    "%d records wait and nothing has moved for %.0f s; ending the process so"
                    " that they are taken up again",
                    self._unfinished(),
                    self._progress.silence(),
                )
                self._end(EXIT_STUCK)
                return
