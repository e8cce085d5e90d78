"""The filter of a search: which documents may be hits, as JSON.

    {"field": "module", "eq": "asyncio"}            one condition, exactly one operator
    {"all": [...]}  {"any": [...]}  {"not": {...}}  conditions combined

`field` is `source` (the document's source), or a metadata column: `metadata.NAME`, or just
`NAME` for any name that is not `source` and does not begin with `metadata.`. So a metadata
column that is called source is asked for as `metadata.source`.

Operators: `eq` and `ne` take a string, a number or a boolean; `lt`, `lte`, `gt` and `gte` a
string or a number; `in` 1 to 100 values of one of these types; `exists` only true.

What a filter means is as in SQL. A comparison with a column that is missing or null, or that
holds another type (a list, say, or a number where the filter has a string) is unknown. Unknown
is no match, and neither is its negation: `{"not": {"field": "x", "eq": 1}}` finds the rows
whose `x` is a number other than 1, as `ne` does, and not the rows without `x`. `exists` finds
rows whose column holds a string, a number or a boolean. Its opposite can not be asked for:
the server in milvus-lite has no expression for it. See `streams.core.filters` for the details.

This module decides which filters are well-formed. It does not know how a store runs them.
"""

from collections.abc import Iterator, Sequence
from typing import Annotated, Any, Final, Literal, Self, TypeVar, get_args

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Discriminator,
    Field,
    SerializerFunctionWrapHandler,
    Tag,
    model_serializer,
    model_validator,
)

from schemas.filter_values import (
    METADATA,
    FieldName,
    OnlyTrue,
    Ordered,
    Scalar,
    Values,
    invalid,
)

__all__ = ["AllOf", "AnyOf", "Condition", "Filter", "Not", "Operator", "conditions"]

DEPTH: Final = 8
CONDITIONS: Final = 64

Operator = Literal["eq", "ne", "in", "lt", "lte", "gt", "gte", "exists"]
_OPERATORS: Final[tuple[Operator, ...]] = get_args(Operator)

_T = TypeVar("_T")


def _several(parts: object) -> object:
    if not isinstance(parts, list | tuple) or not parts:
        raise invalid("`all` and `any` take a list of at least one filter")
    return parts


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", serialize_by_alias=True)

    @model_validator(mode="after")
    def _is_not_too_large(self) -> Self:
        return _sized(self)


class Condition(_Part):
    """What one column must hold. Exactly one operator is set.

    Attributes:
        one_of: the operator `in`, which is no name in Python.
    """

    model_config = ConfigDict(
        json_schema_extra={"oneOf": [{"required": [name]} for name in _OPERATORS]}
    )

    field: FieldName
    eq: Scalar = None
    ne: Scalar = None
    one_of: Values = Field(default=None, alias="in")
    lt: Ordered = None
    lte: Ordered = None
    gt: Ordered = None
    gte: Ordered = None
    exists: OnlyTrue = None

    @model_validator(mode="after")
    def _has_one_operator(self) -> Self:
        if len(self._given) != 1:
            raise invalid(
                f"a condition has exactly one operator of {', '.join(_OPERATORS)};"
                f" this one has {', '.join(self._given) or 'none'}"
            )
        return self

    @model_serializer(mode="wrap")
    def _only_what_is_set(self, serialize: SerializerFunctionWrapHandler) -> dict[str, Any]:
        return {name: value for name, value in serialize(self).items() if value is not None}

    @property
    def column(self) -> str | None:
        """The metadata column asked for; None stands for the document's source."""
        return None if self.field == "source" else self.field.removeprefix(METADATA)

    @property
    def operator(self) -> Operator:
        """The operator that is set."""
        return self._given[0]

    @property
    def operand(self) -> Any:  # noqa: ANN401 - its type depends on the operator
        """What the operator compares with; for `in` a tuple."""
        return getattr(self, _attribute(self.operator))

    @property
    def _given(self) -> list[Operator]:
        return [name for name in _OPERATORS if getattr(self, _attribute(name)) is not None]


class AllOf(_Part):
    """Every part must match."""

    parts: Annotated[tuple["Filter", ...], BeforeValidator(_several)] = Field(alias="all")


class AnyOf(_Part):
    """At least one part must match."""

    parts: Annotated[tuple["Filter", ...], BeforeValidator(_several)] = Field(alias="any")


class Not(_Part):
    """The part must be known not to match."""

    part: "Filter" = Field(alias="not")

    @model_validator(mode="after")
    def _negates_no_exists(self) -> Self:
        if any(each.operator == "exists" for each in conditions(self)):
            raise invalid(
                "`exists` can not stand within `not`: rows without a column can not be asked for"
            )
        return self


def _kind(value: object) -> str | None:
    """Which model a part is meant to be, so that an error is about that one only."""
    match value:
        case {"all": _} | AllOf():
            return "all"
        case {"any": _} | AnyOf():
            return "any"
        case {"not": _} | Not():
            return "not"
        case {"field": _} | Condition():
            return "condition"
    return None


def _within(part: object) -> Sequence[object]:
    """The parts of one, read or not read yet."""
    match part:
        case AllOf(parts=parts) | AnyOf(parts=parts):
            return parts
        case {"all": list() | tuple() as parts} | {"any": list() | tuple() as parts}:
            return parts
        case {"not": inner} | Not(part=inner):
            return (inner,)
    return ()


def _sized(whole: _T) -> _T:
    """Refuse what is too large before reading it, or once it has been put together."""
    found = 0
    level: list[object] = [whole]
    for _ in range(DEPTH):
        found += sum(not _within(part) for part in level)
        level = [inner for part in level for inner in _within(part)]
        if found + len(level) > CONDITIONS:
            raise invalid(f"a filter may hold at most {CONDITIONS} conditions")
    if level:
        raise invalid(f"a filter may be nested at most {DEPTH} levels deep")
    return whole


Filter = Annotated[
    Annotated[Condition, Tag("condition")]
    | Annotated[AllOf, Tag("all")]
    | Annotated[AnyOf, Tag("any")]
    | Annotated[Not, Tag("not")],
    Discriminator(
        _kind,
        custom_error_type="filter",
        custom_error_message="a filter is an object with `field` and an operator, or with one of"
        " `all`, `any` and `not`",
    ),
    BeforeValidator(_sized),
]
"""Any well-formed filter; `TypeAdapter(Filter)` reads one."""

AllOf.model_rebuild()
AnyOf.model_rebuild()
Not.model_rebuild()


def conditions(part: Filter) -> Iterator[Condition]:
    """Every condition in a filter, in the order written."""
    match part:
        case Condition():
            yield part
        case Not():
            yield from conditions(part.part)
        case _:
            for each in part.parts:
                yield from conditions(each)


def _attribute(operator: Operator) -> str:
    return "one_of" if operator == "in" else operator
