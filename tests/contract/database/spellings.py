"""Values of Postgres types, and how Debezium 3.6 spells them.

The last column is what stood in `after`, the same in events of a snapshot and of the stream,
read with a JSON reader. `tests/integration/test_verify_source.py` takes them through Debezium.
"""

__all__ = ["PREPARE", "REFUSED", "SPELLINGS", "UNSPELLABLE"]

SPELLINGS: tuple[tuple[str, str, object], ...] = (
    ("smallint", "-5", -5),
    ("integer", "7", 7),
    ("bigint", "9223372036854775807", 9223372036854775807),
    ("oid", "4000000000", 4000000000),
    ("boolean", "true", True),
    ("boolean", "false", False),
    ("text", "a'b é 😀 \\ \n", "a'b é 😀 \\ \n"),
    ("varchar(20)", "xy ", "xy "),
    ("char(5)", "ab", "ab   "),
    ('"char"', "x", "x"),
    ("citext", "CiT", "CiT"),
    ("numeric", "1.50", "1.50"),
    ("numeric", "NaN", "NAN"),
    ("numeric", "Infinity", "POSITIVE_INFINITY"),
    ("numeric", "-Infinity", "NEGATIVE_INFINITY"),
    ("numeric", "1e30", "1000000000000000000000000000000"),
    ("numeric", "0.00000000001", "0.00000000001"),
    ("numeric", "-12345678901234567890.123400", "-12345678901234567890.123400"),
    ("numeric(10,3)", "1.5", "1.500"),
    ("real", "1.1", 1.1),
    ("real", "NaN", "NaN"),
    ("real", "Infinity", "Infinity"),
    ("real", "1e-45", 1.4e-45),
    ("real", "1.17e-38", 1.17e-38),
    ("real", "3e38", 3e38),
    ("real", "16777216", 16777216.0),
    ("double precision", "1.1", 1.1),
    ("double precision", "-Infinity", "-Infinity"),
    ("double precision", "1e300", 1e300),
    ("double precision", "5e-324", 5e-324),
    ("double precision", "123456789012345680000", 123456789012345680000.0),
    ("double precision", "-0", -0.0),
    ("uuid", "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11", "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11"),
    ("json", '{"b": 1,  "a":[1.0,null]}', '{"b": 1,  "a":[1.0,null]}'),
    ("jsonb", '{"b": 1,  "a":[1.0,null]}', '{"a": [1.0, null], "b": 1}'),
    ("bytea", "\\x", ""),
    ("bytea", "\\x00ff10", "AP8Q"),
    ("date", "2024-02-29", 19782),
    ("date", "1969-12-31", -1),
    ("date", "1500-01-01", -171664),
    ("date", "20000-01-01", 6585322),
    ("timestamp", "2024-02-29 12:34:56.789012", 1709210096789012),
    ("timestamp", "1969-12-31 23:59:59.9", -100000),
    ("timestamp", "1500-01-01 00:00:00", -14831769600000000),
    ("timestamp", "0044-03-15 01:02:03 BC", -63517820277000000),
    ("timestamp", "20000-01-01 00:00:00", 568971820800000000),
    ("timestamp(3)", "2024-02-29 12:34:56.789", 1709210096789),
    ("timestamp(0)", "2024-02-29 12:34:56", 1709210096000),
    ("timestamp(6)", "2024-02-29 12:34:56.789012", 1709210096789012),
    ("timestamptz", "2024-02-29 12:34:56.789012+02", "2024-02-29T10:34:56.789012Z"),
    ("timestamptz", "2024-02-29 12:34:00+00", "2024-02-29T12:34:00.000000Z"),
    ("timestamptz", "0044-03-15 01:02:03+00 BC", "-0043-03-15T01:02:03.000000Z"),
    ("timestamptz", "20000-01-01 00:00:00+00", "+20000-01-01T00:00:00.000000Z"),
    ("timestamptz", "-infinity", "-infinity"),
    ("timestamptz(3)", "2024-02-29 12:34:56.780+02", "2024-02-29T10:34:56.780Z"),
    ("timestamptz(0)", "2024-02-29 12:34:56+02", "2024-02-29T10:34:56Z"),
    ("time", "12:34:56.789012", 45296789012),
    ("time", "24:00:00", 86400000000),
    ("time(3)", "12:34:56.7", 45296700),
    ("time(0)", "12:34:56", 45296000),
    ("bit", "1", True),
    ("inet", "10.0.0.1/24", "10.0.0.1/24"),
    ("inet", "::1", "::1"),
    ("cidr", "10.0.0.0/8", "10.0.0.0/8"),
    ("macaddr", "08:00:2b:01:02:03", "08:00:2b:01:02:03"),
    ("macaddr8", "08:00:2b:01:02:03:04:05", "08:00:2b:01:02:03:04:05"),
    ("int4range", "[1,5]", "[1,6)"),
    ("int8range", "[1,5)", "[1,5)"),
    ("numrange", "[1.0,2)", "[1.0,2)"),
    ("tsrange", "[2024-01-01,2024-02-01)", '["2024-01-01 00:00:00","2024-02-01 00:00:00")'),
    ("daterange", "[2024-01-01,2024-02-01)", "[2024-01-01,2024-02-01)"),
    ("tsvector", "'a' 'b':2", "'a' 'b':2"),
    ("ltree", "a.b.c", "a.b.c"),
    ("mood", "happy", "happy"),
    ("whole", "5", 5),
    ("short", "dd", "dd"),
    ("integer[]", "{1,NULL,3}", [1, None, 3]),
    ("integer[]", "{}", []),
    ("smallint[]", "{1}", [1]),
    ("bigint[]", "{1}", [1]),
    ("text[]", '{a,"b c",NULL,"q\\"x","NULL"}', ["a", "b c", None, 'q"x', "NULL"]),
    ("varchar(5)[]", "{a}", ["a"]),
    ("char(3)[]", "{a}", ["a  "]),
    ("boolean[]", "{t,f}", [True, False]),
    ("numeric[]", "{1.50,NULL}", ["1.50", None]),
    ("numeric(5,2)[]", "{1.5}", ["1.50"]),
    ("real[]", "{1.1}", [1.1]),
    ("double precision[]", "{1.1}", [1.1]),
    ("uuid[]", "{a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11}", ["a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11"]),
    ("date[]", "{2024-01-01}", [19723]),
    ("timestamp[]", "{2024-01-01 01:02:03.4}", [1704070923400000]),
    ("timestamptz[]", "{2024-01-01 01:02:03.4+00}", ["2024-01-01T01:02:03.400000Z"]),
    ("time[]", "{01:02:03}", [3723000000]),
    ("json[]", '{"{\\"a\\":1}"}', ['{"a":1}']),
    ("jsonb[]", '{"{\\"a\\":1}"}', ['{"a": 1}']),
    ("bytea[]", '{"\\\\x01"}', ["AQ=="]),
    ("mood[]", "{happy,sad}", ["happy", "sad"]),
    ("inet[]", "{10.0.0.1}", ["10.0.0.1"]),
    ("citext[]", "{Ab}", ["Ab"]),
)
"""Type, a value as the server reads it, the value in a change event."""

