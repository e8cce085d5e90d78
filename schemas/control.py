"""Commands on the control log: append-only, folded by every process, kept for ever.

A command is plain JSON that a human can type. Its shape is checked strictly, since a field
that is misspelt and dropped would be an order that nobody gave. What a well-formed command is
allowed to do is decided by the fold (`streams.migration`), not here.
"""

from enum import StrEnum
from typing import Annotated, Any, Literal, Self

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    TypeAdapter,
    model_validator,
)

from schemas.canary import Canary
from schemas.command import Command, Int64, Word
from schemas.evidence import GateEvidence, HealthEvidence, PreflightEvidence, VerifyEvidence
from schemas.fingerprint import Fingerprint

__all__ = [
    "FLAG",
    "Autopilot",
    "BuildDropped",
    "BuildPromoted",
    "BuildStarted",
    "Command",
    "ControlRecord",
    "FlagSet",
    "MigrationDefined",
    "Pause",
    "PinnedModel",
    "Policy",
    "RampSet",
    "Reopen",
    "Resume",
    "Retire",
    "Rollback",
    "SourceTruncated",
    "Stage",
    "StageSet",
    "Throttle",
    "parse_control",
]

FLAG = "useLocalEmbeddings"


class Stage(StrEnum):
    """The six stages of a migration, in their order."""

    OFF = "off"
    """Reads and writes on the source lane only."""
    DUALWRITE = "dualwrite"
    """Both lanes are written, the source is read."""
    SHADOW = "shadow"
    """Reads are mirrored to the target as well; answers come from the source."""
    LIVE = "live"
    """Reads go by the ramp, both lanes are written."""
    RAMPDOWN = "rampdown"
    """Only the target is read, both are written: the safety period."""
    COMPLETE = "complete"
    """Only the target is read and written."""


_Percent = Annotated[float, Field(ge=0, le=100, allow_inf_nan=False)]


def _flag_value(value: Any) -> Any:  # noqa: ANN401 - whatever the JSON holds
    """One sentence for all that is no value of the flag, instead of one per alternative."""
    if isinstance(value, bool | int | float) and 0 <= value <= 100:  # noqa: PLR2004 - per cent
        return value
    raise ValueError("is neither true nor false, nor a percentage from 0 to 100")


class StageSet(Command):
    """Go to a stage: one further, or any back."""

    kind: Literal["stage"] = "stage"
    to: Stage


class RampSet(Command):
    """Who reads from the target while the stage is `live`; what is left out stays as it is."""

    kind: Literal["ramp"] = "ramp"
    percent: _Percent | None = None
    cohorts: Annotated[list[Word], Field(max_length=100)] | None = None

    @model_validator(mode="after")
    def _says_something(self) -> Self:
        if self.percent is None and self.cohorts is None:
            raise ValueError("names neither percent nor cohorts")
        return self


class Rollback(Command):
    """Put all reads back on the source lane, at once."""

    kind: Literal["rollback"] = "rollback"
    to: Literal[Stage.OFF, Stage.DUALWRITE, Stage.SHADOW] = Stage.SHADOW


class FlagSet(Command):
    """The flag: true is ramp 100, false is a rollback, a number is that ramp."""

    kind: Literal["flag"] = "flag"
    name: Literal["useLocalEmbeddings"] = "useLocalEmbeddings"
    value: Annotated[bool | _Percent, BeforeValidator(_flag_value)]


class _OfLane(Command):
    lane: Word


class Pause(_OfLane):
    """The lane takes no further work; it keeps its place."""

    kind: Literal["pause"] = "pause"


class Resume(_OfLane):
    """The lane works again."""

    kind: Literal["resume"] = "resume"


class Throttle(_OfLane):
    """The lane embeds no more than this, over all its workers."""

    kind: Literal["throttle"] = "throttle"
    documents_per_second: Annotated[float, Field(gt=0, allow_inf_nan=False)] | None = Field(
        description="Null: as fast as it can."
    )


PinnedModel = tuple[Fingerprint, tuple[Canary, ...]]
"""What a provider said of a model, and what the model made of the canaries."""


