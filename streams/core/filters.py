r"""What a filter means: as an expression for Milvus, and as a function of one row.

Both give the same answer for every row that a store takes; the contract suite of the stores
holds them together. As in SQL, a comparison is true, false or unknown. It is unknown where the
column is missing, null or of another type than the operand, and only true makes a match. The
expression leans on nothing but comparisons that a value of the right type can pass:

- `not` is moved inwards, to the opposite comparison (`lt` becomes `gte`): the server in
  milvus-lite has no `not (…)`, and `!=` and `not in` on JSON also find rows without the column.
- Strings are ordered by code point. Two integers are compared exactly; if one side is a
  fraction, both are compared as doubles. Booleans are no numbers.
- A metadata column that holds a list or an object is unknown to every comparison, and does
  not exist to `exists`.

One limit is Milvus' own: the distributed server rewrites Han characters in an expression as
`\uXXXX` and keeps four digits only, so it reads a string with one beyond U+FFFF as another.

Grammar: https://github.com/milvus-io/milvus/blob/master/internal/parser/planparserv2/Plan.g4
"""

import math
import operator
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, Literal, assert_never

from schemas.filter import AllOf, AnyOf, Condition, Filter, Not

__all__ = ["expression", "literal", "matches"]

Scalar = str | bool | int | float
_Comparison = Literal["eq", "ne", "lt", "lte", "gt", "gte"]

_SIGNS: Final[dict[_Comparison, str]] = {"eq": "==", "lt": "<", "lte": "<=", "gt": ">", "gte": ">="}
_OPPOSITE: Final[dict[_Comparison, _Comparison]] = {
    "eq": "ne",
    "ne": "eq",
    "lt": "gte",
    "lte": "gt",
    "gt": "lte",
    "gte": "lt",
}
_COMPARE: Final[dict[_Comparison, Callable[[Any, Any], bool]]] = {
    "eq": operator.eq,
    "ne": operator.ne,
    "lt": operator.lt,
    "lte": operator.le,
    "gt": operator.gt,
    "gte": operator.ge,
}

_ALWAYS, _NEVER = '(id != "")', '(id == "")'
"""Milvus Lite has no constants. No id is empty."""

_EXACT = 2**53
"""Below it, each integer is a double of its own."""
_SMALLEST, _LARGEST, _LARGEST_UNSIGNED = -(2**63), 2**63 - 1, 2**64 - 1


def expression(wanted: Filter) -> str:
    """The boolean expression of Milvus that is true for the rows that match, and no others."""
    return _expression(wanted, negated=False)


def matches(wanted: Filter, source: str, metadata: Mapping[str, Any]) -> bool:
    """Whether a row of this source and metadata matches. Never raises."""
    return _truth(wanted, source, metadata) is True


def literal(value: Scalar) -> str:
    r"""A value as Milvus' parsers read it back; no string can end its literal.

    Only quotes and backslashes are escaped: milvus-lite takes the character after a backslash
    as it stands, so it would read `\n` as the letter n.

    Raises: ValueError for a line break, which no literal can hold on all servers.
    """
    match value:
        case bool():
            return "true" if value else "false"
        case int():
            return repr(int(value))
        case float():
            return repr(float(value))  # A subclass may write itself in another way.
    if "\n" in value or "\r" in value:
        raise ValueError("no literal holds a line break")
    escaped = value.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def _expression(wanted: Filter, *, negated: bool) -> str:
    match wanted:
        case Not():
            return _expression(wanted.part, negated=not negated)
        case AllOf() | AnyOf():
            parts = [_expression(part, negated=negated) for part in wanted.parts]
            return _all(parts) if isinstance(wanted, AllOf) != negated else _any(parts)
        case Condition():
            return _condition(wanted, negated=negated)
        case _:
            assert_never(wanted)


def _condition(wanted: Condition, *, negated: bool) -> str:
    column, values = wanted.column, _values(wanted)
    left = "source" if column is None else f'metadata["{column}"]'
    if wanted.operator == "exists":
        present = _any([_strings(left), _numbers(left), _booleans(left)])
        return _ALWAYS if column is None else present
    if column is None and not isinstance(values[0], str):
        return _NEVER
    if wanted.operator == "in":
        return _not_in(left, values) if negated else _in(left, values)
    return _compared(left, _OPPOSITE[wanted.operator] if negated else wanted.operator, values[0])


