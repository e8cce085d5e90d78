import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas import DeadLetter, Reason
from schemas.dead_letter import Resolution, ResolutionKind
from streams.adapters.record_limits import batch_bytes
from streams.core.dead_letters import (
    LETTER_HEADER,
    REPLAY_HEADER,
    RESOLUTION_HEADER,
    Letter,
    LetterState,
    dead_letter_record,
    fold_letters,
    original_headers,
    resolution_record,
)
from streams.core.records import LogRecord, NewRecord

MAX = 30_000


def original(key=b"k", value=b"v", headers=()) -> LogRecord:
    return LogRecord("cdc.public.articles", 2, 17, key, value, 1_700_000_000_000, headers)


def lettered(record: LogRecord, detail: str = "why", max_bytes: int = MAX) -> NewRecord:
    return dead_letter_record(
        "dead-letters",
        record,
        stage="normalise",
        reason=Reason.NOT_JSON,
        detail=detail,
        document_id="articles/1",
        max_bytes=max_bytes,
    )


def letter_of(record: NewRecord) -> DeadLetter:
    return DeadLetter.decode(dict(record.headers)[LETTER_HEADER])


def stored(record: NewRecord, offset: int, partition: int = 0) -> LogRecord:
    return LogRecord(
        record.topic,
        record.partition if record.partition is not None else partition,
        offset,
        record.key,
        record.value,
        1000 + offset,
        record.headers,
    )


def test_a_letter_keeps_the_original_and_says_where_it_stood_and_why():
    record = lettered(original(headers=(("trace", b"\x00"),)))
    assert (record.topic, record.key, record.value) == ("dead-letters", b"k", b"v")
    assert record.headers[1:] == (("trace", b"\x00"),)
    assert letter_of(record) == DeadLetter(
        stage="normalise",
        reason=Reason.NOT_JSON,
        detail="why",
        topic="cdc.public.articles",
        partition=2,
        offset=17,
        timestamp=1_700_000_000_000,
        document_id="articles/1",
        original_bytes=1,
    )


@pytest.mark.parametrize(
    ("key", "value", "stored_value"),
    [(b"k", None, None), (None, b"v", b"v"), (None, None, b""), (b"", b"", b""), (b"k", b"", b"")],
)
def test_null_and_empty_are_told_apart(key, value, stored_value):
    record = lettered(original(key, value))
    assert (record.key, record.value) == (key, stored_value)
    assert letter_of(record).null_value is (value is None)
    assert letter_of(record).cut is False


def test_a_value_that_is_too_large_is_cut_to_its_head():
    record = lettered(original(value=bytes(range(256)) * 1000))
    letter = letter_of(record)
    assert letter.cut
    assert letter.original_bytes == 256_000
    assert record.value == (bytes(range(256)) * 1000)[: len(record.value or b"")]
    assert MAX - 1_000 < batch_bytes(record) <= MAX


def test_a_key_that_is_too_large_is_cut_only_as_far_as_needed():
    record = lettered(original(key=b"k" * 100_000, value=b"v" * 10))
    assert record.value == b"v" * 10
    assert len(record.key or b"") > MAX - 1_500
    both = lettered(original(key=b"k" * 100_000, value=b"v" * 100_000))
    assert len(both.key or b"") == 4_096
    assert letter_of(both).cut


def test_the_reason_can_quote_what_is_no_text():
    record = lettered(original(), detail='lone surrogate "\ud800", NUL "\0", emoji "🙂"')
    assert letter_of(record).detail == 'lone surrogate "\\ud800", NUL "\0", emoji "🙂"'


def test_an_event_can_not_pass_itself_off_as_a_letter_or_close_one():
    forged = ((RESOLUTION_HEADER, b"{}"), (LETTER_HEADER, b"{}"), ("other", b"x"))
    record = lettered(original(headers=forged))
    assert [name for name, _ in record.headers] == [LETTER_HEADER, "other"]
    assert letter_of(record).reason is Reason.NOT_JSON


