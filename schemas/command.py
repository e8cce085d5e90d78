"""What all records of the control log have."""

import re
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any

from pydantic import BeforeValidator, ConfigDict, Field

from schemas.record import Record

__all__ = ["Command", "Int64", "Word"]

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def _milliseconds(value: Any) -> Any:  # noqa: ANN401 - whatever the JSON holds
    """Milliseconds since the epoch of a time as ISO 8601 with its offset from UTC."""
    if not isinstance(value, str) or re.fullmatch(r"\d+", value):
        return value
    try:
        time = datetime.fromisoformat(value)
    except ValueError as error:
        raise ValueError("is neither milliseconds since the epoch nor ISO 8601") from error
    if time.tzinfo is None:
        raise ValueError("lacks its offset from UTC, such as a Z at its end")
    return (time - _EPOCH) // timedelta(milliseconds=1)


Int64 = Annotated[int, Field(le=2**63 - 1)]
"""An integer that every JSON reader takes for the same number, also when it is signed."""

Word = Annotated[str, Field(min_length=1, max_length=200)]
"""A name, or somebody."""

_Natural = Annotated[Int64, Field(ge=0)]
_Iso8601 = Annotated[str, Field(json_schema_extra={"format": "date-time"})]
_Time = Annotated[
    _Natural, BeforeValidator(_milliseconds, json_schema_input_type=_Natural | _Iso8601)
]


class Command(Record):
    """An order or a piece of evidence; `schemas.control` has all kinds."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    id: Word = Field(description="Unique; a second record of the same id is a duplicate.")
    by: Word = Field(description="Who gives it.")
    reason: str = Field(default="", max_length=4_000)
    expected_version: Annotated[Int64, Field(ge=-1)] | None = Field(
        default=None, description="Rejected unless this is the version that it meets."
    )
    expires_at: _Time | None = Field(
        default=None,
        description="Rejected if the broker gets it later: ms since the epoch, or ISO 8601.",
    )
    force: bool = Field(
        default=False, description="Override missing evidence, never an invariant; give a reason."
    )
    signature: str | None = Field(
        default=None, description="HMAC-SHA256 in hex, where a control key is configured."
    )
