import json

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas import Document, Reason
from streams.core.identity import document_id
from streams.core.normalisation import (
    Ignored,
    Limits,
    Put,
    Rejected,
    Remove,
    RemoveOlder,
    normalise,
)
from streams.core.source import Source, Template
from streams.core.text import clean, content_hash

LIMITS = Limits(text_budget_bytes=200, metadata_bytes=500, record_bytes=2_000)
SOURCE = Source("s", ("id",), Template.parse("{title}\n\n{body}"), ("note", "kind"))
KEY = b'{"id":1}'

VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=20)
    | st.sampled_from(["__debezium_unavailable_value", "c", "d", "t", "BEGIN", "\0", " "]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["a", "$oid", "payload", "schema"]), inner, max_size=3)
    ),
    max_leaves=6,
)
ROWS = st.fixed_dictionaries(
    {"title": st.text() | VALUES, "body": st.text() | VALUES},
    optional={"id": VALUES, "note": VALUES, "kind": VALUES},
)
IMAGES = ROWS | ROWS.map(json.dumps)
ORIGINS = st.fixed_dictionaries(
    {"connector": st.sampled_from(["postgresql", "mysql", "sqlserver", "mongodb"]) | VALUES},
    optional={
        "file": st.just("bin.000001") | VALUES,
        **dict.fromkeys(["lsn", "sequence", "pos", "row", "server_id", "ord", "ts_ms"], VALUES),
        "commit_lsn": VALUES,
    },
)
ENVELOPES = st.fixed_dictionaries(
    {"op": st.sampled_from("crucrudtm") | VALUES, "after": IMAGES},
    optional={"before": IMAGES | VALUES, "source": ORIGINS | VALUES, "ts_ms": VALUES},
)
WRAPPED = st.fixed_dictionaries({"schema": VALUES, "payload": ENVELOPES})
RECORDS = ENVELOPES | WRAPPED | VALUES
KEYS = st.fixed_dictionaries({"id": st.integers() | st.text()}) | ROWS | VALUES

OUTCOMES = (Put, Remove, RemoveOlder, Ignored, Rejected)


def record(op="c", source=None, **columns):
    after = {"id": 1, "title": "T", "body": "B", "note": None, "kind": "k", **columns}
    return json.dumps({"op": op, "before": None, "after": after, "source": source or {}}).encode()


def document(value=None, key=KEY, source=SOURCE, limits=LIMITS, **columns) -> Document:
    outcome = normalise(key, value or record(**columns), source, limits)
    assert isinstance(outcome, Put), outcome
    return outcome.document


def rejected(value=None, key=KEY, source=SOURCE, limits=LIMITS, **columns) -> Rejected:
    outcome = normalise(key, value or record(**columns), source, limits)
    assert isinstance(outcome, Rejected), outcome
    return outcome


def test_a_row_becomes_a_document():
    origin = {"connector": "postgresql", "lsn": 7, "ts_ms": 1_757_000_000_000}
    assert document(source=SOURCE, value=record(source=origin)) == Document(
        id="s/1",
        source="s",
        key={"id": 1},
        text="T\n\nB",
        content_hash=content_hash("T\n\nB"),
        metadata={"note": None, "kind": "k"},
        position="00000000000000000007",
        changed_at=1_757_000_000_000,
        cut_bytes=0,
    )


def test_a_delete_and_its_tombstone_remove_the_same_document():
    origin = {"connector": "postgresql", "lsn": 7}
    delete = normalise(KEY, record("d", origin), SOURCE, LIMITS)
    assert delete == Remove("s/1", "00000000000000000007")
    assert normalise(KEY, None, SOURCE, LIMITS) == Remove("s/1", None)


def test_a_truncate_names_its_source_and_position():
    value = record("t", {"connector": "postgresql", "lsn": 7})
    assert normalise(None, value, SOURCE, LIMITS) == RemoveOlder("s", "00000000000000000007")


