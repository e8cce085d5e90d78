"""Every type that is compared is spelt as Debezium does, and keys find their way back."""

import math
from datetime import UTC, date, datetime

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.adapters.postgres_values import Unspellable, spelling_of

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def spell(type_: str, printed: object) -> object:
    spelling = spelling_of(type_)
    assert spelling is not None
    return spelling.spell(printed)


@pytest.mark.parametrize(
    ("type_", "printed", "spelt"),
    [
        ("integer", "-5", -5),
        ("oid", "4294967295", 4294967295),
        ("boolean", "f", False),
        ("character(5)", "ab   ", "ab   "),
        ('"char"', "x", "x"),
        ("public.citext", "Ab", "Ab"),
        ("numeric(10,3)", "1.500", "1.500"),
        ("numeric", "-Infinity", "NEGATIVE_INFINITY"),
        ("real", "1e-45", 1.4e-45),
        ("real", "-1e-45", -1.4e-45),
        ("real", "3e-45", 2.8e-45),
        ("real", "0", 0.0),
        ("real", "1.1", 1.1),
        ("double precision", "5e-324", 5e-324),
        ("double precision", "NaN", "NaN"),
        ("bytea", "\\x", ""),
        ("bytea", "\\x00ff10", "AP8Q"),
        ("bit(1)", "1", True),
        ("bit", "0", False),
        ("date", "0001-01-01", -719162),
        ("date", "20000-01-01", 6585322),
        ("timestamp without time zone", "0044-03-15 01:02:03 BC", -63517820277000000),
        ("timestamp(3) without time zone", "2024-02-29 12:34:56.7", 1709210096700),
        ("timestamp(4) without time zone", "2024-02-29 12:34:56.7", 1709210096700000),
        ("timestamp with time zone", "2024-02-29 12:34:00+00", "2024-02-29T12:34:00.000000Z"),
        ("timestamp(3) with time zone", "2024-02-29 12:34:56.7+00", "2024-02-29T12:34:56.700Z"),
        ("timestamp(0) with time zone", "2024-02-29 12:34:56+00", "2024-02-29T12:34:56Z"),
        ("timestamp with time zone", "0001-01-01 00:00:00+00 BC", "0000-01-01T00:00:00.000000Z"),
        ("timestamp with time zone", "infinity", "infinity"),
        ("time without time zone", "24:00:00", 86_400_000_000),
        ("time(3) without time zone", "12:34:56.7", 45_296_700),
        ("numeric(5,2)[]", ["1.50", None, "NaN"], ["1.50", None, "NAN"]),
        ("date[]", ["1970-01-02"], [1]),
        ("text[]", [], []),
    ],
)
def test_what_the_server_prints_is_spelt_as_in_change_events(type_, printed, spelt):
    found = spell(type_, printed)
    assert (found, type(found)) == (spelt, type(spelt))


def test_minus_zero_keeps_its_sign():
    assert math.copysign(1, spell("double precision", "-0")) == -1  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "type_",
    [
        *("name", "money", "interval", "bit(5)", "bit varying", "point", "tstzrange", "hstore"),
        *(
            "time with time zone",
            "xml",
            "interval day to second",
            "timestamp(3) without time zone[]",
        ),
        *("public.text", "mine", "oid[]", "cidr[]", "int4range[]", "integer[][]", "", "bit(5)[]"),
        *("timestamp", "time"),
    ],
)
def test_a_type_that_nobody_has_proved_has_no_spelling(type_):
    assert spelling_of(type_) is None


def test_an_enum_is_spelt_by_its_words_whatever_it_is_called():
    for type_ in ("mood", 'app."Mood (2)"', "integer"):
        spelling = spelling_of(type_, enum=True)
        assert spelling is None or spelling.spell("7") == "7"
    assert spelling_of("mood", enum=True) is not None
    array = spelling_of("app.mood[]", enum=True)
    assert array is not None
    assert array.spell(["happy", None]) == ["happy", None]


@pytest.mark.parametrize(
    ("type_", "printed"),
    [
        ("date", "infinity"),
        ("date", "0044-03-15 BC"),
        ("timestamp without time zone", "-infinity"),
        ("timestamp without time zone", "150000-01-01 00:00:00"),
        ("integer[]", [["1"], ["2"]]),
        ("date[]", ["infinity"]),
    ],
)
def test_a_value_with_several_spellings_has_none(type_, printed):
    with pytest.raises(Unspellable):
        spell(type_, printed)


def back(type_: str, spelt: object) -> str:
    spelling = spelling_of(type_)
    assert spelling is not None
    assert spelling.printed is not None
    return spelling.printed(str(spelt))


@given(st.dates())
def test_a_date_is_counted_in_days_and_found_back(day):
    days = spell("date", day.isoformat())
    assert days == (day - date(1970, 1, 1)).days
    assert back("date", days) == day.isoformat()


@given(st.datetimes())
def test_a_timestamp_is_counted_in_microseconds_and_found_back(moment):
    printed = moment.isoformat(sep=" ")
    micros = spell("timestamp without time zone", printed)
    assert isinstance(micros, int)
    delta = moment.replace(tzinfo=UTC) - EPOCH
    assert micros == (delta.days * 86_400 + delta.seconds) * 1_000_000 + delta.microseconds
    assert datetime.fromisoformat(back("timestamp without time zone", micros)) == moment


@pytest.mark.parametrize(
    ("type_", "printed"),
    [
        ("timestamp without time zone", "0044-03-15 01:02:03 BC"),
        ("timestamp without time zone", "20000-01-01 00:00:00"),
        ("timestamp with time zone", "0044-03-15 01:02:03+00 BC"),
        ("timestamp with time zone", "0001-03-15 01:02:03+00 BC"),
        ("timestamp with time zone", "20000-01-01 00:00:00+00"),
        ("timestamp(0) with time zone", "2024-02-29 12:34:56+00"),
        ("timestamp with time zone", "infinity"),
        ("date", "20000-01-01"),
        ("numeric", "NaN"),
        ("bytea", "\\x00ff"),
    ],
)
def test_what_is_odd_is_found_back_too(type_, printed):
    spelt = spell(type_, printed)
    assert spell(type_, back(type_, spelt).replace(".000000", "")) == spelt


@given(st.floats(width=32, allow_nan=False, allow_infinity=False))
def test_a_real_that_is_no_subnormal_is_the_shortest_number(value):
    shortest = str(np.float32(value))
    spelt = spell("real", shortest)
    assert isinstance(spelt, float)
    assert np.float32(spelt) == np.float32(value)
    if abs(value) >= 2.0**-126:
        assert spelt == float(shortest)


@pytest.mark.parametrize(
    ("type_", "text"),
    [
        ("integer", "one"),
        ("date", "2024-01-01"),
        ("date", "99999999999"),
        ("timestamp without time zone", "9" * 30),
        ("timestamp with time zone", "yesterday"),
        ("bytea", "not base64!"),
    ],
)
def test_what_no_value_is_spelt_as_is_told_from_a_value(type_, text):
    with pytest.raises(ValueError, match=r"."):
        back(type_, text)
