"""Records of the control log: append-only, folded by every process."""

from typing import Annotated, Literal

from pydantic import Field, TypeAdapter

from schemas.fingerprint import Fingerprint
from schemas.record import Record

__all__ = ["BuildStarted", "ControlRecord", "SourceTruncated", "parse_control"]


class BuildStarted(Record):
    """Pins a lane's fingerprint and collection for one filling from offset 0."""

    kind: Literal["build"] = "build"
    action: Literal["start"] = "start"
    id: str
    by: str
    lane: str
    build: int = Field(ge=1)
    collection: str
    fingerprint: Fingerprint
    documents_partitions: int = Field(
        ge=1, description="Versions are offsets of `documents`, so its partitioning is for life."
    )


class SourceTruncated(Record):
    """A source was truncated: whatever is older than `position` in it is gone.

    Late change events from other partitions of the source's topic are measured
    against it, also by workers that start after the truncate was acknowledged.
    """

    kind: Literal["truncate"] = "truncate"
    id: str
    by: str
    source: str
    position: str


ControlRecord = Annotated[BuildStarted | SourceTruncated, Field(discriminator="kind")]

_ADAPTER: TypeAdapter[BuildStarted | SourceTruncated] = TypeAdapter(ControlRecord)


def parse_control(value: bytes) -> BuildStarted | SourceTruncated:
    """Read one control record.

    Raises:
        pydantic.ValidationError: not JSON, an unknown kind, or a field is wrong.
    """
    return _ADAPTER.validate_json(value)