REFUSED = (
    *("name", "money", "interval", "timetz", "bit(5)", "varbit", "point", "tstzrange", "hstore"),
    *("xml", "tsquery", "pg_lsn", "int4multirange", "pair", "timestamp(3)[]", "time(0)[]"),
    *("interval[]", "oid[]", "whole[]", "hstore[]", "pair[]"),
)
"""Types that change events leave out, or spell in several ways, or that nobody has tried."""

UNSPELLABLE = (
    ("date", "0044-03-15 BC"),
    ("date", "infinity"),
    ("timestamp", "-infinity"),
    ("timestamp", "150000-01-01 00:00:00"),
    ("integer[]", "{{1,2},{3,4}}"),
)
"""Values that snapshots and the change stream spell differently, or not at all."""

PREPARE = """
CREATE EXTENSION IF NOT EXISTS citext;
CREATE EXTENSION IF NOT EXISTS ltree;
CREATE EXTENSION IF NOT EXISTS hstore;
SET search_path = {schema}, public;
CREATE TYPE mood AS ENUM ('happy', 'sad');
CREATE DOMAIN whole AS integer CHECK (value > 0);
CREATE DOMAIN short AS varchar(10);
CREATE TYPE pair AS (a integer, b text);
"""
"""Types of the list above that a server does not have by itself."""
