"""What a preflight looked at, and what it found."""

from pydantic import BaseModel, ConfigDict, Field

from schemas.evidence import PreflightVerdict
from schemas.record import Record

__all__ = ["CheckResult", "LaneEstimate", "PreflightReport"]


class CheckResult(BaseModel):
    """One check with its outcome."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    area: str = Field(description="Such as `connect`, `source articles` or `lane ollama`.")
    check: str
    outcome: PreflightVerdict
    seen: str = Field(description="What was found, in words.")
    remedy: str = Field(default="", description="What to do; empty after a pass.")


class LaneEstimate(BaseModel):
    """About what it takes to fill one lane, from what the checks measured on the way.

    On the cautious side throughout; `hotswap plan` measures more closely.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    lane: str
    documents: int = Field(
        description="At most: records of `documents`, or the databases' rows if those are more."
    )
    documents_per_second: float = Field(description="As measured, one call at a time.")
    hours: float = Field(description="Until the lane has embedded them all at that rate.")
    tokens: int = Field(description="Of them all, by the mean of the sample.")
    tokens_by: str = Field(description="How the sample's tokens were counted.")
    money: float | None = Field(
        default=None, description="In the currency of the configured price; null without one."
    )


class PreflightReport(Record):
    """Every check of one preflight. The verdict is the gravest outcome."""

    as_of: int | None = Field(
        description="Offset of the newest control record it knew; null if the log is not readable."
    )
    seconds: float = Field(default=0.0, description="How long it took.")
    checks: tuple[CheckResult, ...]
    estimates: tuple[LaneEstimate, ...] = Field(
        default=(),
        description="Of each lane that could be measured; none while `documents` holds none.",
    )
    verdict: PreflightVerdict

    def count(self, outcome: PreflightVerdict) -> int:
        """How many checks came out so."""
        return sum(check.outcome is outcome for check in self.checks)
