from dataclasses import dataclass, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas import Document, Finding
from streams.core.batch import StoredVersion
from streams.core.newest_documents import Documents, Noted
from streams.core.records import LogRecord
from streams.core.text import content_hash
from streams.core.verification import Comparison, Suspect, expectation, look_again

END = 100
ENDS = {0: END, 1: END, 2: END}


@dataclass(frozen=True)
class Row:
    id: str
    version: int
    content_hash: str
    shard: int = 0


def document(id_: str, text: str = "text") -> bytes:
    return Document(
        id=id_,
        source="s",
        key={"id": id_},
        text=text,
        content_hash=content_hash(text),
        position="1",
    ).encode()


def folded(*records: tuple[str, str | None, int], shard: int = 0, seed: int = 0) -> Documents:
    """Documents as (id, text or None for a delete, version)."""
    noted = Noted(seed)
    for id_, text, version in records:
        value = None if text is None else document(id_, text)
        noted.take([LogRecord("documents", shard, version, id_.encode(), value)])
    return noted.documents()


def suspects(documents: Documents, *pages: list[Row]) -> list[Suspect]:
    comparison = Comparison(documents, ENDS)
    return [suspect for page in pages for suspect in comparison.add(page)[0]]


def found(documents: Documents, *rows: Row) -> list[tuple[str, Finding]]:
    return [(suspect.id, suspect.finding) for suspect in suspects(documents, list(rows))]


def row(id_: str, text: str, version: int, shard: int = 0) -> Row:
    return Row(id_, version, content_hash(text), shard)


def test_a_row_of_the_newest_version_and_text_is_right():
    comparison = Comparison(folded(("s/1", "old", 3), ("s/1", "new", 7)), ENDS)
    assert comparison.add([row("s/1", "new", 7)]) == ([], [0])
    assert comparison.missing().tolist() == []


def test_a_document_without_a_row_is_missing():
    comparison = Comparison(folded(("s/1", "a", 3), ("s/2", "a", 4)), ENDS)
    comparison.add([row("s/2", "a", 4)])
    (place,) = comparison.missing()
    assert folded(("s/1", "a", 3), ("s/2", "a", 4)).versions[place] == 3


def test_a_row_without_a_document_is_extra():
    assert found(folded(), row("s/1", "a", 3)) == [("s/1", Finding.EXTRA)]


def test_a_row_of_a_deleted_document_is_extra():
    documents = folded(("s/1", "a", 3), ("s/1", None, 4))
    assert found(documents, row("s/1", "a", 3)) == [("s/1", Finding.EXTRA)]


def test_a_row_of_an_older_version_is_stale():
    documents = folded(("s/1", "old", 3), ("s/1", "new", 7))
    assert found(documents, row("s/1", "old", 3)) == [("s/1", Finding.STALE)]


def test_a_row_of_a_later_version_than_its_document_is_stale():
    assert found(folded(("s/1", "a", 3)), row("s/1", "a", 4)) == [("s/1", Finding.STALE)]


def test_a_row_of_the_right_version_and_another_text_is_stale():
    assert found(folded(("s/1", "a", 3)), row("s/1", "b", 3)) == [("s/1", Finding.STALE)]


def test_a_row_of_the_same_text_and_an_older_version_is_stale():
    """A change to metadata alone must reach the row, too."""
    documents = folded(("s/1", "same", 3), ("s/1", "same", 7))
    assert found(documents, row("s/1", "same", 3)) == [("s/1", Finding.STALE)]


@pytest.mark.parametrize("hash_", ["no hex", "", content_hash("a").upper(), "0" * 32])
def test_a_row_with_a_hash_that_is_none_or_another_is_stale(hash_):
    good = row("s/2", "a", 4)
    documents = folded(("s/1", "a", 3), ("s/2", "a", 4))
    assert found(documents, Row("s/1", 3, hash_), good) == [("s/1", Finding.STALE)]


def test_a_row_of_an_unreadable_document_is_stale_even_with_a_hash_of_zeros():
    noted = Noted()
    noted.take([LogRecord("documents", 0, 3, b"s/1", b"{}")])
    assert found(noted.documents(), Row("s/1", 3, "0" * 32)) == [("s/1", Finding.STALE)]


