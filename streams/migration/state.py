"""What the control log amounts to, as a value.

Decides nothing: `fold` makes it, `rules` and `guards` judge by it, `reads` and `writes` say
what follows from it. Times are the broker's, in milliseconds since the epoch.

Named tuples: a fold over a long log copies them all the time, which costs dataclasses six
times as much.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

from schemas import BuildStarted, MigrationDefined, Stage
from schemas.evidence import GateEvidence, HealthEvidence, PreflightEvidence, VerifyEvidence

__all__ = [
    "AnyEvidence",
    "Build",
    "LaneState",
    "Ramp",
    "Recorded",
    "State",
    "evidence_key",
    "verify_key",
]

AnyEvidence = PreflightEvidence | VerifyEvidence | GateEvidence | HealthEvidence


_NOTHING: Mapping[str, Any] = MappingProxyType({})


class Build(NamedTuple):
    """One filling of one lane.

    Attributes:
        pinned: what it began with.
        since: offset of the record that began it.
        proven: verified clean since the lane's writes last began, and so fully written.
        served: it serves, or did once: promoting it again is a way back.
    """

    pinned: BuildStarted
    since: int
    proven: bool = False
    served: bool = False


class LaneState(NamedTuple):
    """One lane.

    Attributes:
        builds: number → build, of those that were not dropped.
        serving: the build that reads and writes mean.
        newest: the highest number that a build of it ever had.
        serves_from: offset of the record that made `serving` serve.
        written_from: offset of the record that switched its writes on; None if they are off.
        paused: why it is paused; None if it is not.
        documents_per_second: its throttle; None if it has none.
    """

    builds: Mapping[int, Build]
    serving: int
    newest: int = 0
    serves_from: int = -1
    written_from: int | None = None
    paused: str | None = None
    documents_per_second: float | None = None

    @property
    def build(self) -> Build:
        """The build that serves."""
        return self.builds[self.serving]

    @property
    def pinned(self) -> BuildStarted:
        """What the build that serves began with: collection, fingerprint, partitions."""
        return self.build.pinned

    @property
    def fully_written(self) -> bool:
        """Whether it holds every document: written, and proven to be since that began."""
        return self.written_from is not None and self.build.proven


class Ramp(NamedTuple):
    """Who reads from the target while the stage is live."""

    percent: float = 0.0
    cohorts: frozenset[str] = frozenset()
    since: int = 0
    """When it last changed."""
    raised_at: int = -1
    """Offset of the record that last raised it."""


class Recorded(NamedTuple):
    """Evidence as it stands in the log."""

    evidence: AnyEvidence
    offset: int
    at: int


class State(NamedTuple):
    """The whole state. Equal in every process that folded the same records."""

    version: int = -1
    """Offset of the newest command that changed something; evidence does not count."""
    migration: MigrationDefined | None = None
    defined_at: int = -1
    """Offset of the record that named its lanes."""
    stage: Stage = Stage.OFF
    stage_since: int = 0
    ramp: Ramp = Ramp()
    lanes: Mapping[str, LaneState] = _NOTHING
    reopened: bool = False
    """The source lane is written again although the stage is complete."""
    retired: bool = False
    autopilot: bool = False
    plan: tuple[float, ...] = (5.0, 10.0, 50.0, 100.0)
    """The percentages that the autopilot goes through."""
    truncated: Mapping[str, str] = _NOTHING
    """Source → position of its newest truncate; what is older is gone."""
    evidence: Mapping[str, Recorded] = _NOTHING
    """`preflight`, `gate`, `health` or `verify:<lane>/<build>` → the newest."""


def verify_key(lane: str, build: int) -> str:
    """Under which name the newest verify of a build is kept."""
    return f"verify:{lane}/{build}"


def evidence_key(evidence: AnyEvidence) -> str:
    """Under which name the newest evidence of its sort is kept."""
    if isinstance(evidence, VerifyEvidence):
        return verify_key(evidence.lane, evidence.build)
    return evidence.kind
