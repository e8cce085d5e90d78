"""Which lane a read goes to: a pure function of the flag and of who asks.

The same answer in every process, after every restart and in every version: the hash is fixed
and its version stands in the salted input. Knows nothing of stages; see
`streams.migration.reads` for how a state becomes a `Routing`.
"""

import hashlib
from dataclasses import dataclass
from enum import StrEnum

__all__ = ["BUCKETS", "Reason", "Route", "Routing", "bucket", "route"]

BUCKETS = 100_000
"""A thousandth of a percent is the smallest step of a ramp."""


class Reason(StrEnum):
    """Why a read goes where it goes, in OpenFeature's words where it has one."""

    DEFAULT = "DEFAULT"
    """Reads are on the source, or nothing tells who asks."""
    STATIC = "STATIC"
    """All reads are on the target."""
    TARGETING_MATCH = "TARGETING_MATCH"
    """The asker's cohort reads from the target."""
    SPLIT = "SPLIT"
    """The asker's bucket decided."""
    FALLBACK = "FALLBACK"
    """The lane picked did not answer in time; OpenFeature has no word for this one."""


@dataclass(frozen=True, slots=True)
class Routing:
    """The flag as a value.

    Attributes:
        source: the lane that reads come from.
        target: the lane that reads go to.
        percent: share of askers that read from the target, 0 … 100.
        cohorts: cohorts that read from the target whatever their bucket.
        mirrored: whether reads are also mirrored to the other lane.
        salt: of the buckets; for life of a migration.
        version: of the state it comes from.
    """

    source: str
    target: str
    percent: float = 0.0
    cohorts: frozenset[str] = frozenset()
    mirrored: bool = False
    salt: str = ""
    version: int = -1


@dataclass(frozen=True, slots=True)
class Route:
    """Where a read goes, and why."""

    lane: str
    reason: Reason
    uses_target: bool


def bucket(salt: str, targeting_key: str) -> int:
    """The bucket of an asker, 0 … 99,999. Never change this: users would move.

    Any text is a key; half a surrogate pair, which UTF-8 has no place for, is hashed as the three
    bytes that it would take.
    """
    salted = f"hotswap-bucket-v1\0{salt}\0{targeting_key}".encode(errors="surrogatepass")
    digest = hashlib.sha256(salted).digest()
    return int.from_bytes(digest[:8]) % BUCKETS


def route(routing: Routing, targeting_key: str | None = None, cohort: str | None = None) -> Route:
    """The lane for one read.

    Cohorts come first. Percentages are nested: who reads from the target at 5 % does so at 10 %.
    An asker without a key stays on the source until all are moved.
    """
    if routing.percent >= 100:  # noqa: PLR2004 - per cent
        return Route(routing.target, Reason.STATIC, uses_target=True)
    if cohort is not None and cohort in routing.cohorts:
        return Route(routing.target, Reason.TARGETING_MATCH, uses_target=True)
    if routing.percent <= 0 or not targeting_key:
        return Route(routing.source, Reason.DEFAULT, uses_target=False)
    if bucket(routing.salt, targeting_key) < round(routing.percent * BUCKETS / 100):
        return Route(routing.target, Reason.SPLIT, uses_target=True)
    return Route(routing.source, Reason.SPLIT, uses_target=False)
