"""How Debezium spells the dates and times of Postgres, and the way back.

Reads and writes what the server prints with DateStyle ISO and TimeZone UTC. All calendars are
proleptic Gregorian; years are counted as astronomers do: 0 is 1 BC.
"""

import re
from collections.abc import Callable
from typing import Final

import numpy as np

__all__ = [
    "Unspellable",
    "days",
    "of_day",
    "printed_days",
    "printed_since_epoch",
    "printed_zoned",
    "since_epoch",
    "zoned",
]


class Unspellable(ValueError):
    """Change events have no one spelling for this value."""


_LATEST_YEAR: Final = 99_999
_LAST_OF_FOUR_DIGITS: Final = 9_999
_PER_DAY: Final = {"ms": 86_400_000, "us": 86_400_000_000}
_PRINTED = re.compile(
    r"(?P<year>\d+)(?P<rest>-\d\d-\d\d(?: \d\d:\d\d:\d\d(?:\.\d+)?)?)(?:\+00)?(?P<bc> BC)?"
)
_SPELT = re.compile(r"(?P<year>[+-]?\d+)(?P<rest>-\d\d-\d\d.*)")


def days(text: str) -> int:
    """A date as days since 1970. Snapshots and the stream differ on infinities and before AD 1."""
    year, rest = _parts(text)
    if year < 1:
        raise Unspellable(text)
    return _count(year, rest, "D")


def printed_days(text: str) -> str:
    """The date that is spelt so."""
    number = int(text)
    _refuse_far(number)
    return _printed(_iso(number, "D"))


def since_epoch(unit: str) -> Callable[[str], int]:
    """A timestamp as milliseconds (`ms`) or microseconds (`us`) since 1970."""

    def spell(text: str) -> int:
        return _count(*_parts(text), unit)

    return spell


def printed_since_epoch(unit: str) -> Callable[[str], str]:
    """The timestamp that is spelt so."""

    def printed(text: str) -> str:
        number = int(text)
        _refuse_far(number // _PER_DAY[unit])
        return _printed(_iso(number, unit))

    return printed


def zoned(digits: int) -> Callable[[str], str]:
    """A timestamp with time zone in ISO 8601 with so many digits of the second's fraction."""

    def spell(text: str) -> str:
        if text.endswith("infinity"):
            return text
        year, rest = _parts(text)
        whole, _, fraction = rest.partition(".")
        sign = "-" if year < 0 else "+" if year > _LAST_OF_FOUR_DIGITS else ""
        tail = f".{fraction:0<{digits}}" if digits else ""
        return f"{sign}{abs(year):04d}{whole}{tail}Z"

    return spell


def printed_zoned(text: str) -> str:
    """The timestamp with time zone that is spelt so."""
    return text if text.endswith("infinity") else _printed(text.removesuffix("Z"), "+00")


def of_day(unit_micros: int) -> Callable[[str], int]:
    """A time of day, as so many microseconds each; 24:00:00 is the day's end."""

    def spell(text: str) -> int:
        hours, minutes, seconds = text.split(":")
        whole, _, fraction = seconds.partition(".")
        passed = (int(hours) * 60 + int(minutes)) * 60 + int(whole)
        return (passed * 1_000_000 + int(f"{fraction:0<6}")) // unit_micros

    return spell


def _parts(text: str) -> tuple[int, str]:
    """The year, and month, day and time in ISO 8601."""
    parts = _PRINTED.fullmatch(text)
    if parts is None or int(parts["year"]) > _LATEST_YEAR:
        raise Unspellable(text)
    year = int(parts["year"])
    return (1 - year if parts["bc"] else year), parts["rest"].replace(" ", "T")


def _count(year: int, rest: str, unit: str) -> int:
    sign = "-" if year < 0 else ""
    moment = np.array(f"{sign}{abs(year):04d}{rest}", dtype=f"datetime64[{unit}]")
    return int(moment.astype(np.int64))


def _iso(number: int, unit: str) -> str:
    return str(np.datetime_as_string(np.array(number, dtype=f"datetime64[{unit}]")))


def _printed(iso: str, zone: str = "") -> str:
    parts = _SPELT.fullmatch(iso)
    if parts is None:
        raise ValueError(f"no time: {iso!r}")
    year, rest = int(parts["year"]), parts["rest"].replace("T", " ")
    return f"{1 - year:04d}{rest}{zone} BC" if year < 1 else f"{year:04d}{rest}{zone}"


def _refuse_far(number_of_days: int) -> None:
    if abs(number_of_days) > 366 * _LATEST_YEAR:
        raise ValueError(f"{number_of_days} days from 1970 is no date that is ever spelt")
