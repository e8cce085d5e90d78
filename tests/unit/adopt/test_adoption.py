"""Which row is whose, and what a sample proves."""

from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.cli.adopt import IdIsName
from streams.core.adoption import (
    IdIs,
    adopted_id,
    foreign_id,
    judge,
    note,
    same_text,
    unpack,
    wilson,
)
from streams.core.text import content_hash


@given(st.integers(-(2**63), 2**63 - 1))
def test_a_number_leads_to_its_document_and_back(number):
    identifier = adopted_id(number, "articles", IdIs.KEY)
    assert identifier is not None
    assert foreign_id(identifier, IdIs.KEY, numbers=True) == number


@given(st.text(max_size=40))
def test_a_string_leads_to_its_document_and_back(text):
    identifier = adopted_id(text, "articles", IdIs.KEY)
    if identifier is not None:
        assert foreign_id(identifier, IdIs.KEY, numbers=False) == text


def test_an_id_that_can_be_no_document_id_leads_nowhere():
    assert adopted_id(None, "a", IdIs.KEY) is None
    assert adopted_id("x" * 600, "a", IdIs.KEY) is None
    assert adopted_id("b/1", "a", IdIs.DOCUMENT) is None
    assert adopted_id("a/ 1", "a", IdIs.DOCUMENT) is None
    assert adopted_id("a/1", "a", IdIs.DOCUMENT) == "a/1"


def test_an_id_of_several_columns_is_no_single_key():
    with pytest.raises(ValueError, match="2 key columns"):
        foreign_id("a/1|2", IdIs.KEY, numbers=False)


def test_the_newest_record_counts_and_a_delete_leaves_nothing():
    held: dict[bytes, bytes] = {}
    value = b'{"schema_version": 1, "text": "\xc3\xa9a", "content_hash": "' + b"0" * 32 + b'"}'
    note(held, b"a/1", value, 3, 70_000)
    assert unpack(held[b"a/1"]) == (3, 70_000, 3, "0" * 32)
    note(held, b"a/1", None, 3, 70_001)
    assert held == {}


@pytest.mark.parametrize(
    "value",
    [
        b"{",
        b"[]",
        b"{}",
        b'{"schema_version": 99, "text": "", "content_hash": "00"}',
        b'{"text": 3, "content_hash": "' + b"0" * 32 + b'"}',
        b'{"text": "", "content_hash": "0"}',
    ],
)
def test_what_is_no_document_is_not_held(value):
    held = {b"a/1": b"older"}
    note(held, b"a/1", value, 0, 0)
    assert held == {}


def test_texts_are_the_same_after_the_same_preparation():
    assert same_text(" a\0b ", content_hash("ab"), 100)
    assert same_text("abcdefgh", content_hash("abcd"), 4)
    assert not same_text("abc", content_hash("ab"), 100)
    assert not same_text(None, content_hash(""), 100)
    assert not same_text("\ud800", content_hash("a"), 100)


def test_a_proof_holds_up_to_its_share_and_never_without_a_sample():
    values = {f"a/{n}": 1.0 for n in range(9)} | {"a/9": 0.5}
    assert judge(values, seed=0, tolerance=0.99, allowed_below=0.1).holds
    assert not judge(values, seed=0, tolerance=0.99, allowed_below=0.09).holds
    assert not judge({}, seed=0, tolerance=0.99, allowed_below=1.0).holds
    nan = judge({"a/1": float("nan")}, seed=0, tolerance=0.99, allowed_below=0.5)
    assert not nan.holds


@given(st.integers(1, 10_000), st.data())
def test_the_interval_holds_the_share(count, data):
    hits = data.draw(st.integers(0, count))
    low, high = wilson(hits, count)
    assert 0 <= low <= hits / count <= high <= 1
    assert low < high


def test_the_interval_is_wilsons():
    # Newcombe, Statistics in Medicine 17 (1998), table I, method 3: 81 of 263, 15 of 148.
    assert wilson(81, 263) == pytest.approx((0.2553, 0.3662), abs=5e-5)
    assert wilson(15, 148) == pytest.approx((0.0624, 0.1605), abs=5e-5)
    assert wilson(0, 0) == (0.0, 1.0)


def test_the_command_offers_what_the_core_knows():
    assert set(get_args(IdIsName)) == {one.value for one in IdIs}
