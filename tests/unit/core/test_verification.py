import sys
from dataclasses import dataclass, replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas import Document, Finding
from streams.core.batch import StoredVersion
from streams.core.text import content_hash
from streams.core.verification import (
    ShardComparison,
    Suspect,
    expectation,
    expected_version,
    look_again,
    malformed,
    note,
)

UNIT = np.array([0.6, 0.8], dtype=np.float32)
END = 100


@dataclass(frozen=True)
class Row:
    id: str
    version: int
    content_hash: str
    embedding: np.ndarray | None = None


def document(id_: str, text: str = "text") -> bytes:
    return Document(
        id=id_,
        source="s",
        key={"id": id_},
        text=text,
        content_hash=content_hash(text),
        position="1",
    ).encode()


def folded(*records: tuple[str, str | None, int]) -> dict[bytes, bytes]:
    """Documents as (id, text or None for a delete, version)."""
    newest: dict[bytes, bytes] = {}
    for id_, text, version in records:
        value = None if text is None else document(id_, text)
        note(newest, id_.encode(), value, version)
    return newest


def compared(newest: dict[bytes, bytes], *rows: Row, dimensions: int | None = None):
    comparison = ShardComparison(newest, END, dimensions)
    comparison.add(rows)
    return comparison


def found(newest: dict[bytes, bytes], *rows: Row, dimensions: int | None = None):
    suspects = compared(newest, *rows, dimensions=dimensions).suspects()
    return sorted((suspect.id, suspect.finding) for suspect in suspects)


def row(id_: str, text: str, version: int, embedding: np.ndarray | None = None) -> Row:
    return Row(id_, version, content_hash(text), embedding)


def test_a_row_of_the_newest_version_and_text_is_right():
    assert found(folded(("s/1", "old", 3), ("s/1", "new", 7)), row("s/1", "new", 7)) == []


def test_a_document_without_a_row_is_missing():
    assert found(folded(("s/1", "a", 3))) == [("s/1", Finding.MISSING)]


def test_a_row_without_a_document_is_extra():
    assert found({}, row("s/1", "a", 3)) == [("s/1", Finding.EXTRA)]


def test_a_row_of_a_deleted_document_is_extra():
    newest = folded(("s/1", "a", 3), ("s/1", None, 4))
    assert found(newest, row("s/1", "a", 3)) == [("s/1", Finding.EXTRA)]


def test_a_deleted_document_without_a_row_is_right():
    assert found(folded(("s/1", "a", 3), ("s/1", None, 4))) == []


def test_a_row_of_an_older_version_is_stale():
    newest = folded(("s/1", "old", 3), ("s/1", "new", 7))
    assert found(newest, row("s/1", "old", 3)) == [("s/1", Finding.STALE)]


def test_a_row_of_the_right_version_and_another_text_is_stale():
    assert found(folded(("s/1", "a", 3)), row("s/1", "b", 3)) == [("s/1", Finding.STALE)]


def test_a_row_of_the_same_text_and_an_older_version_is_stale():
    """A change to metadata alone must reach the row, too."""
    newest = folded(("s/1", "same", 3), ("s/1", "same", 7))
    assert found(newest, row("s/1", "same", 3)) == [("s/1", Finding.STALE)]


def test_a_row_with_a_hash_that_is_none_is_stale():
    assert found(folded(("s/1", "a", 3)), Row("s/1", 3, "no hex")) == [("s/1", Finding.STALE)]


def test_two_rows_of_one_id_are_a_duplicate():
    rows = row("s/1", "a", 3), row("s/1", "a", 3)
    assert found(folded(("s/1", "a", 3)), *rows) == [("s/1", Finding.DUPLICATE)]


def test_a_row_newer_than_the_snapshot_is_left_out():
    comparison = compared(folded(("s/1", "a", 3)), row("s/1", "b", END), row("s/2", "c", END + 5))
    assert list(comparison.suspects()) == []
    assert (comparison.rows, comparison.newer, comparison.greatest_version) == (2, 2, END + 5)


@pytest.mark.parametrize(
    "value",
    [
        b"not json",
        b"[]",
        b"{}",
        b'{"content_hash": 7}',
        b'{"content_hash": "00"}',
        b'{"content_hash": "zz345678901234567890123456789012"}',
        document("s/1").replace(b'"schema_version":1', b'"schema_version":99'),
    ],
)
def test_a_document_that_no_lane_can_read_still_has_to_be_accounted_for(value):
    newest = folded(("s/1", "old", 3))
    note(newest, b"s/1", value, 7)
    (suspect,) = compared(newest).suspects()
    assert (suspect.id, suspect.finding) == ("s/1", Finding.MISSING)
    assert expected_version(suspect) == 7
    assert expectation(suspect) == "version 7, unreadable"


