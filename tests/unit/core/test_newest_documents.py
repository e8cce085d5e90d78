"""Packed documents say what a dictionary of all records would say."""

import numpy as np
import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas import Document
from streams.core import newest_documents
from streams.core.newest_documents import Documents, Noted, content_hash_of, hashes_of
from streams.core.records import LogRecord
from streams.core.text import content_hash

SHARDS = 3


def document(id_: str, text: str = "text", **more: object) -> bytes:
    given = {"key": {"id": id_}, "metadata": {}} | more
    return Document.model_validate(
        {
            "id": id_,
            "source": "s",
            "text": text,
            "content_hash": content_hash(text),
            "position": "1",
            **given,
        }
    ).encode()


def record(id_: str, value: bytes | None, version: int, shard: int = 0) -> LogRecord:
    return LogRecord("documents", shard, version, id_.encode(), value)


def packed(*pages: list[LogRecord], seed: int = 0) -> Documents:
    noted = Noted(seed)
    for page in pages:
        noted.take(page)
    return noted.documents()


def unpacked(documents: Documents, ids: list[str]) -> dict[str, tuple[int, int, str]]:
    """Id → shard, version, hash; as far as there is a document."""
    places = documents.find(ids).tolist()
    return {
        id_: (
            int(documents.shards[place]),
            int(documents.versions[place]),
            documents.hash_at(place),
        )
        for id_, place in zip(ids, places, strict=True)
        if place >= 0
    }


IDS = [f"s/{number}" for number in range(12)]
HISTORY = st.lists(st.tuples(st.sampled_from(IDS), st.none() | st.sampled_from("abc")), max_size=60)


@given(HISTORY, st.integers(1, 7), st.integers(1, 9), st.integers(-5, 5))
def test_what_is_packed_is_what_a_dictionary_holds(history, page_size, sort_at, seed):
    records: list[LogRecord] = []
    expected: dict[str, tuple[int, int, str]] = {}
    for version, (id_, text) in enumerate(history):
        shard = IDS.index(id_) % SHARDS
        value = None if text is None else document(id_, text)
        records.append(record(id_, value, version, shard))
        expected.pop(id_, None)
        if text is not None:
            expected[id_] = (shard, version, content_hash(text))
    pages = [records[start : start + page_size] for start in range(0, len(records), page_size)]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(newest_documents, "_SORT_AT", sort_at)
        documents = packed(*pages, seed=seed)
    assert unpacked(documents, IDS) == expected
    assert len(documents) == len(expected)


def test_nothing_is_found_among_no_documents():
    assert packed().find(["s/1"]).tolist() == [-1]
    assert packed([LogRecord("documents", 0, 0, None, b"{}")]).find([]).tolist() == []


def test_ids_whose_digests_begin_alike_are_told_apart(monkeypatch):
    halves = {"s/1": (5, 1), "s/2": (5, 2), "s/3": (5, 3), "s/4": (9, 1)}

    def digests(keys, _seed):
        return np.array([halves[key.decode()] for key in keys], dtype=np.uint64).reshape(-1, 2)

    monkeypatch.setattr(newest_documents, "_digests", digests)
    pages = [record(id_, document(id_), version) for version, id_ in enumerate(["s/1", "s/3"])]
    newer = [record("s/1", document("s/1", "new"), 2), record("s/4", document("s/4"), 3)]
    assert unpacked(packed(pages, newer), list(halves)) == {
        "s/1": (0, 2, content_hash("new")),
        "s/3": (0, 1, content_hash("text")),
        "s/4": (0, 3, content_hash("text")),
    }


@pytest.mark.parametrize(
    "value",
    [
        b"not json",
        b"[]",
        b"{}",
        b'{"content_hash": 7}',
        b'{"content_hash": "00"}',
        b'{"content_hash": "zz345678901234567890123456789012"}',
        document("s/1").replace(content_hash("text").encode(), b"0" * 33),
        document("s/1").replace(content_hash("text").encode(), b"z" * 32),
        document("s/1").replace(b'"schema_version":1', b'"schema_version":99'),
    ],
)
def test_a_document_that_no_lane_can_read_is_there_and_has_no_hash(value):
    documents = packed([record("s/0", document("s/0"), 1), record("s/1", value, 7)])
    assert unpacked(documents, ["s/0", "s/1"]) == {
        "s/0": (0, 1, content_hash("text")),
        "s/1": (0, 7, ""),
    }
    assert content_hash_of(value) == ""


FIELD = '"content_hash":"' + "0" * 32 + '"'


@pytest.mark.parametrize(
    "value",
    [
        document("s/1", f"a text that quotes {FIELD}"),
        document("s/1", key={"content_hash": "0" * 32}),
        document("s/1", metadata={"content_hash": "0" * 32}),
        document("s/1", metadata={"deep": {"content_hash": "0" * 32}}),
        orjson.dumps(orjson.loads(document("s/1")), option=orjson.OPT_INDENT_2),
        orjson.dumps(orjson.loads(document("s/1")), option=orjson.OPT_SORT_KEYS),
    ],
)
def test_the_hash_is_the_documents_own_however_it_is_written(value):
    (found,) = unpacked(packed([record("s/1", value, 7)]), ["s/1"]).values()
    assert found == (0, 7, orjson.loads(value)["content_hash"])
    assert content_hash_of(value) == found[2]


def test_a_million_documents_take_less_than_fifty_megabytes():
    documents = packed([record(f"s/{number}", document("s/1"), number) for number in range(5_000)])
    columns = (documents.digests, documents.versions, documents.shards, documents.hashes)
    held = sum(column.nbytes for column in (*columns, documents.readable))
    assert held / len(documents) <= 50


def test_another_seed_puts_other_documents_first():
    ids = [f"s/{number}" for number in range(1_000)]
    pages = [record(id_, document("s/1"), version) for version, id_ in enumerate(ids)]
    one, same, other = (packed(pages, seed=seed).versions[:20].tolist() for seed in (1, 1, 2))
    assert one == same
    assert len(set(one) & set(other)) < 10


@given(
    st.lists(
        st.sampled_from([b"0" * 32, b"ab" * 16, b"AB" * 16, b"", b"0" * 31, b"0" * 33, b" " * 32])
        | st.binary(max_size=40)
    )
)
def test_what_is_no_hash_is_told_from_what_is_one(found):
    pairs, odd = hashes_of(found)
    assert len(pairs) == len(odd) == len(found)
    for each, pair, is_odd in zip(found, pairs, odd.tolist(), strict=True):
        is_hash = len(each) == 32 and all(byte in b"0123456789abcdef" for byte in each)
        assert is_odd is not is_hash
        assert not is_hash or pair.tobytes().hex().encode() == each
