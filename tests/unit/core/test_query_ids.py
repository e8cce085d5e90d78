"""A query id is read back as it was issued, and nothing else is taken for one."""

import re
import string
from dataclasses import replace

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from streams.core.query_ids import NONCE_BYTES, QueryId, decode, encode

SALT = "a salt"
QUERY = QueryId("ollama", 12, 1_700_000_000_000, 10, bytes(range(NONCE_BYTES)))

lanes = st.text(st.characters(codec="utf-8"), min_size=1, max_size=50)
queries = st.builds(
    QueryId,
    lane=lanes,
    flag_version=st.integers(-1, 2**63 - 1),
    issued_at=st.integers(0, 2**63 - 1),
    k=st.integers(1, 16_384),
    nonce=st.binary(min_size=NONCE_BYTES, max_size=NONCE_BYTES),
)


@given(queries, st.text(max_size=50))
def test_an_id_says_what_was_put_in(query, salt):
    assert decode(encode(query, salt), salt) == query


@given(queries)
def test_an_id_can_stand_in_a_url_as_it_is(query):
    assert re.fullmatch(r"[A-Za-z0-9._-]+", encode(query, SALT))


@given(queries, st.data())
def test_an_id_with_any_character_changed_is_refused(query, data):
    issued = encode(query, SALT)
    place = data.draw(st.integers(0, len(issued) - 1))
    other = data.draw(st.characters(codec="utf-8"))
    assume(other != issued[place])
    assert decode(issued[:place] + other + issued[place + 1 :], SALT) is None


@pytest.mark.parametrize("lane", ["c", "cl", "clo"])
def test_an_id_has_one_spelling_although_base64_has_several(lane):
    issued = encode(replace(QUERY, lane=lane), SALT)
    alphabet = string.ascii_letters + string.digits + "-_"
    read = [last for last in alphabet if decode(issued[:-1] + last, SALT) is not None]
    assert read == [issued[-1]]


@given(queries, st.data())
def test_an_id_that_is_cut_or_longer_is_refused(query, data):
    issued = encode(query, SALT)
    place = data.draw(st.integers(0, len(issued) - 1))
    assert decode(issued[:place], SALT) is None
    assert decode(issued[place + 1 :], SALT) is None
    assert decode(issued + data.draw(st.text(min_size=1)), SALT) is None


@given(st.text())
def test_whatever_is_no_id_is_refused(text):
    assert decode(text, SALT) is None
    assert decode(f"q1.{text}", SALT) is None


@given(queries, st.text(max_size=20))
def test_an_id_of_another_migration_is_refused(query, salt):
    assume(salt != SALT)
    assert decode(encode(query, SALT), salt) is None


@pytest.mark.parametrize("garbled", ["", "q1.", "q2." + "A" * 60, "q1.\ud800", "q1.ünï", "q1.===="])
def test_garbage_is_refused(garbled):
    assert decode(garbled, SALT) is None


def test_an_id_stays_readable_for_the_next_version():
    assert encode(QUERY, SALT) == "q1.AAAAAAAAAAwAAAGLz-VoAAAAAAoAAQIDBAUGB29sbGFtYfRvBoqCnMi1"
