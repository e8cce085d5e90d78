"""What is signed of a record: the same for every program that makes it from the description."""

import json
import subprocess
from shutil import which

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas import Rollback, Stage, StageSet
from streams.migration.signing import canonical, is_signed, sign
from tests.unit.migration.by_hand import KEY, OLD, STRANGE, by_hand
from tests.unit.migration.log import START

PLAIN = {
    "kind": "ramp",
    "id": "1",
    "by": 'é 😀 \u2028 " \\ / \t\n',
    "percent": 5,
    "cohorts": ["b", "a"],
}


def test_the_canonical_form_is_as_it_is_described():
    value = (
        b' {"by":"\\u00e9", "signature" : "x",\n"kind":"stage", "nested":{"b":[2, 1],"a":null}} '
    )
    assert canonical(value) == '{"by":"é","kind":"stage","nested":{"a":null,"b":[2,1]}}'.encode()


def test_order_and_white_space_and_escapes_do_not_matter():
    signature = json.loads(sign(json.dumps(PLAIN).encode(), KEY))["signature"]
    backwards = dict(reversed({**PLAIN, "signature": signature}.items()))
    for form in ({"indent": 3}, {"ensure_ascii": False}, {"separators": (" ,\n", " :\t")}):
        assert is_signed(json.dumps(backwards, **form).encode(), [KEY])
    moved = {**backwards, "cohorts": ["a", "b"]}
    assert not is_signed(json.dumps(moved).encode(), [KEY])


def test_the_old_signature_gives_way_to_a_new_one():
    once = sign(json.dumps(PLAIN).encode(), OLD)
    assert is_signed(once, [OLD])
    again = sign(once, KEY)
    assert is_signed(again, [KEY])
    assert not is_signed(again, [OLD])


@pytest.mark.parametrize("value", [b"", b"null", b"[]", b'"x"', b"{", b"[" * 9_999, b'{"a":NaN}'])
def test_what_is_no_object_can_not_be_signed(value):
    with pytest.raises(ValueError):  # noqa: PT011 - any reader's own words
        sign(value, KEY)
    assert not is_signed(value, [KEY])


def test_a_record_that_is_nested_too_deep_is_not_signed():
    value = b'{"signature":"0","x":' + b"[" * 100_000 + b"]" * 100_000 + b"}"
    with pytest.raises(ValueError, match="too deep"):
        canonical(value)
    assert not is_signed(value, [KEY])


NUMBERS = st.integers() | st.floats(allow_nan=False, allow_infinity=False)
VALUES = st.recursive(
    st.none() | st.booleans() | NUMBERS | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3)
    ),
    max_leaves=8,
)


@given(st.dictionaries(st.text(max_size=5), VALUES, max_size=6))
def test_anybody_s_json_library_makes_the_same_signature(fields):
    fields.pop("signature", None)
    assert is_signed(by_hand(fields, KEY), [KEY])
    ours = sign(json.dumps(fields).encode(), KEY)
    assert json.loads(ours)["signature"] == json.loads(by_hand(fields, KEY))["signature"]


@pytest.mark.parametrize(
    ("text", "signed_as"),
    [
        ("5", "5"),
        ("5.0", "5.0"),
        ("12.5", "12.5"),
        ("1e3", "1000.0"),
        ("0.00001", "1e-05"),
        ("1e16", "1e+16"),
        ("-0", "0"),
        ("-0.0", "-0.0"),
        ("18446744073709551617", "18446744073709551617"),
    ],
)
def test_a_number_is_signed_as_python_prints_it_now_and_for_ever(text, signed_as):
    """Others print some of these otherwise, which is why the page says: write numbers plainly."""
    assert canonical(b'{"n":' + text.encode() + b"}") == f'{{"n":{signed_as}}}'.encode()


def test_a_signature_of_today_is_one_of_tomorrow():
    value = by_hand({**PLAIN, "percent": 12.5}, KEY)
    expected = "46380596cfdf4971acc28bcd36ea568192e718c3abc84b285c39a86af2da8ed4"
    assert json.loads(value)["signature"] == expected
    assert is_signed(value, [KEY])


@pytest.mark.skipif(which("jq") is None, reason="jq is not installed")
def test_jq_prints_the_canonical_form():
    value = json.dumps({**PLAIN, "percent": 12.5, "signature": "x"}).encode()
    printed = subprocess.run(
        ["jq", "-cSj", "del(.signature)"],  # noqa: S607 - wherever it is installed
        input=value,
        capture_output=True,
        check=True,
    ).stdout
    assert printed == canonical(value)


@pytest.mark.parametrize(
    "order",
    [
        StageSet(id="1", by="é", to=Stage.SHADOW, expected_version=3, expires_at=START),
        Rollback(id="2", by="b", reason="p99 at 4 s"),
    ],
)
def test_what_hotswap_encodes_and_signs_is_accepted(order):
    assert is_signed(sign(order.encode(), KEY), [STRANGE, KEY])
