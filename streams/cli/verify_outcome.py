"""What one run of `hotswap verify` came to: for its exit status, its JSON and its report file."""
# ruff: noqa: PLC0415 (`hotswap --help` must not wait for libraries it does not use)

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from streams.cli import verify_view
from streams.cli.exits import Exit

if TYPE_CHECKING:
    from schemas import RepairReport, SourceReport
    from streams.services.orders import Outcome
    from streams.services.verify_lane import Verified

__all__ = ["Done", "LaneDone"]


@dataclass(slots=True)
class LaneDone:
    """One lane.

    Attributes:
        verified: the verification that counts.
        before: the one before a repair.
        repair: what was mended in between, or would be.
        recorded: the verdict's record in the control log, once it stands there.
    """

    verified: "Verified"
    before: "Verified | None" = None
    repair: "RepairReport | None" = None
    recorded: "Outcome | None" = None


@dataclass(slots=True)
class Done:
    """What has been verified so far."""

    source: "SourceReport | None" = None
    lanes: list[LaneDone] = field(default_factory=list)

    @property
    def any(self) -> bool:
        """Whether there is something to tell."""
        return self.source is not None or bool(self.lanes)

    def as_data(self) -> dict[str, Any]:
        """Of each lane the report, with `repair` and `evidence`: null if there is none."""
        return {
            "source": self.source and self.source.model_dump(mode="json"),
            "lanes": [
                {
                    **one.verified.report.model_dump(mode="json"),
                    "repair": one.repair and one.repair.model_dump(mode="json"),
                    "evidence": verify_view.evidence_as_data(one.recorded),
                }
                for one in self.lanes
            ],
        }

    def status(self) -> Exit:
        """The exit status: what differs is told before what is not known yet."""
        from schemas.verify import Verdict

        verdicts = {one.verified.report.verdict for one in self.lanes}
        if self.source is not None:
            verdicts.add(self.source.verdict)
        if Verdict.DIFFERENT in verdicts:
            return Exit.FAILED
        return Exit.INCONCLUSIVE if Verdict.INCONCLUSIVE in verdicts else Exit.OK
