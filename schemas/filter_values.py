"""What may stand in a condition of a filter: the name of a field, and values to compare with.

Every refusal says in one message what is allowed. This module does not know how conditions are
combined; see `schemas.filter`.
"""

import math
import re
from typing import Annotated, Final, Literal

from pydantic import AfterValidator, BeforeValidator, StrictBool, StrictFloat, StrictInt, StrictStr
from pydantic.json_schema import SkipJsonSchema
from pydantic_core import PydanticCustomError

__all__ = ["METADATA", "FieldName", "OnlyTrue", "Ordered", "Scalar", "Values", "invalid"]

METADATA: Final = "metadata."
"""What a field may begin with to say that it is a metadata column."""

VALUES: Final = 100
CHARACTERS: Final = 1_024
LARGEST: Final = 2**63 - 1
"""Milvus reads an integer's digits before its sign, so -2**63 is one too many."""

# Milvus takes the name of a JSON column as it stands, without unescaping it, and splits at
# brackets: these characters have no place in one.
_COLUMN = re.compile(r"""[^"'\\\[\]\x00-\x1f\x7f\ud800-\udfff]{1,255}""")
_HALF_PAIR = re.compile("[\ud800-\udfff]")


def invalid(message: str) -> PydanticCustomError:
    """An error with this message as it is."""
    # As an argument: pydantic would fill in what stands in braces.
    return PydanticCustomError("filter", "{problem}", {"problem": message})


def _field(value: str) -> str:
    if _COLUMN.fullmatch(value.removeprefix(METADATA)) is None:
        raise invalid(
            "a field is a name of 1 to 255 characters, without quotes, backslashes, square"
            " brackets and control characters"
        )
    return value


def _scalar(value: object) -> object:
    match value:
        case str():
            return _string(value)
        case int() if abs(value) > LARGEST:
            raise invalid(f"an integer must lie between -{LARGEST} and {LARGEST}")
        case float() if not math.isfinite(value):
            raise invalid("a number must be finite")
        case bool() | int() | float():
            return value
    raise invalid("a value is a string, a number, true or false")


def _string(value: str) -> str:
    if len(value) > CHARACTERS:
        raise invalid(f"a string may have {CHARACTERS:,} characters, not {len(value):,}")
    if "\n" in value or "\r" in value:
        raise invalid(
            "a string must have no line breaks: there is no way to write one that every Milvus"
            " reads alike"
        )
    if _HALF_PAIR.search(value):
        raise invalid("a string must be Unicode, without half surrogate pairs")
    return value


def _ordered(value: object) -> object:
    if isinstance(value, bool):
        raise invalid("true and false have no order: compare them by eq, ne or in")
    return _scalar(value)


def _values(values: object) -> object:
    if not isinstance(values, list | tuple) or not 1 <= len(values) <= VALUES:
        raise invalid(f"`in` takes a list of 1 to {VALUES} values")
    kinds = {"string" if isinstance(each, str) else isinstance(each, bool) for each in values}
    if len(kinds) > 1:
        raise invalid("the values of `in` must all be strings, all numbers or all booleans")
    return tuple(_scalar(each) for each in values)


def _only_true(value: object) -> object:
    if value is not True:
        raise invalid("`exists` can only be true: rows without a column can not be asked for")
    return value


# The checks come first and cover all that pydantic would: it then has nothing to add to them.
_Unset = SkipJsonSchema[None]
_AnyScalar = StrictBool | StrictInt | StrictFloat | StrictStr
Scalar = Annotated[_AnyScalar | _Unset, BeforeValidator(_scalar)]
Ordered = Annotated[StrictInt | StrictFloat | StrictStr | _Unset, BeforeValidator(_ordered)]
Values = Annotated[tuple[_AnyScalar, ...] | _Unset, BeforeValidator(_values)]
OnlyTrue = Annotated[Literal[True] | _Unset, BeforeValidator(_only_true)]
FieldName = Annotated[StrictStr, AfterValidator(_field)]