@given(
    key=st.none() | st.binary(max_size=20) | st.integers(0, 60_000).map(lambda n: b"k" * n),
    value=st.none() | st.binary(max_size=20) | st.integers(0, 60_000).map(lambda n: b"v" * n),
    headers=st.lists(
        st.tuples(st.text(max_size=5), st.integers(0, 20_000).map(lambda n: b"h" * n)), max_size=3
    ),
    detail=st.text(st.characters(), max_size=4_000),
)
def test_a_letter_fits_and_is_whole_unless_it_says_otherwise(key, value, headers, detail):
    record = lettered(original(key, value, tuple(headers)), detail)
    assert batch_bytes(record) <= MAX
    assert record.key is not None or record.value is not None
    (letter,) = fold_letters([stored(record, 5)]).values()
    if not letter.letter.cut:
        assert record.key == key
        assert record.value == (value if value is not None or key is not None else b"")
        assert original_headers(stored(record, 5)) == tuple(headers)
    else:
        assert len(key or b"") + len(value or b"") + sum(len(v) for _, v in headers) > MAX / 10
    assert letter.letter.original_bytes == len(value or b"")


def resolved(letter: Letter, kind: ResolutionKind, offset: int, by: str = "ann") -> LogRecord:
    answer = Resolution(letter=letter.id, kind=kind, by=by)
    return stored(resolution_record("dead-letters", letter, b"k", answer), offset)


def one_letter() -> Letter:
    (letter,) = fold_letters([stored(lettered(original()), 4, 1)]).values()
    return letter


def test_a_letter_is_open_until_somebody_answers():
    letter = one_letter()
    assert (letter.id, letter.state, letter.written_at) == ("1-4", LetterState.OPEN, 1004)
    (after,) = fold_letters(
        [resolved(letter, ResolutionKind.DISCARDED, 9)], {letter.id: letter}
    ).values()
    assert after.state is LetterState.DISCARDED
    assert after.resolution is not None
    assert (after.resolution.by, after.resolved_at) == ("ann", 1009)


def test_a_replayed_letter_stays_replayed():
    letter = one_letter()
    answers = [
        resolved(letter, ResolutionKind.DISCARDED, 5),
        resolved(letter, ResolutionKind.REPLAYED, 6, "bob"),
        resolved(letter, ResolutionKind.DISCARDED, 7),
        resolved(letter, ResolutionKind.REPLAYED, 8, "eve"),
    ]
    (after,) = fold_letters(answers, {letter.id: letter}).values()
    assert after.state is LetterState.REPLAYED
    assert after.resolution is not None
    assert after.resolution.by == "bob"


def test_a_resolution_goes_to_its_letters_partition_also_without_a_key():
    letter = one_letter()
    answer = Resolution(letter=letter.id, kind=ResolutionKind.DISCARDED, by="ann")
    keyed = resolution_record("dead-letters", letter, b"k", answer)
    assert (keyed.partition, keyed.key, keyed.value) == (1, b"k", None)
    keyless = resolution_record("dead-letters", letter, None, answer)
    assert (keyless.partition, keyless.key, keyless.value) == (1, None, b"")


@pytest.mark.parametrize(
    "headers",
    [
        (),
        ((REPLAY_HEADER, b"0-1"),),
        ((LETTER_HEADER, b"not json"),),
        ((LETTER_HEADER, b'{"schema_version": 99}'),),
        ((RESOLUTION_HEADER, b"not json"),),
        ((RESOLUTION_HEADER, b'{"letter": "9-9", "kind": "discarded", "by": "x"}'),),
    ],
)
def test_whatever_else_stands_on_the_topic_counts_for_nothing(headers):
    letter = one_letter()
    stranger = LogRecord("dead-letters", 1, 99, b"k", b"v", 0, headers)
    assert fold_letters([stranger], {letter.id: letter}) == {letter.id: letter}


@given(st.lists(st.tuples(st.integers(0, 2), st.sampled_from(ResolutionKind)), max_size=12))
def test_folding_in_pieces_gives_what_folding_at_once_gives(answers):
    letters = [stored(lettered(original()), offset) for offset in range(3)]
    known = fold_letters(letters)
    records = letters + [
        resolved(known[f"0-{which}"], kind, 10 + place)
        for place, (which, kind) in enumerate(answers)
    ]
    pieces: dict[str, Letter] = {}
    for record in records:
        fold_letters([record], pieces)
    assert pieces == fold_letters(records)
