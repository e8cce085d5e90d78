"""What all records share: immutability, a schema version, JSON in and out."""

from typing import Any, ClassVar, Self

import orjson
from pydantic import BaseModel, ConfigDict

__all__ = ["Record", "UnknownSchemaVersion"]


class UnknownSchemaVersion(Exception):  # not a ValueError: pydantic would wrap it
    """The record was written by a version of Hotswap that this one does not know."""

    def __init__(self, kind: str, version: object) -> None:
        super().__init__(f"{kind}: schema_version {version!r} is not known to this process")
        self.kind = kind
        self.version = version


class Record(BaseModel):
    """An immutable record. Unknown fields are dropped on the way in, never passed on."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    VERSION: ClassVar[int] = 1

    schema_version: int = 1

    def model_post_init(self, _context: object, /) -> None:
        """Refuse a record whose version this process does not know."""
        if self.schema_version != self.VERSION:
            raise UnknownSchemaVersion(type(self).__name__, self.schema_version)

    @classmethod
    def decode(cls, value: bytes) -> Self:
        """Parse JSON bytes.

        Raises:
            pydantic.ValidationError: not JSON, or not of this shape.
            UnknownSchemaVersion: of a version that is not known here.
        """
        return cls.model_validate_json(value)

    def encode(self) -> bytes:
        """JSON bytes, without insignificant white space."""
        return orjson.dumps(self.__dict__, default=_fields, option=orjson.OPT_NON_STR_KEYS)


def _fields(value: object) -> dict[str, Any]:
    """The fields of a record within a record; everything else in one is JSON already."""
    if isinstance(value, BaseModel):
        return value.__dict__
    raise TypeError(f"{type(value).__name__} has no JSON form")
