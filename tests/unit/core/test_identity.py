import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.core.identity import (
    MAX_BYTES,
    KeyNotScalar,
    KeyNotUnicode,
    KeyTooLong,
    document_id,
    parse_document_id,
)

SAFE_ID = re.compile(r"[A-Za-z0-9._:%/|-]+")

SOURCES = st.from_regex(r"[a-z][a-z0-9_]{0,39}", fullmatch=True)
NASTY = st.text(alphabet="|/%\"'\\\n\0 aA0.=~_é\u0435e\u0301\u2028🎈👩\u200d", max_size=8)
COLUMNS = NASTY | st.text(max_size=8)
KEYS = st.lists(COLUMNS, min_size=1, max_size=4).map(tuple)


@pytest.mark.parametrize(
    ("key", "expected"),
    [
        ((42,), "s/42"),
        ((-7,), "s/-7"),
        (("Guide_1.2:a-b",), "s/Guide_1.2:a-b"),
        (("",), "s/"),
        (("", ""), "s/|"),
        (("a|b", "c"), "s/a%7Cb|c"),
        (("a/b",), "s/a%2Fb"),
        (("50%",), "s/50%25"),
        (('" or 1==1',), "s/%22%20or%201%3D%3D1"),
        (("~",), "s/%7E"),
        (("é",), "s/%C3%A9"),
        (("🎈",), "s/%F0%9F%8E%88"),
        (("\0",), "s/%00"),
        ((True, False), "s/true|false"),
    ],
)
def test_an_id_is_the_source_and_the_encoded_columns(key, expected):
    assert document_id("s", key) == expected


@given(SOURCES, KEYS, SOURCES, KEYS)
def test_different_keys_have_different_ids(source, key, other_source, other_key):
    same = document_id(source, key) == document_id(other_source, other_key)
    assert same == ((source, key) == (other_source, other_key))


@given(SOURCES, KEYS)
def test_an_id_gives_back_its_source_and_key(source, key):
    assert parse_document_id(document_id(source, key)) == (source, key)


@given(SOURCES, KEYS)
def test_an_id_holds_only_characters_that_are_safe_in_a_filter(source, key):
    assert SAFE_ID.fullmatch(document_id(source, key))


@given(st.integers(), st.integers())
def test_different_integers_have_different_ids(one, other):
    assert (document_id("s", (one,)) == document_id("s", (other,))) == (one == other)


def test_look_alike_keys_stay_different():
    composed, decomposed, cyrillic = "\u00e9", "e\u0301", "\u0435\u0301"
    assert len({document_id("s", (key,)) for key in (composed, decomposed, cyrillic)}) == 3


def test_an_id_of_512_bytes_is_the_longest():
    fits = "x" * (MAX_BYTES - len("s/"))
    assert len(document_id("s", (fits,))) == MAX_BYTES
    with pytest.raises(KeyTooLong):
        document_id("s", (fits + "x",))


@pytest.mark.parametrize(
    "key", ["é" * 200, "x" * 5_000_000, 10**600, -(10**9999)], ids=["é", "5 MB", "600", "9999"]
)
def test_a_longer_key_is_refused(key):
    with pytest.raises(KeyTooLong):
        document_id("s", (key,))


@pytest.mark.parametrize("value", [None, 1.0, 1.8446744073709552e19, [], {}, [1], {"a": 1}])
def test_a_key_column_that_is_no_scalar_is_refused(value):
    with pytest.raises(KeyNotScalar):
        document_id("s", ("a", value))


def test_a_key_without_columns_is_refused():
    with pytest.raises(KeyNotScalar):
        document_id("s", ())


def test_half_a_surrogate_pair_is_refused():
    with pytest.raises(KeyNotUnicode):
        document_id("s", ("\ud800",))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "s",
        "s/a b",
        "s/%7c",
        "s/%41",
        "s/%ZZ",
        "s/%FF",
        "s/%",
        "s/a/b",
        's/"',
        "s/é",
        "s/" + "x" * 600,
    ],
)
def test_what_is_not_an_id_is_not_parsed(text):
    with pytest.raises(ValueError, match=r"not a document id|canonical|utf-8"):
        parse_document_id(text)
