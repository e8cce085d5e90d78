"""Every change event, key and text that has hurt somebody, and what becomes of it.

A line: name, key, value, and a `Reason` if the record is dead-lettered, otherwise the outcome.
`normalise` is a function of one record, so the next good record always goes through; that a
worker keeps to this is for the tests of the agents.
"""

import json
import re

import pytest

from schemas import Document, Reason
from streams.core.identity import parse_document_id
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

LIMITS = Limits(text_budget_bytes=1_200, metadata_bytes=60_000, record_bytes=900_000)
ARTICLES = Source("articles", ("id",), Template.parse("{title}\n\n{body}"), ("tags", "note"))
PAIRS = Source("articles", ("word", "number"), Template.parse("{title}\n\n{body}"), ("note",))

LSN = {"connector": "postgresql", "lsn": 5, "ts_ms": 1_757_000_000_000}
PLACEHOLDER = "__debezium_unavailable_value"


def key(value=1, **columns) -> bytes:
    return json.dumps(columns or {"id": value}, ensure_ascii=False).encode()


def event(op="c", before=None, source=LSN, **columns) -> bytes:
    after = {"id": 1, "title": "T", "body": "B", "tags": [], "note": None, **columns}
    envelope = {"before": before, "after": after, "source": source, "op": op}
    return json.dumps(envelope, ensure_ascii=False).encode("utf-8", "surrogatepass")


def other(**fields) -> bytes:
    return json.dumps(fields).encode()


def spelled(text: str) -> bytes:
    """An event whose `note` is this JSON text, letter by letter."""
    return event(note="HERE").replace(b'"HERE"', text.encode())


def deep(levels: int) -> str:
    return "[" * levels + "]" * levels


TABLE = other(type="struct", fields=[], optional=False)
SCHEMA = json.loads(TABLE)
GOOD = event()

