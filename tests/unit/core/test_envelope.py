import base64
import hashlib
import json
import uuid

import pytest

from schemas import Reason
from streams.core.envelope import (
    PLACEHOLDER,
    Beside,
    Change,
    Refused,
    change_of,
    is_unavailable,
)

ROW = {"id": 1, "title": "T"}
TEXT = json.dumps(ROW)


@pytest.mark.parametrize(
    "value",
    [
        PLACEHOLDER,
        base64.b64encode(PLACEHOLDER.encode()).decode(),
        PLACEHOLDER.encode().hex(),
        [PLACEHOLDER],
        ["a", PLACEHOLDER],
        [base64.b64encode(PLACEHOLDER.encode()).decode()],
        list(PLACEHOLDER.encode()),
        [str(uuid.UUID(bytes=hashlib.md5(PLACEHOLDER.encode()).digest(), version=3))],  # noqa: S324
        {PLACEHOLDER: PLACEHOLDER},
        json.dumps({PLACEHOLDER: PLACEHOLDER}, separators=(",", ":")),
        {"wkb": base64.b64encode(PLACEHOLDER.encode()).decode(), "srid": None},
    ],
)
def test_a_placeholder_is_known_in_the_forms_of_all_column_types(value):
    assert is_unavailable(value)


@pytest.mark.parametrize(
    "value",
    [None, "", "text", f"{PLACEHOLDER} ", [], {}, 1, True, ["a"], list(b"__deb"), {PLACEHOLDER: 1}],
)
def test_other_values_are_no_placeholders(value):
    assert not is_unavailable(value)


def test_a_row_may_be_json_in_a_string():
    change = change_of({"op": "u", "before": TEXT, "after": json.dumps({"title": PLACEHOLDER})})
    assert isinstance(change, Change)
    assert change.row.value("title") == "T"


@pytest.mark.parametrize(
    ("ts_ms", "expected"),
    [(5, 5), (0, 0), (None, None), (True, None), ("5", None), (1.5, None), (2**63, None)],
)
def test_the_time_of_a_change_is_known_or_left_out(ts_ms, expected):
    change = change_of({"op": "c", "after": ROW, "source": {"ts_ms": ts_ms}})
    assert isinstance(change, Change)
    assert change.changed_at == expected


@pytest.mark.parametrize(
    ("payload", "what"),
    [
        ({"op": "m", "message": {"prefix": "p", "content": "Ymfy"}}, "a logical message"),
        ({"status": "END", "id": "5:7", "event_count": 1, "ts_ms": 1}, "transaction metadata"),
        ({"source": {}, "databaseName": "d", "ddl": None, "tableChanges": []}, "a schema change"),
        ({"ts_ms": 1, "ts_us": 1, "ts_ns": 1}, "a heartbeat"),
    ],
)
def test_records_beside_change_events_are_told_apart(payload, what):
    beside = change_of(payload)
    assert isinstance(beside, Beside)
    assert beside.what == what


@pytest.mark.parametrize(
    "row",
    [
        {"status": "BEGIN", "id": 1, "title": "T"},
        {"status": "open", "id": "5:7"},
        {"ddl": "CREATE", "id": 1},
        {"ts_ms": 1, "title": "T"},
    ],
)
def test_an_unwrapped_row_is_never_mistaken_for_one_of_them(row):
    with pytest.raises(Refused) as refused:
        change_of(row)
    assert refused.value.reason is Reason.NOT_AN_ENVELOPE
