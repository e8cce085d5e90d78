"""The gate: collects what the exit criteria judge by, and records their verdict.

The criteria themselves are `streams.core.criteria`.
"""

from streams.services.exit_criteria.collector import Collector, Seen
from streams.services.exit_criteria.evidence import is_due, record

__all__ = ["Collector", "Seen", "is_due", "record"]