CASES = [
    # JSON
    ("not JSON", key(), b"not JSON", Reason.NOT_JSON),
    ("nothing at all", key(), b"", Reason.NOT_JSON),
    ("cut off", key(), GOOD[:-1], Reason.NOT_JSON),
    ("followed by more", key(), GOOD + b"{}", Reason.NOT_JSON),
    ("Avro", key(), b"\0\0\0\0\x07\x02\x0cabc", Reason.NOT_JSON),
    ("not UTF-8", key(), event(title="\xe9").decode().encode("latin-1"), Reason.NOT_JSON),
    ("byte order mark", key(), b"\xef\xbb\xbf" + GOOD, Reason.NOT_JSON),
    ("nested 10,000 deep", key(), spelled(deep(10_000)), Reason.NOT_JSON),
    ("all of it nested 100,000 deep", key(), deep(100_000).encode(), Reason.NOT_JSON),
    ("nested 900 deep", key(), spelled(deep(900)), Reason.METADATA_TOO_LARGE),
    ("nested 900 deep, column unused", key(), event(unused=json.loads(deep(300))), Put),
    ("NaN", key(), spelled("NaN"), Reason.NOT_JSON),
    ("1e400", key(), spelled("1e400"), Reason.NOT_JSON),
    ("1e308", key(), spelled("1e308"), Put),
    ("integer of 65 bits", key(), spelled("18446744073709551616"), Put),
    ("integer of 1,000 bits", key(), spelled(str(2**1000)), Put),
    ("integer of 65 bits, 900 deep", key(), event(unused=json.loads(deep(900)), title=2**64), Put),
    ("name twice in the value", key(), spelled('1,"note":2'), Put),
    # envelopes
    ("a string", key(), b'"text"', Reason.NOT_AN_ENVELOPE),
    ("a number", key(), b"1", Reason.NOT_AN_ENVELOPE),
    ("a list", key(), b"[]", Reason.NOT_AN_ENVELOPE),
    ("an empty object", key(), b"{}", Reason.NOT_AN_ENVELOPE),
    ("an unwrapped row", key(), other(id=1, title="T", body="B"), Reason.NOT_AN_ENVELOPE),
    ("a row with status BEGIN", key(), other(id=1, status="BEGIN", x=1), Reason.NOT_AN_ENVELOPE),
    ("a row that is a time", key(), other(ts_ms=1), Reason.NOT_AN_ENVELOPE),
    ("without after", key(), other(op="c", source=LSN), Reason.NOT_AN_ENVELOPE),
    ("after is null", key(), other(op="u", after=None), Reason.NOT_AN_ENVELOPE),
    ("after is a list", key(), other(op="u", after=[]), Reason.NOT_AN_ENVELOPE),
    ("after is JSON text", key(), other(op="c", after='{"title":"T","body":"B"}'), Put),
    ("after is other text", key(), other(op="c", after="{no"), Reason.NOT_JSON),
    ("with schema", key(), other(schema=SCHEMA, payload=json.loads(GOOD)), Put),
    ("without schema", key(), GOOD, Put),
    ("schema in the key only", other(schema=SCHEMA, payload={"id": 1}), GOOD, Put),
    ("schema without payload", key(), other(schema=SCHEMA), Reason.NOT_AN_ENVELOPE),
    ("without source", key(), other(op="c", after=json.loads(GOOD)["after"]), Put),
    ("source of nonsense", key(), event(source={"connector": [], "lsn": {}, "ts_ms": "x"}), Put),
    ("op unknown", key(), event(op="x"), Reason.UNKNOWN_OP),
    ("op in capitals", key(), event(op="C"), Reason.UNKNOWN_OP),
    ("op of 1 MB", key(), event(op="x" * 1_000_000), Reason.UNKNOWN_OP),
    ("op null", key(), event(op=None), Reason.UNKNOWN_OP),
    ("op an object", key(), event(op={"c": deep(2)}), Reason.UNKNOWN_OP),
    ("create", key(), event("c"), Put),
    ("read", key(), event("r"), Put),
    ("update", key(), event("u"), Put),
    ("delete", key(), event("d"), Remove),
    ("tombstone before any create", key(), None, Remove),
    ("tombstone as JSON", key(), b"null", Remove),
    ("tombstone with schema", key(), other(schema=None, payload=None), Remove),
    ("truncate", None, event("t"), RemoveOlder),
    ("truncate without position", None, event("t", source={}), Reason.POSITION_MISSING),
    ("logical message", key(prefix="p"), other(op="m", message={"prefix": "p"}), Ignored),
    ("heartbeat", key(serverName="cdc"), other(ts_ms=1), Ignored),
    ("heartbeat, null key", None, other(ts_ms=1), Reason.NOT_AN_ENVELOPE),
    ("transaction", key("5:7"), other(status="BEGIN", id="5:7", event_count=None), Ignored),
    ("schema change", key(databaseName="d"), other(source=LSN, ddl="ALTER TABLE a"), Ignored),
    # keys
    ("null key", None, GOOD, Reason.NULL_KEY),
    ("null key of a delete", None, event("d"), Reason.NULL_KEY),
    ("null key of a tombstone", None, None, Reason.NULL_KEY),
    ("null key as JSON", b"null", GOOD, Reason.NULL_KEY),
    ("null key with schema", other(schema=None, payload=None), GOOD, Reason.NULL_KEY),
    ("key not JSON", b"Struct{id=1}", GOOD, Reason.NOT_JSON),
    ("empty key", b"", GOOD, Reason.NOT_JSON),
    ("key a bare value", b"1", GOOD, Reason.KEY_INCOMPLETE),
    ("key a list", b"[1]", GOOD, Reason.KEY_INCOMPLETE),
    ("key missing a column", b"{}", GOOD, Reason.KEY_INCOMPLETE),
    ("key with another column", key(uuid=1), GOOD, Reason.KEY_INCOMPLETE),
    ("key with one column more", key(id=1, tenant=2), GOOD, Reason.KEY_INCOMPLETE),
    ("key with a name of 1 MB", key(**{"x" * 1_000_000: 1}), GOOD, Reason.KEY_INCOMPLETE),
    ("key column null", key(None), GOOD, Reason.KEY_NOT_SCALAR),
    ("key column a list", key([1]), GOOD, Reason.KEY_NOT_SCALAR),
    ("key column an object", key({"scale": 0, "value": "Ag=="}), GOOD, Reason.KEY_NOT_SCALAR),
    ("key column a fraction", key(1.5), GOOD, Reason.KEY_NOT_SCALAR),
    ("key column a whole double", key(1.0), GOOD, Reason.KEY_NOT_SCALAR),
    ("key column of 65 bits", key(2**64), GOOD, Reason.KEY_NOT_SCALAR),
    ("key column of 64 bits", key(2**64 - 1), GOOD, Put),
    ("key column a boolean", key(value=True), GOOD, Put),
    ("key column empty", key(""), GOOD, Put),
    ("name twice in the key", b'{"id":1,"id":2}', GOOD, Reason.NOT_JSON),
    ("name twice, spelled apart", b'{"id":1,"\\u0069d":2}', GOOD, Reason.NOT_JSON),
    ("name twice in the key's schema", b'{"schema":null,"payload":{"id":1,"id":1}}', GOOD,
     Reason.NOT_JSON),
    ("key nested 10,000 deep", deep(10_000).encode(), GOOD, Reason.NOT_JSON),
    ("key nested 1,000 deep", key(id=json.loads(deep(900))), GOOD, Reason.NOT_JSON),
    ("key of 10 kB", key("x" * 10_000), GOOD, Reason.KEY_TOO_LONG),
    ("key of 5 MB", key("x" * 5_000_000), None, Reason.KEY_TOO_LONG),
    ("key of 200 emoji", key("🎈" * 200), GOOD, Reason.KEY_TOO_LONG),
    ("key with quotes", key("\"'`"), GOOD, Put),
    ("key with backslash", key("a\\b"), GOOD, Put),
    ("key with newline", key("a\nb\r"), GOOD, Put),
    ('key with " or 1==1', key('" or 1==1'), GOOD, Put),
    ("key with look-alikes", key("\u0430\u0301e\u0301é"), GOOD, Put),
    ("key with emoji", key("👩\u200d👧"), GOOD, Put),
    ("key with NUL", key("a\0b"), GOOD, Put),
    ("key with half a surrogate pair", b'{"id":"\\ud800"}', GOOD, Reason.TEXT_NOT_UNICODE),
    ("key not UTF-8", b'{"id":"\xff"}', GOOD, Reason.NOT_JSON),
    # text
    ("value of 5 MB", key(), event(unused="x" * 5_000_000), Put),
    ("text of 1 MB", key(), event(body="word " * 200_000), Put),
    ("text of one word of 100 kB", key(), event(body="x" * 100_000), Put),
    ("text empty", key(), event(title="", body=""), Remove),
    ("text only spaces", key(), event(title=" \t\n\u3000", body="\u00a0"), Remove),
    ("text only NUL", key(), event(title="\0\0", body="\0 \0"), Remove),
    ("text null", key(), event(title=None, body=None), Remove),
    ("text with half a surrogate pair", key(), event(body="HERE").replace(b"HERE", b"\\ud83d"),
     Reason.TEXT_NOT_UNICODE),
    ("surrogates as bytes", key(), event(body="\ud83d"), Reason.NOT_JSON),
    ("surrogates in a column unused", key(), event(x="HERE").replace(b"HERE", b"\\ude00"),
     Reason.TEXT_NOT_UNICODE),
    ("text from right to left", key(), event(title="\u202e\u05e9\u05dc", body="مرحبا" * 999), Put),
    ("text half emoji", key(), event(body="a👩\u200d👩\u200d👧" * 999), Put),
    ("text of marks", key(), event(body="a" + "\u0323\u0301" * 99_999), Put),
    ("column missing", key(), other(op="c", after={"title": "T"}), Reason.COLUMN_MISSING),
    ("metadata column missing", key(), other(op="c", after={"title": "T", "body": "B"}), Put),
    ("column a number", key(), event(body=12), Put),
    ("column a fraction", key(), event(body=-0.5), Put),
    ("column a boolean", key(), event(body=False), Put),
    ("column null", key(), event(body=None), Put),
    ("column a list", key(), event(body=["B"]), Reason.COLUMN_NOT_TEXT),
    ("column an object", key(), event(body={"en": "B"}), Reason.COLUMN_NOT_TEXT),
    # values the database did not send
    ("placeholder", key(), event("u", body=PLACEHOLDER), Reason.UNAVAILABLE_VALUE),
    ("with before", key(), event("u", {"body": "B"}, body=PLACEHOLDER), Put),
    ("before without it", key(), event("u", {"id": 1}, body=PLACEHOLDER), Reason.UNAVAILABLE_VALUE),
    ("before null", key(), event("u", {"body": None}, body=PLACEHOLDER), Reason.UNAVAILABLE_VALUE),
    ("before empty", key(), event("u", {"body": ""}, body=PLACEHOLDER), Reason.UNAVAILABLE_VALUE),
    ("before the same", key(), event("u", {"body": PLACEHOLDER}, body=PLACEHOLDER),
     Reason.UNAVAILABLE_VALUE),
    ("in metadata", key(), event("u", note=PLACEHOLDER), Reason.UNAVAILABLE_VALUE),
    ("in an array", key(), event("u", tags=[PLACEHOLDER]), Reason.UNAVAILABLE_VALUE),
    ("in an array, with before", key(), event("u", {"tags": ["a"]}, tags=[PLACEHOLDER]), Put),
    ("in an integer array", key(), event("u", tags=list(PLACEHOLDER.encode())),
     Reason.UNAVAILABLE_VALUE),
    ("in bytes", key(), event("u", note="X19kZWJleml1bV91bmF2YWlsYWJsZV92YWx1ZQ=="),
     Reason.UNAVAILABLE_VALUE),
    ("in a map", key(), event("u", note={PLACEHOLDER: PLACEHOLDER}), Reason.UNAVAILABLE_VALUE),
    ("in a column unused", key(), event("u", unused=PLACEHOLDER), Put),
    ("inside a text", key(), event("u", body=f"Debezium writes {PLACEHOLDER}."), Put),
    # metadata
    ("decimal", key(), event(note="79228162514264337593543950335.01"), Put),
    ("decimal as bytes", key(), event(note="SZYC0g=="), Put),
    ("date beyond 9999", key(), event(note="+12025-01-01T00:00:00Z"), Put),
    ("date in days, beyond 9999", key(), event(note=3_652_425), Put),
    ("date in microseconds, infinite", key(), event(note=2**63 - 1), Put),
    ("time of the change beyond 64 bits", key(), event(source={**LSN, "ts_ms": 2**63}), Put),
    ("metadata over the limit", key(), event(note="x" * 60_001), Reason.METADATA_TOO_LARGE),
    ("metadata of 5 MB", key(), event(note=["x"] * 1_000_000), Reason.METADATA_TOO_LARGE),
    ("metadata of 64 levels", key(), spelled(deep(64)), Put),
    ("metadata of 65 levels", key(), spelled(deep(65)), Reason.METADATA_TOO_LARGE),
]  # fmt: skip

