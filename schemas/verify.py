"""What a verification of one lane found."""

from enum import StrEnum

from pydantic import BaseModel, ConfigDict, Field

from schemas.record import Record

__all__ = [
    "Finding",
    "RepairReport",
    "SampleReport",
    "ShardReport",
    "Verdict",
    "VerifyReport",
    "VerifySample",
]


class Finding(StrEnum):
    """What can be the matter with one id. An id counts once; the first that applies counts."""

    MISSING = "missing"
    """A document without a row."""
    EXTRA = "extra"
    """A row without a document."""
    STALE = "stale"
    """A row of another version or text than the newest document."""
    DUPLICATE = "duplicate"
    """More than one row of one id."""
    MISPLACED = "misplaced"
    """A row whose shard is not the partition of its document."""
    MALFORMED = "malformed"
    """A vector that is not finite, not of length 1, or of other dimensions."""
    WRONG_VECTOR = "wrong_vector"
    """A vector that its text does not embed to. Only a sample tells, or all embedded again."""
    WRONG_FINGERPRINT = "wrong_fingerprint"
    """A row in a collection that another model filled. Counts every row of it."""
    DEAD_LETTERED = "dead_lettered"
    """Absent or stale because the newest document is a dead letter. No difference."""


class Verdict(StrEnum):
    """The outcome of a verification."""

    CLEAN = "clean"
    DIFFERENT = "different"
    INCONCLUSIVE = "inconclusive"
    """The lane did not get as far as the snapshot in time, so nothing was compared."""


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")


class VerifySample(_Part):
    """One id with a finding, and what it is about."""

    id: str
    shard: int
    expected: str
    found: str


class ShardReport(_Part):
    """One shard: a partition of `documents` and the rows that belong to it."""

    shard: int
    documents: int = Field(description="Live documents up to the snapshot.")
    rows: int = Field(description="Rows seen, those newer than the snapshot included.")
    newer: int = Field(description="Ids left out: written after the snapshot was taken.")
    counts: dict[Finding, int] = Field(
        default_factory=dict, description="Only findings that occurred."
    )


class SampleReport(_Part):
    """Documents that were embedded again, to compare the vectors with the stored ones."""

    wanted: int | None = Field(description="How many were asked for; null: all.")
    seed: int = Field(description="Of the draw: the same seed and documents, the same sample.")
    embedded: int = Field(description="How many were compared.")
    similarity: float = Field(description="Least cosine that counts as the same vector.")
    least: float | None = Field(default=None, description="The least cosine found.")


class RepairReport(_Part):
    """What mending the differences of a verification came to, or would come to."""

    rehearsed: bool = Field(default=False, description="Nothing was done.")
    mended: dict[Finding, int] = Field(description="Differences, by what was the matter.")
    left: int = Field(description="Differences that were left alone.")
    why_left: tuple[str, ...] = Field(default=(), description="Why, in words.")
    written: int = Field(default=0, description="Rows written.")
    embedded: int = Field(default=0, description="Texts embedded for them.")
    deleted: int = Field(default=0, description="Rows deleted.")
    dead_lettered: int = Field(
        default=0, description="Documents that the embedder or the store refused."
    )
    seconds: float = 0.0


class VerifyReport(Record):
    """A lane compared with `documents`, id by id.

    Holds for `documents` up to `snapshot`; what was written later is left out.
    """

    lane: str
    build: int = Field(default=1, ge=1, description="Whose collection was compared.")
    collection: str
    fingerprint: str = Field(description="Short form of the one that the lane is pinned to.")
    group: str = Field(description="The lane's consumer group.")
    at: int = Field(description="When the snapshot was taken, ms since the epoch.")
    snapshot: dict[int, int] = Field(description="Partition → end offset of `documents`.")
    lag: dict[int, int] = Field(
        default_factory=dict, description="Partition → records the lane still lacked at the end."
    )
    vectors_checked: bool = True
    sample: SampleReport | None = Field(
        default=None, description="Of vectors that were compared with their texts; null if none."
    )
    documents: int = 0
    rows: int = 0
    newer: int = 0
    counts: dict[Finding, int] = Field(description="Every finding, with 0 where none.")
    samples: dict[Finding, tuple[VerifySample, ...]] = Field(
        default_factory=dict, description="At most ten of each, by shard and id."
    )
    fingerprint_differences: dict[str, tuple[str, str]] = Field(
        default_factory=dict, description="Field → pinned, the collection's."
    )
    shards: tuple[ShardReport, ...] = ()
    waited_seconds: float = 0.0
    compared_seconds: float = 0.0
    verdict: Verdict
    reason: str
