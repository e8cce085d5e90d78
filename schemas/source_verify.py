"""What a comparison of the source database itself with `documents` found."""

from enum import StrEnum

from pydantic import BaseModel, ConfigDict, Field

from schemas.record import Record
from schemas.verify import Verdict

__all__ = ["SourceFinding", "SourceReport", "SourceResult", "SourceSample"]


class SourceFinding(StrEnum):
    """What can be the matter with one row. A row counts once; the first that applies counts."""

    MISSING = "missing"
    """A row without a document."""
    EXTRA = "extra"
    """A document without a row, or whose row has no text."""
    STALE = "stale"
    """A document of another text than the row's."""
    METADATA = "metadata"
    """A document of the row's text, with other metadata."""
    DEAD_LETTERED = "dead_lettered"
    """One of these, because the row's last change event is a dead letter. No difference."""


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")


class SourceSample(_Part):
    """One row with a finding. `id`: the document's; the key as JSON where there can be none."""

    id: str
    expected: str
    found: str


class SourceResult(_Part):
    """One source: its table, and the documents that came from it."""

    source: str
    table: str
    rows: int = Field(description="Rows read in the first pass.")
    without_text: int = Field(description="Of these, rows that have no text, so no document.")
    documents: int = Field(description="Live documents when the comparison began.")
    changing: int = Field(
        description="Rows left out: they went on changing, and their documents with them."
    )
    unsettled: int = Field(
        description="Rows that differed, and neither stood still nor settled in time."
    )
    counts: dict[SourceFinding, int] = Field(description="Every finding, with 0 where none.")
    samples: dict[SourceFinding, tuple[SourceSample, ...]] = Field(
        default_factory=dict, description="At most ten of each, by id."
    )


class SourceReport(Record):
    """The source tables compared with `documents`, row by row.

    Holds for the moment when the comparison began, except for rows that differed: those were
    looked at again until they stood still.
    """

    at: int = Field(description="When the comparison began, ms since the epoch.")
    database: str = Field(description="The server's own name and version.")
    lag: dict[str, int] = Field(
        default_factory=dict,
        description="topic/partition → change events that the normaliser still lacked at the end.",
    )
    sources: tuple[SourceResult, ...] = ()
    other_documents: int = Field(
        default=0, description="Live documents of sources that the configuration does not have."
    )
    seconds: float = 0.0
    verdict: Verdict
    reason: str
