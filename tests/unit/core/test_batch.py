"""What a batch asks of a lane, case by case."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas import Document
from streams.core.batch import Change, StoredVersion, newest, plan_batch, split_calls

OLD, NEW = "0" * 32, "1" * 32
ENDS = {0: 100}


def change(version: int, content: str | None, id_: str = "articles/1") -> Change:
    document = content and Document(
        id=id_, source="articles", key={"id": 1}, text="t", content_hash=content, position="1"
    )
    return Change(id_, 0, version, document or None)


@pytest.mark.parametrize(
    ("stored", "incoming", "expected"),
    [
        pytest.param(None, change(5, NEW), "embed", id="a new document"),
        pytest.param((3, OLD), change(5, NEW), "embed", id="a changed text"),
        pytest.param((3, NEW), change(5, NEW), "rewrite", id="the same text, newer"),
        pytest.param((5, NEW), change(5, NEW), "settled", id="the very same record again"),
        pytest.param((7, OLD), change(5, NEW), "settled", id="older than what is stored"),
        pytest.param(None, change(5, None), "settled", id="a delete of what is not there"),
        pytest.param((3, OLD), change(5, None), "delete", id="a delete"),
        pytest.param((7, OLD), change(5, None), "settled", id="a delete older than the row"),
        pytest.param((100, OLD), change(5, NEW), "impossible", id="stored beyond the log's end"),
        pytest.param((99, OLD), change(5, NEW), "settled", id="stored as the log's last record"),
    ],
)
def test_a_change_is_placed_by_what_is_stored(stored, incoming, expected):
    known = {} if stored is None else {incoming.id: StoredVersion(*stored)}
    plan = plan_batch([incoming], known, ENDS)
    lists = {
        name: getattr(plan, name)
        for name in ("embed", "rewrite", "delete", "settled", "impossible")
    }
    assert lists.pop(expected) == [incoming]
    assert not any(lists.values())


def test_only_the_last_change_of_an_id_counts():
    first, second, other = change(1, OLD), change(2, NEW), change(3, OLD, "articles/2")
    assert list(newest([first, other, second]).values()) == [other, second]


@given(
    st.lists(st.integers(0, 50), max_size=80),
    st.integers(1, 9),
    st.none() | st.integers(1, 100),
)
def test_calls_cover_all_texts_in_order_and_keep_to_the_limits(tokens, call_inputs, call_tokens):
    calls = split_calls(tokens, call_inputs=call_inputs, call_tokens=call_tokens)
    assert [index for call in calls for index in call] == list(range(len(tokens)))
    for call in calls:
        assert 0 < len(call) <= call_inputs
        if call_tokens is not None and len(call) > 1:
            assert sum(tokens[index] for index in call) <= call_tokens


@given(st.lists(st.integers(1, 50), min_size=2, max_size=80), st.integers(1, 100))
def test_no_two_neighbouring_calls_would_have_fitted_into_one(tokens, call_tokens):
    calls = split_calls(tokens, call_inputs=1000, call_tokens=call_tokens)
    for left, right in itertools.pairwise(calls):
        assert sum(tokens[i] for i in left) + tokens[right.start] > call_tokens
