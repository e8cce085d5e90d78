"""A dead letter: a change event or document that can not be processed, and why."""

from enum import StrEnum

from pydantic import Field

from schemas.record import Record

__all__ = ["DeadLetter", "Reason", "Resolution", "ResolutionKind"]


class Reason(StrEnum):
    """Why a record can not be processed. Each has one line of help in `ops/dead-letters.md`."""

    NOT_JSON = "not_json"
    NOT_AN_ENVELOPE = "not_an_envelope"
    UNKNOWN_OP = "unknown_op"
    UNKNOWN_SCHEMA_VERSION = "unknown_schema_version"
    NULL_KEY = "null_key"
    KEY_INCOMPLETE = "key_incomplete"
    KEY_NOT_SCALAR = "key_not_scalar"
    KEY_TOO_LONG = "key_too_long"
    COLUMN_MISSING = "column_missing"
    COLUMN_NOT_TEXT = "column_not_text"
    UNAVAILABLE_VALUE = "unavailable_value"
    TEXT_NOT_UNICODE = "text_not_unicode"
    METADATA_TOO_LARGE = "metadata_too_large"
    RECORD_TOO_LARGE = "record_too_large"
    POSITION_MISSING = "position_missing"
    NOT_A_DOCUMENT = "not_a_document"
    KEY_MISMATCH = "key_mismatch"
    REFUSED_BY_EMBEDDER = "refused_by_embedder"
    MALFORMED_VECTOR = "malformed_vector"
    REFUSED_BY_STORE = "refused_by_store"


class DeadLetter(Record):
    """What is known of a dead letter besides its bytes.

    Travels as the header `hotswap-dead-letter` (JSON) of a record on `dead-letters`, whose
    key and value are the original's own.
    """

    stage: str = Field(description="Where it failed: `normalise` or `embed:<lane>`.")
    reason: Reason
    detail: str
    topic: str
    partition: int
    offset: int
    timestamp: int | None = None
    document_id: str | None = None
    original_bytes: int = Field(ge=0, description="Size of the original value.")
    cut: bool = Field(default=False, description="The value holds only the original's head.")
    null_value: bool = Field(default=False, description="The original's value was null.")


class ResolutionKind(StrEnum):
    """What an operator did with a dead letter."""

    REPLAYED = "replayed"
    DISCARDED = "discarded"


class Resolution(Record):
    """An operator's answer to a dead letter.

    Travels as the header `hotswap-resolution` of a record on `dead-letters` with the
    letter's own key and a null value, so the topic is the whole history of each letter.
    """

    letter: str = Field(description="The letter's `<partition>-<offset>` on `dead-letters`.")
    kind: ResolutionKind
    by: str
    reason: str = ""
