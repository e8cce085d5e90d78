"""Search over HTTP: what callers send, and what they get.

Requests are strict: a field that is misspelt and dropped would be a search that nobody asked
for. How large `k` and a text may be is configured, and not decided here.
"""

from enum import StrEnum
from typing import Any, Self

from pydantic import BaseModel, ConfigDict, Field, StrictBool, StrictInt, model_validator

from schemas.document import DocumentId
from schemas.filter import Filter

__all__ = [
    "Fallback",
    "FeedbackAnswer",
    "FeedbackRequest",
    "FlagAnswer",
    "FlagState",
    "LaneFailure",
    "SearchHit",
    "SearchRequest",
    "SearchResponse",
    "Why",
]

_EXAMPLE_ID = "q1.AAAAAAAAAAwAAAGLz-VoAAAAAAoAAQIDBAUGB29sbGFtYfRvBoqCnMi1"


class Why(StrEnum):
    """Why a lane did not answer."""

    DEADLINE = "deadline"
    """It did not answer in time."""
    BREAKER_OPEN = "breaker_open"
    """It failed before, and was not asked; it is looked at in the background."""
    UNREACHABLE = "unreachable"
    """Its embedder or its store could not be reached, or asked to wait."""
    HALTED = "halted"
    """It can not go on until an operator acts: quota, key, model or collection."""
    MODEL_CHANGED = "model_changed"
    """Its live model is not the one that filled its collection."""
    REFUSED = "refused"
    """It does not take this query; others may pass."""
    NOT_BUILT = "not_built"
    """It has no build, or is not configured here."""


class _Request(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, hide_input_in_errors=True)


class _Answer(BaseModel):
    model_config = ConfigDict(frozen=True, populate_by_name=True)


class SearchRequest(_Request):
    """One search."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "text": "how to cancel a task",
                    "k": 5,
                    "filter": {"field": "module", "eq": "asyncio"},
                    "targeting_key": "user-4711",
                    "cohort": "staff",
                }
            ]
        }
    )

    text: str | None = Field(default=None, description="What to search for.")
    vector_by: DocumentId | None = Field(
        default=None,
        description="Instead of a text: search with the stored vector of this document, in the"
        " lane that is searched. A vector itself is not taken, since it belongs to one lane.",
    )
    k: int = Field(default=10, ge=1, le=16_384, description="How many hits.")
    filter: Filter | None = Field(default=None, description="On the documents' metadata.")
    targeting_key: str | None = Field(
        default=None, min_length=1, max_length=1_000, description="Who asks; the same one stays."
    )
    cohort: str | None = Field(
        default=None, min_length=1, max_length=200, description="A group that the asker is of."
    )

    @model_validator(mode="after")
    def _searches_with_one_thing(self) -> Self:
        if (self.text is None) == (self.vector_by is None):
            raise ValueError("give exactly one of text and vector_by")
        return self


class SearchHit(_Answer):
    """One document that was found."""

    id: str
    score: float = Field(
        description="Cosine similarity. Those of two lanes can not be compared with each other."
    )
    key: dict[str, Any] = Field(description="The primary key's columns.")
    metadata: dict[str, Any]


class LaneFailure(_Answer):
    """A lane that did not answer."""

    lane: str
    why: Why
    message: str


class Fallback(_Answer):
    """Why an answer does not come from the lane that the flag picked."""

    lane: str = Field(alias="from", description="The lane that the flag picked.")
    reason: str = Field(description="Why it was picked.")
    why: Why = Field(description="Why it did not answer.")
    message: str


class SearchResponse(_Answer):
    """The hits of one lane, nearest first; never of two."""

    query_id: str = Field(description="For feedback.", examples=[_EXAMPLE_ID])
    lane: str
    build: int = Field(description="Which filling of the lane was searched.")
    reason: str = Field(
        description="Why this lane: DEFAULT, STATIC, TARGETING_MATCH, SPLIT or FALLBACK."
    )
    flag_version: int
    fallback: Fallback | None = None
    embed_ms: float | None = Field(
        description="Time to embed the query, near 0 if it was kept; null if none was embedded."
    )
    search_ms: float = Field(description="Time to search the store.")
    hits: tuple[SearchHit, ...]


class FeedbackRequest(_Request):
    """Whether a search helped."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {"query_id": _EXAMPLE_ID, "clicked": 1},
                {"query_id": _EXAMPLE_ID, "success": False},
            ]
        }
    )

    query_id: str = Field(min_length=1, max_length=2_000)
    success: StrictBool | None = None
    clicked: StrictInt | None = Field(
        default=None, ge=1, description="Position of the hit that was used, from 1."
    )

    @model_validator(mode="after")
    def _says_one_thing(self) -> Self:
        if (self.success is None) == (self.clicked is None):
            raise ValueError("give exactly one of success and clicked")
        return self


class FeedbackAnswer(_Answer):
    """Feedback that was recorded."""

    lane: str = Field(description="The lane that had answered.")
    flag_version: int


class FlagState(_Answer):
    """The flag as all see it."""

    source: str
    target: str
    percent: float
    cohorts: tuple[str, ...]
    mirrored: bool


class FlagAnswer(_Answer):
    """The flag for one asker, in OpenFeature's words."""

    flag: str
    value: bool = Field(description="Whether the asker reads from the target.")
    variant: str = Field(description="The lane that the asker reads from.")
    reason: str
    flag_version: int
    control_age_seconds: float = Field(
        description="Since the end of the control log was last seen; it grows while Kafka is away."
    )
    state: FlagState