def test_a_composite_key_keeps_the_order_of_the_configuration():
    source = Source("s", ("b", "a"), SOURCE.template)
    made = document(key=b'{"a":1,"b":"x"}', source=source)
    assert made.id == "s/x|1"
    assert list(made.key.items()) == [("b", "x"), ("a", 1)]


def test_only_text_that_is_cut_says_so():
    made = document(body="x" * 1_000)
    assert made.cut_bytes == 1_003 - LIMITS.text_budget_bytes
    assert len(made.text) == LIMITS.text_budget_bytes


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, ""),
        (12, "12"),
        (-0.5, "-0.5"),
        (1e300, "1e+300"),
        (True, "true"),
        (2**63, "9223372036854775808"),
        (2**64, "18446744073709551616"),
        (-(2**64), "-18446744073709551616"),
    ],
)
def test_a_scalar_stands_in_the_text_as_in_json(value, text):
    assert document(body=value).text == f"T\n\n{text}".strip()


@pytest.mark.parametrize("value", ["", " ", "\0", "\u3000\0\n", None])
def test_a_template_s_own_words_are_no_text(value):
    source = Source("s", ("id",), Template.parse("Title: {title}"))
    assert normalise(KEY, record(title=value), source, LIMITS) == Remove("s/1", None)


def test_braces_in_a_template_can_stand_for_themselves():
    source = Source("s", ("id",), Template.parse("{{{title}}} {title}"))
    assert document(source=source).text == "{T} T"


@pytest.mark.parametrize("setting", ["", "words", "{}", "{a!r}", "{a:>5}", "{"])
def test_a_template_must_name_plain_columns(setting):
    with pytest.raises(ValueError, match=r"column|format string"):
        Template.parse(setting)


def test_metadata_that_the_row_does_not_have_is_left_out():
    value = orjson.dumps({"op": "c", "after": {"title": "T", "body": "B", "kind": 1}})
    assert document(value).metadata == {"kind": 1}


@pytest.mark.parametrize(
    ("value", "kept"),
    [
        (2**63 - 1, 2**63 - 1),
        (-(2**63), -(2**63)),
        (2**63, "9223372036854775808"),
        (2**64, "18446744073709551616"),
        ([{"a": 2**64}], [{"a": "18446744073709551616"}]),
        (1e19, 1e19),
        (-0.1, -0.1),
        (True, True),
    ],
)
def test_metadata_keeps_every_digit_in_a_form_that_milvus_holds(value, kept):
    made = document(note=value).metadata["note"]
    assert (made, type(made)) == (kept, type(kept))


def test_a_key_of_64_bits_without_sign_keeps_its_digits():
    made = document(key=b'{"id":18446744073709551615}')
    assert (made.id, made.key) == ("s/18446744073709551615", {"id": "18446744073709551615"})


def test_two_keys_that_a_float_would_merge_are_never_one_document():
    keys = [f'{{"id":{2**64 + n}}}'.encode() for n in range(2)]
    assert {rejected(key=key).reason for key in keys} == {Reason.KEY_NOT_SCALAR}


def test_a_rejection_names_the_document_where_the_key_tells():
    assert rejected(b"no JSON").document_id == "s/1"
    assert rejected(b"no JSON", key=b"no JSON").document_id is None


def test_a_rejection_does_not_quote_the_row():
    secret = "secret" * 5
    for key, value in [
        (json.dumps({"id": [secret]}).encode(), record()),
        (KEY, record(body=[secret])),
        (KEY, record(note=secret * 100)),
        (KEY, record(body={secret: secret})),
        (KEY, f'{{"op":"c","after":"{secret}'.encode()),
    ]:
        assert secret not in rejected(value, key=key).detail


def test_metadata_may_be_as_large_as_its_limit():
    spare = LIMITS.metadata_bytes - len(b'{"note":"","kind":"k"}')
    assert document(note="x" * spare).metadata["note"] == "x" * spare
    assert rejected(note="x" * (spare + 1)).reason is Reason.METADATA_TOO_LARGE


