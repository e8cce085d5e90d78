"""A canary: a short text, and the vector that a build's model gave it when the build began.

What a provider says of its model need not change when its weights do. The vectors do.
"""

import base64
import math
import struct
from collections.abc import Sequence
from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, field_validator

__all__ = ["Canary"]

_BYTES = 2  # of a number


class Canary(BaseModel):
    """A text with its pinned vector.

    Half precision, since the log is kept for ever and read by every process: it moves the
    direction of a vector of length 1 by a cosine of less than 1e-6.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    text: Annotated[str, Field(min_length=1, max_length=1_000)]
    vector: str = Field(
        repr=False,
        description="Base64 of little-endian 16-bit floating point numbers (IEEE 754).",
        json_schema_extra={"contentEncoding": "base64"},
    )

    @classmethod
    def of(cls, text: str, numbers: Sequence[float]) -> Self:
        """A canary whose vector has length 1, or about that."""
        packed = struct.pack(f"<{len(numbers)}e", *numbers)
        return cls(text=text, vector=base64.b64encode(packed).decode("ascii"))

    @property
    def dimensions(self) -> int:
        """How many numbers the vector has."""
        return len(base64.b64decode(self.vector)) // _BYTES

    @property
    def numbers(self) -> tuple[float, ...]:
        """The vector."""
        return _unpacked(self.vector)

    @field_validator("vector")
    @classmethod
    def _has_a_direction(cls, vector: str) -> str:
        numbers = _unpacked(vector)
        if not all(map(math.isfinite, numbers)) or not any(numbers):
            raise ValueError("is zero, or holds NaN or an infinity")
        return vector


def _unpacked(vector: str) -> tuple[float, ...]:
    packed = base64.b64decode(vector, validate=True)
    if len(packed) % _BYTES:
        raise ValueError(f"{len(packed)} bytes are no 16-bit numbers")
    return struct.unpack(f"<{len(packed) // _BYTES}e", packed)