@pytest.mark.parametrize("pages", [1, 2])
def test_two_rows_of_one_id_are_a_duplicate(pages):
    rows = [row("s/1", "a", 3), row("s/1", "a", 3)]
    cut = [rows] if pages == 1 else [rows[:1], rows[1:]]
    comparison = Comparison(folded(("s/1", "a", 3)), ENDS)
    (suspect,) = [suspect for page in cut for suspect in comparison.add(page)[0]]
    assert len(comparison.sample(None)) == 0
    assert (suspect.id, suspect.finding) == ("s/1", Finding.DUPLICATE)
    assert expectation(suspect) == "one row"


@pytest.mark.parametrize("shard", [1, 99, -1])
def test_a_row_in_another_shard_than_its_document_is_misplaced(shard):
    (suspect,) = suspects(folded(("s/1", "a", 3)), [row("s/1", "a", 3, shard)])
    assert (suspect.finding, suspect.shard, suspect.found) == (
        Finding.MISPLACED,
        0,
        f"shard {shard}",
    )
    assert expectation(suspect) == "shard 0"


def test_a_row_newer_than_the_snapshot_only_claims_to_be_right():
    documents = folded(("s/1", "a", 3))
    claims = suspects(documents, [row("s/1", "b", END), row("s/2", "c", END + 5)])
    assert [(claim.id, claim.finding, claim.claimed) for claim in claims] == [
        ("s/1", Finding.STALE, END),
        ("s/2", Finding.EXTRA, END + 5),
    ]


def test_rows_and_documents_are_counted_where_the_documents_are():
    comparison = Comparison(folded(("s/1", "a", 3), shard=1), ENDS)
    comparison.add(
        [row("s/1", "a", 3, shard=2), row("s/2", "a", 3, shard=0), Row("s/3", 1, "", 99)]
    )
    assert [comparison.documents_of(shard) for shard in ENDS] == [0, 1, 0]
    assert [comparison.rows_of(shard) for shard in ENDS] == [1, 1, 0]
    assert comparison.rows == 3


def test_a_row_suspected_later_is_not_drawn_for_the_sample():
    comparison = Comparison(folded(("s/1", "a", 3), ("s/2", "a", 4)), ENDS)
    rows = [row("s/1", "a", 3), row("s/2", "a", 4)]
    comparison.add(rows)
    suspect = comparison.suspected(rows[0], Finding.MALFORMED, "holds NaN")
    assert (suspect.finding, suspect.found) == (Finding.MALFORMED, "holds NaN")
    assert suspect.expected == StoredVersion(3, content_hash("a"))
    assert len(comparison.sample(None)) == 1
    assert len(comparison.missing()) == 0


def sampled(counts: list[int], size: int | None, seed: int = 0) -> list[tuple[int, int]]:
    """Shard and version of what is drawn where each shard has so many documents."""
    noted = Noted(seed)
    rows = []
    for shard, count in enumerate(counts):
        for version in range(count):
            id_ = f"s{shard}/{version}"
            noted.take([LogRecord("documents", shard, version, id_.encode(), document(id_))])
            rows.append(row(id_, "text", version, shard))
    documents = noted.documents()
    comparison = Comparison(documents, ENDS)
    assert comparison.add(rows)[0] == []
    places = comparison.sample(size)
    return [(int(documents.shards[place]), int(documents.versions[place])) for place in places]


def test_a_sample_is_spread_over_the_shards_by_their_size():
    drawn = sampled([20, 60, 0], 20)
    assert [sum(shard == each for shard, _ in drawn) for each in range(3)] == [5, 15, 0]


def test_a_sample_depends_on_the_seed_alone():
    assert sampled([30, 30, 30], 12, seed=1) == sampled([30, 30, 30], 12, seed=1)
    assert sampled([30, 30, 30], 12, seed=1) != sampled([30, 30, 30], 12, seed=2)


@pytest.mark.parametrize("size", [None, 7, 100])
def test_all_are_drawn_where_there_are_no_more(size):
    assert sorted(sampled([3, 4, 0], size)) == [(0, v) for v in range(3)] + [
        (1, v) for v in range(4)
    ]


