"""A truncate removes what is older than it, and nothing else, whatever happens meanwhile."""

import orjson
from hypothesis import given
from hypothesis import strategies as st

from streams.core.truncation import TruncateRepair

TRUNCATE = "05"


def document(position: str) -> bytes:
    return orjson.dumps({"position": position})


def repaired(*log: tuple[str, str | None, bool]) -> list[tuple[bytes, bytes | None]]:
    repair = TruncateRepair("articles", TRUNCATE)
    for key, position, made_by_truncate in log:
        value = None if position is None else document(position)
        repair.add(key.encode(), value, made_by_truncate=made_by_truncate, was_there=True)
    return repair.repairs()


def test_an_older_document_is_deleted():
    assert repaired(("articles/1", "03", False)) == [(b"articles/1", None)]


def test_a_document_of_another_source_stays():
    assert repaired(("articles_old/1", "03", False), ("other/1", "03", False)) == []


def test_a_document_written_after_the_truncate_stays():
    assert repaired(("articles/1", "03", False), ("articles/1", "07", False)) == []


def test_a_row_inserted_by_the_truncating_position_itself_stays():
    assert repaired(("articles/1", TRUNCATE, False)) == []


def test_a_newer_document_that_our_own_delete_came_to_stand_behind_is_put_back():
    assert repaired(
        ("articles/1", "03", False), ("articles/1", "07", False), ("articles/1", None, True)
    ) == [(b"articles/1", document("07"))]


def test_a_newer_document_that_a_late_older_one_came_to_stand_behind_is_put_back():
    assert repaired(("articles/1", "07", False), ("articles/1", "03", False)) == [
        (b"articles/1", document("07"))
    ]


def test_a_real_delete_after_the_truncate_is_not_undone():
    assert repaired(("articles/1", "07", False), ("articles/1", None, False)) == []


def test_what_is_no_document_goes_if_it_was_there_and_stays_if_it_came_later():
    repair = TruncateRepair("articles", TRUNCATE)
    repair.add(b"articles/1", b"not json", made_by_truncate=False, was_there=True)
    repair.add(None, document("01"), made_by_truncate=False, was_there=True)
    repair.add(b"articles/2", b"not json", made_by_truncate=False, was_there=False)
    assert repair.repairs() == [(b"articles/1", None)]


def test_a_document_that_a_repair_put_back_behind_a_newer_one_gives_way_to_it():
    assert repaired(
        ("articles/1", "05", False),
        ("articles/1", None, True),
        ("articles/1", "06", False),
        ("articles/1", "05", True),
    ) == [(b"articles/1", document("06"))]


def test_a_row_that_was_deleted_before_a_repair_put_it_back_is_deleted_again():
    assert repaired(
        ("articles/1", "07", False),
        ("articles/1", None, True),
        ("articles/1", None, False),
        ("articles/1", "07", True),
    ) == [(b"articles/1", None)]


def test_a_document_that_was_put_back_stays_when_the_first_one_is_compacted_away():
    assert repaired(("articles/1", "07", True)) == []


@given(
    st.lists(
        st.tuples(st.sampled_from(["a/1", "a/2"]), st.integers(0, 9), st.booleans()), max_size=30
    ),
    st.lists(st.integers(0, 4), max_size=30),
    st.integers(0, 10),
)
def test_repairing_until_nothing_is_left_ends_with_the_newest_survivor_of_each_row(
    rows, bursts, killed_after
):
    """Other workers append, in order for each row, between any two readings of the log."""
    waiting = sorted(rows, key=lambda row: row[1])
    wanted: dict[bytes, bytes | None] = {}
    for key, position, deleted in waiting:
        alive = f"{position:02}" >= TRUNCATE and not deleted
        wanted[key.encode()] = document(f"{position:02}") if alive else None
    log: list[tuple[bytes, bytes | None, bool]] = []
    repair, read = TruncateRepair("a", TRUNCATE), 0
    for turn, burst in enumerate([*bursts, len(waiting), 0, 0, 0, 0]):
        if turn == killed_after:  # the worker starts again from the log's beginning
            repair, read = TruncateRepair("a", TRUNCATE), 0
        seen = len(log)
        log += [
            (key.encode(), None if deleted else document(f"{position:02}"), False)
            for key, position, deleted in waiting[:burst]
        ]
        waiting = waiting[burst:]
        for key, value, ours in log[read:seen]:
            repair.add(key, value, made_by_truncate=ours, was_there=True)
        read = seen
        log += [(key, value, True) for key, value in repair.repairs()]
    assert {key: value for key, value, _ in log} == wanted
