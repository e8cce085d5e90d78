"""What a row asks for is what the normaliser makes of it; findings are a comparison of sets."""

from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas import Document, SourceFinding
from streams.core.normalisation import Limits, Put, normalise
from streams.core.source import Source, Template
from streams.core.source_comparison import (
    NO_TEXT,
    Comparison,
    Suspect,
    expectation_of,
    in_words,
    judge,
    key_of,
    name_of,
    packed,
    reference_of,
    source_prefix,
    written_at,
)

ARTICLES = Source("articles", ("id",), Template.parse("{title}\n{body}"), ("views", "tags"))
PARTS = Source("parts", ("book", "number"), Template.parse("{body}"))
LIMITS = Limits(text_budget_bytes=1_000, metadata_bytes=200, record_bytes=4_000)


def article(number: object = 1, **changes: Any) -> dict[str, Any]:
    row = {"id": number, "title": "T", "body": "B", "views": 3, "tags": ["a"]}
    return {**row, **changes}


def expected(row: dict[str, Any]) -> bytes:
    return expectation_of(row, ARTICLES, LIMITS, ARTICLES.metadata).packed


def record(row: dict[str, Any], **changes: Any) -> bytes:
    """The value that the normaliser appends for a change event of this row."""
    event = {
        "op": "c",
        "before": None,
        "after": {**row, "unused": 1},
        "source": {"connector": "postgresql", "lsn": 5, "ts_ms": 7},
    }
    outcome = normalise(orjson.dumps({"id": row["id"]}), orjson.dumps(event), ARTICLES, LIMITS)
    assert isinstance(outcome, Put)
    return outcome.document.model_copy(update=changes).encode()


def test_a_row_asks_for_the_document_that_its_change_event_made():
    one = expectation_of(article(), ARTICLES, LIMITS, ARTICLES.metadata)
    assert one.reference == b"articles/1"
    assert judge(one.packed, packed(record(article()), 9)) is None


@pytest.mark.parametrize(
    ("row", "finding"),
    [
        (article(body="Other"), SourceFinding.STALE),
        (article(views=4), SourceFinding.METADATA),
        (article(tags=["a", None]), SourceFinding.METADATA),
        (article(body="Other", views=4), SourceFinding.STALE),
        (article(title=" ", body=None), SourceFinding.EXTRA),
        (article(tags="x" * 300), SourceFinding.STALE),
        (article(title=" T", body="B "), None),
    ],
)
def test_a_row_that_asks_for_another_document_is_found(row, finding):
    assert judge(expected(row), packed(record(article()), 9)) is finding


@pytest.mark.parametrize(
    ("asked", "finding"),
    [
        (expected(article()), SourceFinding.MISSING),
        (expected(article(title={"a": 1})), SourceFinding.MISSING),
        (NO_TEXT, None),
        (None, None),
    ],
)
def test_where_no_document_is_only_a_text_is_missed(asked, finding):
    assert judge(asked, None) is finding


def test_a_document_without_a_row_is_extra():
    assert judge(None, packed(record(article()), 9)) is SourceFinding.EXTRA


def test_a_metadata_column_that_the_table_does_not_have_is_in_no_document():
    row = {name: value for name, value in article().items() if name != "tags"}
    one = expectation_of(row, ARTICLES, LIMITS, ("views",))
    assert judge(one.packed, packed(record(article(), metadata={"views": 3}), 9)) is None


def test_the_order_of_metadata_does_not_matter():
    there = packed(record(article(), metadata={"tags": ["a"], "views": 3}), 9)
    assert judge(expected(article()), there) is None


@pytest.mark.parametrize(
    "value",
    [
        b"",
        b"null",
        b"[]",
        b"{}",
        b"\xff",
        b'{"content_hash": 3}',
        b'{"content_hash": "00"}',
        b'{"content_hash": "not hex"}',
        orjson.dumps({**orjson.loads(record(article())), "schema_version": 99}),
    ],
)
def test_a_document_that_nobody_can_read_is_stale_for_every_row(value):
    there = packed(value, 9)
    assert judge(expected(article()), there) is SourceFinding.STALE
    assert judge(expected(article(title={"a": 1})), there) is SourceFinding.STALE
    assert in_words(None, there)[1] == "unreadable"


@given(st.binary(min_size=16, max_size=16), st.binary(min_size=16, max_size=16))
def test_any_two_hashes_are_told_apart(one, other):
    value = {"content_hash": one.hex(), "metadata": {}}
    asked = packed(orjson.dumps({**value, "content_hash": other.hex()}), 0)[:24]
    finding = judge(asked, packed(orjson.dumps(value), 5))
    assert finding is (None if one == other else SourceFinding.STALE)


@pytest.mark.parametrize("first", range(256))
def test_no_hash_looks_like_a_row_that_can_be_no_document(first):
    value = orjson.dumps({"content_hash": bytes([first] * 16).hex(), "metadata": {}})
    there = packed(value, 0)
    assert judge(there[:24], there) is None
    assert not in_words(there[:24], there)[0].startswith("a dead letter")


def test_a_documents_time_is_kept_and_does_not_matter():
    early, late = packed(record(article()), 5), packed(record(article()), 2**41)
    assert (written_at(early), written_at(late)) == (5, 2**41)
    assert judge(expected(article()), early) is judge(expected(article()), late) is None
    assert written_at(packed(record(article()), -1)) == 0


