"""A pipe between a supervisor and its children, by which none outlives it.

The supervisor holds the writing end and never writes; the other end is the standard input of the
child. However the supervisor ends, by SIGKILL too, the pipe closes with it, and the child ends as
it does when it is told to. Otherwise a second supervisor would run every role twice.
"""

import os
import signal
import threading
import time
from collections.abc import Mapping

__all__ = ["STOP_SECONDS", "environment", "hold_on"]

STOP_SECONDS = 30.0
"""How long a child may take to end in good order before it is killed."""

_VARIABLE = "HOTSWAP_LIFELINE"


def environment() -> Mapping[str, str]:
    """What a child's environment must have so that it takes its standard input for a lifeline."""
    return {**os.environ, _VARIABLE: "1"}


def hold_on() -> None:
    """In a child: end once the supervisor is gone. Without a supervisor, nothing."""
    # Taken out, since what this process starts has another standard input.
    if os.environ.pop(_VARIABLE, None) is not None:
        threading.Thread(target=_end_with_the_other_end, name="lifeline", daemon=True).start()


def _end_with_the_other_end() -> None:
    while os.read(0, 1024):
        pass
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(STOP_SECONDS)
    os.kill(os.getpid(), signal.SIGKILL)