def test_a_document_may_be_as_large_as_its_limit():
    size = len(document().encode())
    assert len(document(limits=Limits(200, 500, size)).encode()) == size
    assert rejected(limits=Limits(200, 500, size - 1)).reason is Reason.RECORD_TOO_LARGE


def test_the_size_of_a_document_counts_what_json_escapes():
    limits = Limits(10_000, 500, 9_000)
    assert rejected(body="\x01" * 2_000, limits=limits).reason is Reason.RECORD_TOO_LARGE
    assert document(body="x" * 2_000, limits=limits).cut_bytes == 0


def test_a_budget_below_one_character_is_no_budget():
    with pytest.raises(ValueError, match="below 4 bytes"):
        Limits(text_budget_bytes=3, metadata_bytes=500, record_bytes=2_000)


@given(st.none() | st.binary(max_size=60), st.none() | st.binary(max_size=200))
def test_any_bytes_have_an_outcome(key, value):
    assert isinstance(normalise(key, value, SOURCE, LIMITS), OUTCOMES)


@given(st.data())
def test_a_damaged_record_has_an_outcome(data):
    value = bytearray(
        record(source={"connector": "postgresql", "lsn": 7}, title="é\0", note=[2**64])
    )
    for _ in range(data.draw(st.integers(1, 3))):
        value[data.draw(st.integers(0, len(value) - 1))] = data.draw(st.integers(0, 255))
    outcome = normalise(KEY, bytes(value), SOURCE, LIMITS)
    assert isinstance(outcome, OUTCOMES)
    if isinstance(outcome, Put):
        _is_sound(outcome.document)


@settings(max_examples=5 * settings().max_examples)
@given(KEYS | st.none(), RECORDS | st.none())
def test_any_json_has_one_outcome_which_is_sound(key, value):
    key, value = (None if part is None else json.dumps(part).encode() for part in (key, value))
    outcome = normalise(key, value, SOURCE, LIMITS)
    assert outcome == normalise(key, value, SOURCE, LIMITS)
    assert isinstance(outcome, OUTCOMES)
    if isinstance(outcome, Put):
        _is_sound(outcome.document)


@given(st.text(max_size=20) | st.integers(), st.text(), st.text(), VALUES)
def test_a_whole_row_is_put_removed_or_rejected_for_its_values(identifier, title, body, note):
    key = json.dumps({"id": identifier}).encode()
    outcome = normalise(key, record(title=title, body=body, note=note), SOURCE, LIMITS)
    text = clean(f"{title}\n\n{body}", LIMITS.text_budget_bytes).value
    if isinstance(outcome, Put):
        _is_sound(outcome.document)
        assert outcome.document.text == text
        assert outcome.document.id == document_id("s", [identifier])
    elif isinstance(outcome, Remove):
        assert not text
    else:
        assert isinstance(outcome, Rejected)
        assert outcome.reason in {
            Reason.UNAVAILABLE_VALUE,
            Reason.METADATA_TOO_LARGE,
            Reason.RECORD_TOO_LARGE,
            Reason.KEY_NOT_SCALAR,
        }


def _is_sound(made: Document) -> None:
    encoded = made.encode()
    assert Document.decode(encoded) == made
    assert len(encoded) <= LIMITS.record_bytes
    assert len(orjson.dumps(made.metadata)) <= LIMITS.metadata_bytes
    assert made.content_hash == content_hash(made.text)
    assert clean(made.text, LIMITS.text_budget_bytes).value == made.text
    assert made.text != "__debezium_unavailable_value"
    assert _integers_fit(made.metadata)
    assert _integers_fit(made.key)


def _integers_fit(value: object) -> bool:
    if isinstance(value, dict):
        return all(map(_integers_fit, value.values()))
    if isinstance(value, list):
        return all(map(_integers_fit, value))
    return not isinstance(value, int) or -(2**63) <= value < 2**63