MISSING = Suspect("s/1", Finding.MISSING, 0, StoredVersion(3, content_hash("a")), "no row")
EXTRA = Suspect("s/1", Finding.EXTRA, 0, None, "")
RIGHT = StoredVersion(3, content_hash("a"))


@pytest.mark.parametrize(
    ("suspect", "stored", "finding"),
    [
        (MISSING, None, Finding.MISSING),
        (MISSING, RIGHT, None),
        (MISSING, StoredVersion(2, content_hash("a")), Finding.STALE),
        (MISSING, StoredVersion(3, content_hash("b")), Finding.STALE),
        (replace(MISSING, finding=Finding.STALE), None, Finding.MISSING),
        (replace(MISSING, finding=Finding.STALE), RIGHT, None),
        (replace(MISSING, finding=Finding.MALFORMED), RIGHT, Finding.MALFORMED),
        (replace(MISSING, finding=Finding.MALFORMED), None, Finding.MISSING),
        (replace(MISSING, finding=Finding.WRONG_VECTOR), RIGHT, Finding.WRONG_VECTOR),
        (replace(MISSING, finding=Finding.WRONG_VECTOR), StoredVersion(2, ""), Finding.STALE),
        (replace(MISSING, finding=Finding.MISPLACED), RIGHT, Finding.MISPLACED),
        (replace(MISSING, finding=Finding.DUPLICATE), RIGHT, Finding.DUPLICATE),
        (EXTRA, None, None),
        (EXTRA, StoredVersion(3, ""), Finding.EXTRA),
    ],
)
def test_only_what_is_still_wrong_at_the_second_look_counts(suspect, stored, finding):
    now = look_again(suspect, stored, END)
    assert (now and now.finding) is finding
    assert now is None or now.claimed is None


@pytest.mark.parametrize(("suspect", "finding"), [(MISSING, Finding.STALE), (EXTRA, Finding.EXTRA)])
def test_a_row_that_has_become_newer_claims_to_be_right(suspect, finding):
    now = look_again(suspect, StoredVersion(END, content_hash("b")), END)
    assert now is not None
    assert (now.finding, now.claimed) == (finding, END)


def test_what_is_expected_is_told_in_words():
    assert expectation(MISSING) == f"version 3, hash {content_hash('a')}"
    assert expectation(replace(MISSING, expected=StoredVersion(7, ""))) == "version 7, unreadable"
    assert expectation(EXTRA) == "no row"


IDS = st.sampled_from([f"s/{i}" for i in range(6)])
HISTORY = st.lists(st.tuples(IDS, st.none() | st.sampled_from("abc")), max_size=30)


def rows_of(history) -> dict[str, Row]:
    """What a lane that made no mistake has stored."""
    rows: dict[str, Row] = {}
    for version, (id_, text) in enumerate(history):
        if text is None:
            rows.pop(id_, None)
        else:
            rows[id_] = row(id_, text, version)
    return rows


@given(HISTORY, st.integers(0, 30), st.integers(1, 4), st.randoms(use_true_random=False))
def test_a_lane_that_stopped_anywhere_is_off_by_exactly_what_it_missed(
    history, stopped, page_size, random
):
    documents = folded(*((id_, text, v) for v, (id_, text) in enumerate(history)))
    have, want = rows_of(history[:stopped]), rows_of(history)
    rows = list(have.values())
    random.shuffle(rows)
    comparison = Comparison(documents, ENDS)
    found = [
        (suspect.id, suspect.finding)
        for start in range(0, len(rows), page_size)
        for suspect in comparison.add(rows[start : start + page_size])[0]
    ]
    missing = sorted(documents.versions[comparison.missing()].tolist())
    assert missing == sorted(want[id_].version for id_ in want.keys() - have.keys())
    assert sorted(found) == sorted(
        [(id_, Finding.EXTRA) for id_ in have.keys() - want.keys()]
        + [(i, Finding.STALE) for i in have.keys() & want.keys() if have[i] != want[i]]
    )
    right = [i for i in have.keys() & want.keys() if have[i] == want[i]]
    assert len(comparison.sample(None)) == len(right)
