"""Preflight: look at every system, judge, and leave the verdict in the control log.

Whoever fails to answer becomes a failed check, and the other checks are made all the same.
"""

from streams.services.preflight.collecting import Progress
from streams.services.preflight.running import preflight, record

__all__ = ["Progress", "preflight", "record"]
