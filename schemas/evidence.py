"""Evidence on the control log: recorded results that a transition may depend on.

It expires, by the broker's clock. `as_of` is the control log's own time: the offset up to
which the collector had folded before it looked, so that evidence from before a change is never
taken for evidence after it, whatever anybody's clock says.
"""

from enum import StrEnum
from typing import Literal

from pydantic import ConfigDict, Field

from schemas.command import Command, Int64, Word
from schemas.verify import Finding, Verdict

__all__ = [
    "Evidence",
    "GateEvidence",
    "GateVerdict",
    "Health",
    "HealthEvidence",
    "PreflightEvidence",
    "PreflightVerdict",
    "VerifyEvidence",
]


class PreflightVerdict(StrEnum):
    """Whether everything is ready for both lanes to be written."""

    PASS = "pass"  # noqa: S105 - no password
    WARN = "warn"
    FAIL = "fail"


class GateVerdict(StrEnum):
    """Whether all exit criteria are met; without data it is inconclusive."""

    SUCCESSFUL = "successful"
    FAILED = "failed"
    INCONCLUSIVE = "inconclusive"


class Health(StrEnum):
    """How the lane that reads move to was over the last windows."""

    HEALTHY = "healthy"
    UNHEALTHY = "unhealthy"
    INCONCLUSIVE = "inconclusive"


class Evidence(Command):
    """What all evidence has. Machines write it, so fields of a later version are left out."""

    model_config = ConfigDict(frozen=True, extra="ignore", strict=True)

    as_of: Int64 = Field(ge=-1, description="Offset of the newest control record it knew.")


class PreflightEvidence(Evidence):
    """The outcome of `hotswap preflight`."""

    kind: Literal["preflight"] = "preflight"
    verdict: PreflightVerdict


class VerifyEvidence(Evidence):
    """The outcome of `hotswap verify` for one build of one lane."""

    kind: Literal["verify"] = "verify"
    lane: Word
    build: Int64 = Field(ge=1)
    verdict: Verdict
    documents: Int64 = Field(ge=0)
    rows: Int64 = Field(ge=0)
    counts: dict[Finding, Int64] = Field(
        default_factory=dict, description="Findings that occurred."
    )


class GateEvidence(Evidence):
    """The verdict on the exit criteria of the dual-write window."""

    kind: Literal["gate"] = "gate"
    verdict: GateVerdict


class HealthEvidence(Evidence):
    """How the reads of the target lane went, over the windows since `as_of` at the latest."""

    kind: Literal["health"] = "health"
    verdict: Health
    samples: Int64 = Field(ge=0, description="Reads of the target that it rests on.")