class BuildStarted(_OfLane):
    """Pins a lane's fingerprint and collection for one filling from offset 0."""

    kind: Literal["build"] = "build"
    action: Literal["start"] = "start"
    build: Int64 = Field(ge=1)
    collection: Word
    fingerprint: Fingerprint
    documents_partitions: Int64 = Field(
        ge=1, description="Versions are offsets of `documents`, so its partitioning is for life."
    )
    canaries: Annotated[tuple[Canary, ...], Field(max_length=8)] = Field(
        default=(),
        description="What the model made of some short texts when the build began, as documents;"
        " without any, nothing of the sort is compared.",
    )

    @property
    def pinned_model(self) -> PinnedModel:
        """What its model is, by word and by deed: builds that agree in it can share vectors."""
        return self.fingerprint, self.canaries

    @model_validator(mode="after")
    def _canaries_fit(self) -> Self:
        wanted = self.fingerprint.dimensions
        for canary in self.canaries:
            if canary.dimensions != wanted:
                found = f"has {canary.dimensions} dimensions, not {wanted}"
                raise ValueError(f"the vector of canary {canary.text!r} {found}")
        return self


class BuildPromoted(_OfLane):
    """From now on the lane is read from this build."""

    kind: Literal["build"] = "build"
    action: Literal["promote"] = "promote"
    build: Int64 = Field(ge=1)


class BuildDropped(_OfLane):
    """A build that is not read is given up."""

    kind: Literal["build"] = "build"
    action: Literal["drop"] = "drop"
    build: Int64 = Field(ge=1)


class Autopilot(Command):
    """Whether healthy windows lead to the next ramp step by themselves, and to which."""

    kind: Literal["autopilot"] = "autopilot"
    on: bool
    plan: Annotated[list[_Percent], Field(min_length=1, max_length=100)] | None = Field(
        default=None, description="Percentages in rising order; left out: as it is."
    )

    @model_validator(mode="after")
    def _rises(self) -> Self:
        if self.plan is not None and sorted(set(self.plan)) != self.plan:
            raise ValueError("plan does not rise")
        return self


class Reopen(Command):
    """Write the source lane again after `complete`, so that a way back opens."""

    kind: Literal["reopen"] = "reopen"


class Retire(_OfLane):
    """Give the source lane up for good."""

    kind: Literal["retire"] = "retire"


class Policy(BaseModel):
    """What the guards ask for, in seconds of broker time and in numbers.

    Stands in the log, since two processes with guards of their own would fold to two states.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    evidence_seconds: Int64 = Field(default=86_400, gt=0, description="Evidence expires.")
    health_seconds: Int64 = Field(default=600, gt=0, description="So does evidence of health.")
    health_samples: Int64 = Field(default=100, ge=1, description="Reads that it must rest on.")
    full_hold_seconds: Int64 = Field(default=3_600, ge=0, description="At 100 % before rampdown.")
    safety_seconds: Int64 = Field(default=604_800, ge=0, description="In rampdown before complete.")
    retire_hold_seconds: Int64 = Field(default=604_800, ge=0, description="Complete before retire.")


class MigrationDefined(Command):
    """From which lane to which, and by what policy."""

    kind: Literal["migration"] = "migration"
    source: Word
    target: Word
    salt: Word = Field(description="Of the buckets; another one moves users about.")
    policy: Policy = Policy()

    @model_validator(mode="after")
    def _lanes_differ(self) -> Self:
        if self.source == self.target:
            raise ValueError("source and target are the same lane")
        return self


class SourceTruncated(Command):
    """A source was truncated: whatever is older than `position` in it is gone.

    Late change events from other partitions of the source's topic are measured
    against it, also by workers that start after the truncate was acknowledged.
    """

    kind: Literal["truncate"] = "truncate"
    source: str
    position: str


_Build = Annotated[BuildStarted | BuildPromoted | BuildDropped, Field(discriminator="action")]

ControlRecord = Annotated[
    StageSet
    | RampSet
    | Rollback
    | FlagSet
    | Pause
    | Resume
    | Throttle
    | _Build
    | Autopilot
    | Reopen
    | Retire
    | MigrationDefined
    | SourceTruncated
    | PreflightEvidence
    | VerifyEvidence
    | GateEvidence
    | HealthEvidence,
    Field(discriminator="kind"),
]

_ADAPTER: TypeAdapter[ControlRecord] = TypeAdapter(ControlRecord)
_validate_json = _ADAPTER.validator.validate_json  # without the adapter's own pass over arguments


def parse_control(value: bytes) -> ControlRecord:
    """Read one control record.

    Raises:
        pydantic.ValidationError: not JSON, an unknown kind, or a field is wrong.
        UnknownSchemaVersion: of a version that is not known here.
    """
    record: ControlRecord = _validate_json(value)
    return record
