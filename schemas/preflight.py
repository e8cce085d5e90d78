"""What a preflight looked at, and what it found."""

from pydantic import BaseModel, ConfigDict, Field

from schemas.evidence import PreflightVerdict
from schemas.record import Record

__all__ = ["CheckResult", "PreflightReport"]


class CheckResult(BaseModel):
    """One check with its outcome."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    area: str = Field(description="Such as `connect`, `source articles` or `lane ollama`.")
    check: str
    outcome: PreflightVerdict
    seen: str = Field(description="What was found, in words.")
    remedy: str = Field(default="", description="What to do; empty after a pass.")


class PreflightReport(Record):
    """Every check of one preflight. The verdict is the gravest outcome."""

    as_of: int | None = Field(
        description="Offset of the newest control record it knew; null if the log is not readable."
    )
    seconds: float = Field(default=0.0, description="How long it took.")
    checks: tuple[CheckResult, ...]
    verdict: PreflightVerdict

    def count(self, outcome: PreflightVerdict) -> int:
        """How many checks came out so."""
        return sum(check.outcome is outcome for check in self.checks)