def _compared(left: str, how: _Comparison, value: Scalar) -> str:
    if how == "ne" and isinstance(value, bool):
        return _compared(left, "eq", not value)
    if how == "ne":
        return _any([_compared(left, "lt", value), _compared(left, "gt", value)])
    if how == "eq" and _is_large(value):
        return _all([_compared(left, "gte", value), _compared(left, "lte", value)])
    return f"({left} {_SIGNS[how]} {literal(value)})"


def _in(left: str, values: Sequence[Scalar]) -> str:
    lists, single = _lists(values)
    return _any(
        [f"({left} in {each})" for each in lists]
        + [_compared(left, "eq", value) for value in single]
    )


def _not_in(left: str, values: Sequence[Scalar]) -> str:
    lists, single = _lists(values)
    kind = _strings(left) if isinstance(values[0], str) else _numbers(left)
    # `not in` alone would also find the rows without the column.
    return _all(
        [f"({left} not in {each})" for each in lists]
        + [kind] * bool(lists)
        + [_compared(left, "ne", value) for value in single]
    )


def _lists(values: Sequence[Scalar]) -> tuple[list[str], list[Scalar]]:
    """What can be asked for as a list of one type, far faster than one by one, and the rest."""
    kinds: dict[str, list[Scalar]] = {}
    single: list[Scalar] = []
    for value in values:
        if isinstance(value, bool) or _is_large(value):
            single.append(value)
        else:
            kinds.setdefault(type(value).__name__, []).append(value)
    return [f"[{', '.join(map(literal, each))}]" for each in kinds.values()], single


def _is_large(value: Scalar) -> bool:
    """Whether it is an integer that a list must not hold.

    One of integers does not find 2.0**53 where `==` finds it, and Milvus makes a list of `==`
    joined by `or` on its own.
    """
    return isinstance(value, int) and abs(value) >= _EXACT


def _strings(left: str) -> str:
    return f'({left} >= "")'


def _numbers(left: str) -> str:
    return f"({left} < 0 or {left} >= 0)"


def _booleans(left: str) -> str:
    return f"({left} == false or {left} == true)"


def _all(parts: Sequence[str]) -> str:
    return _joined(" and ", parts)


def _any(parts: Sequence[str]) -> str:
    return _joined(" or ", parts)


def _joined(by: str, parts: Sequence[str]) -> str:
    """As a balanced tree: protobuf gives up at 100 levels, and milvus-lite with it."""
    if len(parts) == 1:
        return parts[0]
    middle = len(parts) // 2
    return f"({_joined(by, parts[:middle])}{by}{_joined(by, parts[middle:])})"


def _truth(wanted: Filter, source: str, metadata: Mapping[str, Any]) -> bool | None:
    """None is unknown."""
    match wanted:
        case Not():
            truth = _truth(wanted.part, source, metadata)
            return None if truth is None else not truth
        case AllOf() | AnyOf():
            truths = {_truth(part, source, metadata) for part in wanted.parts}
            decides = isinstance(wanted, AnyOf)
            if decides in truths:
                return decides
            return None if None in truths else not decides
        case Condition():
            held = source if wanted.column is None else metadata.get(wanted.column)
            return _holds(wanted, held)
        case _:
            assert_never(wanted)


def _holds(wanted: Condition, held: object) -> bool | None:
    kind = _kind(held)
    if kind is None:
        return None
    if wanted.operator == "exists":
        return True
    values = _values(wanted)
    if kind is not _kind(values[0]):
        return None
    if wanted.operator == "in":
        return any(_compare("eq", held, each) for each in values)
    return _compare(wanted.operator, held, values[0])


def _compare(how: _Comparison, held: Any, operand: Any) -> bool:  # noqa: ANN401 - of one kind
    if isinstance(held, float) or isinstance(operand, float) or _is_unsigned(held):
        held, operand = float(held), float(operand)
    return _COMPARE[how](held, operand)


def _is_unsigned(value: object) -> bool:
    """Whether this is an integer that Milvus can read as a double only."""
    return isinstance(value, int) and value > _LARGEST


def _values(wanted: Condition) -> Sequence[Scalar]:
    return wanted.operand if wanted.operator == "in" else (wanted.operand,)


def _kind(value: object) -> type | None:
    """What a value is compared as; None if it is not."""
    match value:
        case str():
            return str
        case bool():
            return bool
        case int() if _SMALLEST <= value <= _LARGEST_UNSIGNED:
            return float
        case float() if math.isfinite(value):
            return float
    return None
