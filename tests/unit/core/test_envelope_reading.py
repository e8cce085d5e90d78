import base64
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas import Reason
from streams.core.envelope import Refused, read, read_exactly, read_key

ROW = {"id": 1, "title": "T"}
TEXT = json.dumps(ROW)

JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3)
    ),
    max_leaves=8,
)


@pytest.mark.parametrize(
    "raw",
    [
        TEXT,
        json.dumps({"schema": {"type": "struct"}, "payload": ROW}),
        json.dumps({"schema": None, "payload": ROW}),
        json.dumps(TEXT),
        json.dumps(base64.b64encode(TEXT.encode()).decode()),
        json.dumps({"schema": {"type": "string"}, "payload": TEXT}),
        json.dumps(
            {"schema": {"type": "bytes"}, "payload": base64.b64encode(TEXT.encode()).decode()}
        ),
        json.dumps(json.dumps({"schema": {"type": "struct"}, "payload": ROW})),
    ],
    ids=["bare", "schema", "null schema", "string", "bytes", "string with schema",
         "bytes with schema", "schema in a string"],
)  # fmt: skip
def test_a_converter_may_wrap_a_payload(raw):
    assert read(raw.encode()) == read_exactly(raw.encode()) == read_key(raw.encode()) == ROW


def test_a_row_may_have_columns_named_schema_and_payload():
    row = {"schema": "public", "payload": 1}
    assert read_key(json.dumps(row).encode()) == row


@pytest.mark.parametrize(
    "number",
    ["9223372036854775807", "-9223372036854775808", "0", "-0", "1.5", "1e3", "-2E-2"],
)
def test_numbers_that_fit_are_read_exactly_as_they_are(number):
    assert read_exactly(number) == json.loads(number)


@pytest.mark.parametrize(
    "number",
    ["9223372036854775808", "-9223372036854775809", "18446744073709551616", "9" * 300],
)
def test_integers_that_do_not_fit_are_read_exactly_as_strings(number):
    assert read_exactly(f'{{"a":[{number}],"b":"{number}"}}') == {"a": [number], "b": number}


def test_digits_inside_strings_and_fractions_are_left_alone():
    text = r'{"\"99999999999999999999":"\\\" 99999999999999999999","b":0.99999999999999999999}'
    assert read_exactly(text) == json.loads(text)


@given(JSON)
def test_reading_exactly_differs_only_in_integers_that_do_not_fit(value):
    def fitted(part):
        if isinstance(part, bool) or not isinstance(part, int | list | dict):
            return part
        if isinstance(part, int):
            return part if -(2**63) <= part < 2**63 else str(part)
        if isinstance(part, list):
            return [fitted(item) for item in part]
        return {name: fitted(item) for name, item in part.items()}

    wrapped = {"value": value}
    assert read_exactly(json.dumps(wrapped)) == fitted(wrapped)


def test_of_a_name_that_stands_twice_in_a_value_the_last_one_counts():
    assert read(b'{"a":1,"a":2}') == {"a": 2}


@pytest.mark.parametrize(
    "raw", [b'{"a":1,"a":1}', b'{ "a" : 1, "\\u0061" : 2 }', b'{"b":{"a":1,"a":2}}']
)
def test_a_name_that_stands_twice_in_a_key_is_refused(raw):
    with pytest.raises(Refused) as refused:
        read_key(raw)
    assert refused.value.reason is Reason.NOT_JSON


@pytest.mark.parametrize("raw", [b'{ "a": 1.0 }', b'{"\\u0061":"\\u00e9"}', '{"a":"é"}'.encode()])
def test_a_key_may_be_written_in_any_way(raw):
    assert read_key(raw) == json.loads(raw)
