"""A document: the canonical text and metadata of one source row."""

import re
from typing import Annotated, Any, Final

from pydantic import Field

from schemas.record import Record

__all__ = ["Document", "DocumentId", "JsonObject", "is_document_id"]

JsonObject = dict[str, Any]
"""A JSON object as orjson reads it."""

_ID_PATTERN: Final = r"^[A-Za-z0-9._:%/|-]{1,512}$"

DocumentId = Annotated[str, Field(pattern=_ID_PATTERN)]
"""A document id: `<source>/<pk>`, of characters that are safe in a Milvus filter."""

_matches_id = re.compile(_ID_PATTERN, re.ASCII).fullmatch


def is_document_id(value: str) -> bool:
    """Whether `value` may stand in a Milvus filter as an id."""
    return _matches_id(value) is not None


class Document(Record):
    """The value of a record on the `documents` topic; its key is `id` in UTF-8.

    The version of a document is the offset of its record, its shard the partition;
    neither is part of the value.
    """

    id: DocumentId
    source: str = Field(min_length=1)
    key: JsonObject = Field(description="The primary key's columns, so that a user can join back.")
    text: str = Field(min_length=1, description="What every lane embeds, byte for byte.")
    content_hash: str = Field(
        pattern=r"^[0-9a-f]{32}$", description="BLAKE2b-128 of the text in UTF-8."
    )
    metadata: JsonObject = Field(default_factory=dict)
    position: str = Field(
        description="Where the change stands in its source; sorts bytewise within one source."
    )
    changed_at: int | None = Field(
        default=None, description="When the source committed the change, ms since the epoch."
    )
    cut_bytes: int = Field(
        default=0, ge=0, description="Bytes of text left out to keep within the budget."
    )