@pytest.mark.parametrize(
    ("vector", "why"),
    [
        ([np.nan, 1.0], "holds NaN or an infinity"),
        ([np.inf, 0.0], "holds NaN or an infinity"),
        ([0.0, 0.0], "length 0, not 1"),
        ([0.6, 0.81], "length 1.00802, not 1"),
        ([3e38, 3e38], "length 4.24264e+38, not 1"),
        ([1.0], "1 dimensions, not 2"),
        ([0.6, 0.8, 0.0], "3 dimensions, not 2"),
        (None, "no vector"),
    ],
)
def test_a_vector_that_can_not_be_searched_by_is_malformed(vector, why):
    bad = None if vector is None else np.array(vector, dtype=np.float32)
    assert malformed([UNIT, bad, UNIT], 2) == {1: why}
    rows = row("s/1", "a", 3, UNIT), row("s/2", "b", 4, bad)
    newest = folded(("s/1", "a", 3), ("s/2", "b", 4))
    (suspect,) = compared(newest, *rows, dimensions=2).suspects()
    assert (suspect.id, suspect.finding, suspect.found) == ("s/2", Finding.MALFORMED, why)


def test_vectors_are_left_out_on_request():
    bad = row("s/1", "a", 3, np.zeros(2, dtype=np.float32))
    assert found(folded(("s/1", "a", 3)), bad, dimensions=None) == []


def test_a_stale_row_counts_once_even_if_its_vector_is_malformed_too():
    bad = row("s/1", "old", 2, np.zeros(2, dtype=np.float32))
    assert found(folded(("s/1", "a", 3)), bad, dimensions=2) == [("s/1", Finding.STALE)]


def test_the_documents_of_a_million_ids_fit_into_the_memory_promised():
    """Ids and packed values of 20,000 documents: at most 250 bytes each, all told."""
    newest: dict[bytes, bytes] = {}
    for i in range(20_000):
        note(newest, b"articles/%012d" % i, document(f"articles/{i:012}"), i)
    held = sys.getsizeof(newest) + sum(
        sys.getsizeof(key) + sys.getsizeof(value) for key, value in newest.items()
    )
    assert held / len(newest) <= 250


EXPECTED = next(compared(folded(("s/1", "a", 3))).suspects())


@pytest.mark.parametrize(
    ("suspect", "stored", "finding"),
    [
        (EXPECTED, None, Finding.MISSING),
        (EXPECTED, StoredVersion(3, content_hash("a")), None),
        (EXPECTED, StoredVersion(2, content_hash("a")), Finding.STALE),
        (EXPECTED, StoredVersion(3, content_hash("b")), Finding.STALE),
        (EXPECTED, StoredVersion(END, content_hash("b")), None),
        (replace(EXPECTED, finding=Finding.STALE), None, Finding.MISSING),
        (replace(EXPECTED, finding=Finding.STALE), StoredVersion(3, content_hash("a")), None),
        (
            replace(EXPECTED, finding=Finding.MALFORMED),
            StoredVersion(3, content_hash("a")),
            Finding.MALFORMED,
        ),
        (replace(EXPECTED, finding=Finding.MALFORMED), None, Finding.MISSING),
        (Suspect("s/1", Finding.EXTRA, None, ""), None, None),
        (Suspect("s/1", Finding.EXTRA, None, ""), StoredVersion(3, ""), Finding.EXTRA),
        (Suspect("s/1", Finding.EXTRA, None, ""), StoredVersion(END, ""), None),
        (Suspect("s/1", Finding.DUPLICATE, None, ""), StoredVersion(3, ""), Finding.DUPLICATE),
    ],
)
def test_only_what_is_still_wrong_at_the_second_look_counts(suspect, stored, finding):
    assert look_again(suspect, stored, END, elsewhere=False) is finding


def test_a_row_in_the_wrong_shard_is_misplaced_rather_than_extra():
    extra = Suspect("s/1", Finding.EXTRA, None, "")
    stored = StoredVersion(3, "")
    assert look_again(extra, stored, END, elsewhere=True) is Finding.MISPLACED


IDS = st.sampled_from([f"s/{i}" for i in range(6)])
HISTORY = st.lists(st.tuples(IDS, st.none() | st.sampled_from("abc")), max_size=30)


def rows_of(history) -> dict[str, Row]:
    """What a lane that made no mistake has stored."""
    rows: dict[str, Row] = {}
    for version, (id_, text) in enumerate(history):
        if text is None:
            rows.pop(id_, None)
        else:
            rows[id_] = row(id_, text, version, UNIT)
    return rows


@given(HISTORY)
def test_a_lane_that_made_no_mistake_has_no_findings(history):
    newest = folded(*((id_, text, v) for v, (id_, text) in enumerate(history)))
    rows = rows_of(history)
    comparison = compared(newest, *rows.values(), dimensions=2)
    assert list(comparison.suspects()) == []
    assert comparison.documents == comparison.rows == len(rows)


@given(HISTORY, st.integers(0, 30), st.randoms(use_true_random=False))
def test_a_lane_that_stopped_anywhere_is_off_by_exactly_what_it_missed(history, stopped, random):
    newest = folded(*((id_, text, v) for v, (id_, text) in enumerate(history)))
    have, want = rows_of(history[:stopped]), rows_of(history)
    rows = list(have.values())
    random.shuffle(rows)
    expected = (
        [(id_, Finding.MISSING) for id_ in want.keys() - have.keys()]
        + [(id_, Finding.EXTRA) for id_ in have.keys() - want.keys()]
        + [(i, Finding.STALE) for i in have.keys() & want.keys() if have[i] != want[i]]
    )
    assert found(newest, *rows, dimensions=2) == sorted(expected)
