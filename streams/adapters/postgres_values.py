"""How Debezium spells the values of Postgres columns, from how the server prints them.

With `decimal.handling.mode=string` and Debezium's other defaults, as JsonConverter writes them
and a JSON reader reads them. Only what comes out the same from a snapshot and from the change
stream has a spelling. Knows no connection; the printed forms are those with DateStyle ISO,
TimeZone UTC, extra_float_digits 1 and bytea_output hex.

Source: the events of Debezium 3.6 for a table of each type, and
https://debezium.io/documentation/reference/stable/connectors/postgresql.html#postgresql-data-types
"""

import base64
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np

from streams.adapters import postgres_times as times
from streams.adapters.postgres_times import Unspellable

__all__ = ["Spelling", "Unspellable", "spelling_of"]


@dataclass(frozen=True, slots=True)
class Spelling:
    """How values of one type are spelt.

    Attributes:
        spell: from what the server prints to what a change event holds. Raises: Unspellable.
        printed: back from the text of a spelt value to what the server reads, for keys; raises
            ValueError if no value of this type is spelt so. None: not for keys.
        array: the server prints an array; `spell` takes a list of its elements.
    """

    spell: Callable[..., object]
    printed: Callable[[str], str] | None = None
    array: bool = False


def _same(text: str) -> str:
    return text


def _whole(text: str) -> str:
    return str(int(text))


def _truth(text: str) -> bool:
    return text == "t"


_ODD_NUMBERS: Final = {
    "NaN": "NAN",
    "Infinity": "POSITIVE_INFINITY",
    "-Infinity": "NEGATIVE_INFINITY",
}


def _decimal(text: str) -> str:
    return _ODD_NUMBERS.get(text, text)


def _printed_decimal(text: str) -> str:
    return {spelt: printed for printed, spelt in _ODD_NUMBERS.items()}.get(text, text)


def _double(text: str) -> float | str:
    return text if text in _ODD_NUMBERS else float(text)


_SMALLEST_NORMAL = 2.0**-126


def _single(text: str) -> float | str:
    """Java prints two digits where Postgres prints one: the smallest float is 1.4E-45, not 1e-45.

    It tells only below the smallest normal number: elsewhere the second digit is a 0.
    """
    if text in _ODD_NUMBERS:
        return text
    value = float(text)
    if 0 < abs(value) < _SMALLEST_NORMAL and len(re.sub(r"e.*|[-.]", "", text).strip("0")) == 1:
        return float(f"{float(np.float32(text)):.1e}")
    return value


def _base64(text: str) -> str:
    return base64.b64encode(bytes.fromhex(text.removeprefix("\\x"))).decode()


def _printed_bytes(text: str) -> str:
    return "\\x" + base64.b64decode(text, validate=True).hex()


_INTEGER = Spelling(int, _whole)
_TEXT = Spelling(_same, _same)
_SPELLINGS: Final = {
    **dict.fromkeys(("smallint", "integer", "bigint", "oid"), _INTEGER),
    **dict.fromkeys(
        ("text", "character varying", "character", '"char"', "uuid", "citext", "enum"), _TEXT
    ),
    **dict.fromkeys(("json", "jsonb", "inet", "cidr", "macaddr", "macaddr8"), Spelling(_same)),
    **dict.fromkeys(("int4range", "int8range", "numrange", "tsrange"), Spelling(_same)),
    **dict.fromkeys(("daterange", "tsvector", "ltree"), Spelling(_same)),
    "boolean": Spelling(_truth, _same),
    "numeric": Spelling(_decimal, _printed_decimal),
    "real": Spelling(_single),
    "double precision": Spelling(_double),
    "bytea": Spelling(_base64, _printed_bytes),
    "date": Spelling(times.days, times.printed_days),
}
_EXTENSIONS: Final = ("citext", "ltree")

_ELEMENTS: Final = frozenset(_SPELLINGS) - {
    *("oid", "cidr", "macaddr", "macaddr8", "tsvector", "ltree"),
    *("int4range", "int8range", "numrange", "tsrange", "daterange"),
}
_TYPE = re.compile(
    r"(?P<name>[^(\[]+?)(?:\((?P<modifier>[^)]*)\))?"
    r"(?P<zone> with(?:out)? time zone)?(?P<array>\[\])?"
)
_MILLIS, _MICROS = 3, 6


def spelling_of(type_: str, *, enum: bool = False) -> Spelling | None:
    """How values of a type are spelt; None if that is not known to be the same everywhere.

    Args:
        type_: as `format_type` prints it, domains resolved: `numeric(10,3)`, `text[]`.
        enum: it, or its elements, are of an enum type.
    """
    parts = _TYPE.fullmatch(type_)
    if parts is None:
        return None
    name = "enum" if enum else parts["name"]
    if name.rpartition(".")[2] in _EXTENSIONS:
        name = name.rpartition(".")[2]
    timed = name in ("timestamp", "time")
    spelling = (
        _timed(name + (parts["zone"] or ""), parts["modifier"]) if timed else _SPELLINGS.get(name)
    )
    if name == "bit":
        spelling = Spelling(lambda text: text == "1") if parts["modifier"] in (None, "1") else None
    if spelling is None or not parts["array"]:
        return spelling
    return _array(spelling) if _is_element(name, parts["modifier"]) else None


def _is_element(name: str, modifier: str | None) -> bool:
    return name in _ELEMENTS or (name in ("timestamp", "time") and modifier is None)


def _timed(name: str, modifier: str | None) -> Spelling | None:
    """Times are counted in milliseconds if that is their precision, else in microseconds."""
    digits = _MICROS if modifier is None else int(modifier)
    exact = digits > _MILLIS
    match name:
        case "timestamp without time zone":
            unit = "us" if exact else "ms"
            return Spelling(times.since_epoch(unit), times.printed_since_epoch(unit))
        case "timestamp with time zone":
            return Spelling(times.zoned(digits), times.printed_zoned)
        case "time without time zone":
            return Spelling(times.of_day(1 if exact else 1_000))
        case _:
            return None


def _array(element: Spelling) -> Spelling:
    def spell(values: list[str | list[object] | None]) -> list[object]:
        if any(isinstance(value, list) for value in values):
            raise Unspellable("an array of several dimensions")
        return [None if value is None else element.spell(value) for value in values]

    return Spelling(spell, array=True)