COMPOSITE = [
    ("joiner in the first", key(word="a|b", number="c"), "articles/a%7Cb|c"),
    ("joiner in the second", key(word="a", number="b|c"), "articles/a|b%7Cc"),
    ("slash", key(word="a/b", number=1), "articles/a%2Fb|1"),
    ("escape", key(word="%7C", number=1), "articles/%257C|1"),
    ("in another order", key(number=1, word="a"), "articles/a|1"),
    ("both empty", key(word="", number=""), "articles/|"),
]


@pytest.mark.parametrize(
    ("key", "value", "expected"), [c[1:] for c in CASES], ids=[c[0] for c in CASES]
)
def test_bad_input_has_a_known_outcome(key, value, expected):
    outcome = normalise(key, value, ARTICLES, LIMITS)
    if isinstance(expected, Reason):
        assert isinstance(outcome, Rejected), outcome
        assert outcome.reason is expected, outcome
        assert 0 < len(outcome.detail) < 300
    else:
        assert type(outcome) is expected, outcome
    if isinstance(outcome, Put):
        _is_safe(outcome.document)
    assert isinstance(normalise(b'{"id":1}', GOOD, ARTICLES, LIMITS), Put)


@pytest.mark.parametrize(
    ("key", "expected"), [c[1:] for c in COMPOSITE], ids=[c[0] for c in COMPOSITE]
)
def test_parts_of_a_composite_key_never_run_together(key, expected):
    outcome = normalise(key, GOOD, PAIRS, LIMITS)
    assert isinstance(outcome, Put)
    assert outcome.document.id == expected


def test_a_case_has_one_name():
    names = [name for name, *_ in CASES]
    assert sorted(names) == sorted(set(names))


def _is_safe(document: Document) -> None:
    assert Document.decode(document.encode()) == document
    assert re.fullmatch(r"[A-Za-z0-9._:%/|-]+", document.id)
    assert parse_document_id(document.id)[0] == "articles"
    assert 0 < len(document.text.encode()) <= LIMITS.text_budget_bytes
    assert "\0" not in document.text
    assert document.text != PLACEHOLDER
    assert f'"{PLACEHOLDER}"'.encode() not in document.encode()