def test_rows_that_can_be_no_document_keep_the_reason():
    one = expectation_of(article(title=[1]), ARTICLES, LIMITS, ARTICLES.metadata)
    assert one.reference == b"articles/1"
    wanted, found = in_words(one.packed, None)
    assert wanted.startswith("a dead letter: column_not_text: column 'title'")
    assert found == "no document"


def test_what_is_expected_is_told_in_words():
    assert in_words(NO_TEXT, None)[0] == "no document: the row has no text"
    assert in_words(None, None)[0] == "no document: there is no row"
    there = packed(record(article()), 9)
    wanted, found = in_words(expected(article()), there)
    assert wanted == found
    assert orjson.loads(record(article()))["content_hash"] in found


def test_a_key_that_can_be_no_id_stands_for_itself_in_row_and_letter():
    row = {"book": "a" * 600, "number": 1, "body": "B"}
    one = expectation_of(row, PARTS, LIMITS, ())
    letter_key = orjson.dumps({"payload": {"number": 1, "book": "a" * 600}, "schema": None})
    assert one.reference == reference_of(None, letter_key)
    assert key_of(one.reference, PARTS) == ("a" * 600, 1)
    assert orjson.loads(name_of(one.reference)) == {"book": "a" * 600, "number": 1}


@pytest.mark.parametrize("key", [None, b"not JSON", b"7", b"null"])
def test_a_letter_without_id_and_columns_is_about_no_row(key):
    assert reference_of(None, key) is None


def test_a_letter_with_an_id_is_about_that_document():
    assert reference_of("articles/1", b"not JSON") == b"articles/1"


@given(st.text(max_size=20).filter(lambda text: "\ud800" not in text), st.integers())
def test_a_key_is_found_back_in_the_id(book, number):
    try:
        row = {"book": book, "number": number, "body": "B"}
        one = expectation_of(row, PARTS, LIMITS, ())
    except (UnicodeEncodeError, TypeError):  # no text of a database, no integer of one
        return
    assert key_of(one.reference, PARTS) == (book, str(number))
    assert one.reference.startswith(source_prefix("parts"))


@pytest.mark.parametrize("reference", [b"parts/1", b"parts/1|2|3", b"parts", b"parts/%zz|1"])
def test_an_id_that_no_row_of_the_source_has_gives_no_key(reference):
    assert key_of(reference, PARTS) is None


# The whole comparison against a comparison of sets.

ROWS = st.dictionaries(
    st.integers(0, 12),
    st.tuples(st.sampled_from(["a", "b", " ", None, "[]"]), st.integers(0, 1)),
)


@given(ROWS, ROWS)
def test_findings_are_those_of_a_comparison_of_sets(table, documents):
    def values(row):
        text, views = row
        return {"title": [1] if text == "[]" else text, "views": views}

    def wanted(rows):
        """Id → what must be there; rows that can be no document want something odd."""
        return {
            f"articles/{number}": (text.strip() if text else "", views)
            for number, (text, views) in rows.items()
        }

    there = {
        identifier: (text, views)
        for identifier, (text, views) in wanted(documents).items()
        if text not in ("", "[]")
    }
    newest = {
        identifier.encode(): packed(
            record(article(int(identifier.split("/")[1]), title=text, body="", views=views)), 1
        )
        for identifier, (text, views) in there.items()
    }
    comparison = Comparison(newest)
    for number, row in table.items():
        one = article(number, body="", **values(row))
        comparison.add(expectation_of(one, ARTICLES, LIMITS, ARTICLES.metadata))
    found = {
        suspect.reference.decode(): judge(suspect.expected, suspect.found)
        for suspect in comparison.suspects()
    }
    asked = wanted(table)
    full = {identifier for identifier, (text, _) in asked.items() if text}
    assert found == {
        **dict.fromkeys(there.keys() - full, SourceFinding.EXTRA),
        **dict.fromkeys(full - there.keys(), SourceFinding.MISSING),
        **{
            one: SourceFinding.STALE
            for one in full & there.keys()
            if asked[one][0] != there[one][0]
        },
        **{
            one: SourceFinding.METADATA
            for one in full & there.keys()
            if asked[one][0] == there[one][0] and asked[one][1] != there[one][1]
        },
    }
    assert comparison.documents == len(there)
    assert comparison.rows == len(table)
    assert comparison.without_text == len(asked) - len(full)


def test_a_second_row_of_one_document_is_no_difference():
    comparison = Comparison({b"articles/1": packed(record(article()), 1)})
    for row in (article(), article(body="Other")):
        comparison.add(expectation_of(row, ARTICLES, LIMITS, ARTICLES.metadata))
    assert list(comparison.suspects()) == []


def test_a_document_that_no_row_asked_for_is_a_suspect():
    there = packed(record(article()), 1)
    comparison = Comparison({b"articles/1": there})
    assert list(comparison.suspects()) == [Suspect(b"articles/1", None, there)]


def test_what_is_kept_of_a_document_is_small_whatever_its_text():
    large = Document.decode(record(article(body="x" * 900)))
    assert len(packed(large.encode(), 1)) == 32
