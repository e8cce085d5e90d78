"""Dead letters as values: how one is written, and what a topic full of them amounts to.

Knows no Kafka and no clock: records in, records or letters out.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Final

from pydantic import ValidationError

from schemas.dead_letter import DeadLetter, Reason, Resolution, ResolutionKind
from schemas.record import UnknownSchemaVersion
from streams.core.records import LogRecord, NewRecord

__all__ = [
    "LETTER_HEADER",
    "REPLAY_HEADER",
    "RESOLUTION_HEADER",
    "Letter",
    "LetterState",
    "dead_letter_record",
    "fold_letters",
    "original_headers",
    "resolution_record",
]

LETTER_HEADER: Final = "hotswap-dead-letter"
RESOLUTION_HEADER: Final = "hotswap-resolution"
REPLAY_HEADER: Final = "hotswap-replay-of"
"""On a record that was put back: the letter's id, for whoever wonders where it came from."""

_OWN_HEADERS = frozenset({LETTER_HEADER, RESOLUTION_HEADER})
_MAX_DETAIL_BYTES = 2_000
_MAX_KEY = 4_096
_FRAME = 256
"""Bytes that Kafka's record format and the headers' names take at most."""


class LetterState(StrEnum):
    """What has become of a dead letter."""

    OPEN = "open"
    REPLAYED = "replayed"
    DISCARDED = "discarded"


@dataclass(frozen=True, slots=True)
class Letter:
    """A dead letter without its bytes, which may be large.

    `partition` and `offset` are its own place on `dead-letters`; those in `letter` are where
    the original stood. Times are milliseconds since the epoch.
    """

    partition: int
    offset: int
    written_at: int
    letter: DeadLetter
    state: LetterState = LetterState.OPEN
    resolution: Resolution | None = None
    resolved_at: int | None = None

    @property
    def id(self) -> str:
        """`<partition>-<offset>`."""
        return f"{self.partition}-{self.offset}"


def dead_letter_record(
    topic: str,
    original: LogRecord,
    *,
    stage: str,
    reason: Reason,
    detail: str,
    document_id: str | None,
    max_bytes: int,
) -> NewRecord:
    """The record that keeps `original`, with the reason why it can not be processed.

    It fits into `max_bytes`: what is too large is cut and the letter says so. First the
    original's headers go, then the end of its value, then the end of its key.

    Args:
        topic: where dead letters go.
        original: the record that failed.
        stage: where it failed, `normalise` or `embed:<lane>`.
        reason: one of a closed list.
        detail: for people; cut to 2,000 bytes.
        document_id: of the document it concerns, if that much is known.
        max_bytes: most bytes of the record, above 20,000.
    """
    letter = DeadLetter(
        stage=stage,
        reason=reason,
        detail=_printable(detail),
        topic=original.topic,
        partition=original.partition,
        offset=original.offset,
        timestamp=original.timestamp,
        document_id=document_id,
        original_bytes=len(original.value or b""),
        null_value=original.value is None,
    )
    headers = tuple(header for header in original.headers if header[0] not in _OWN_HEADERS)
    key = original.key
    room = max(0, max_bytes - _FRAME - len(letter.encode()))
    if len(key or b"") + len(original.value or b"") + _size(headers) > room:
        letter = letter.model_copy(update={"cut": True})
        headers = ()
        key = None if key is None else key[: max(_MAX_KEY, room - len(original.value or b""))]
    value = original.value
    if value is not None:
        value = value[: max(0, room - len(key or b"") - _size(headers))]
    elif key is None:
        value = b""  # Kafka's clients send no record that has neither
    return NewRecord(topic, key, value, ((LETTER_HEADER, letter.encode()), *headers))


def resolution_record(
    topic: str, letter: Letter, key: bytes | None, answer: Resolution
) -> NewRecord:
    """The record that closes a letter; it goes to the letter's own partition, behind it."""
    return NewRecord(
        topic,
        key,
        b"" if key is None else None,
        ((RESOLUTION_HEADER, answer.encode()),),
        letter.partition,
    )


def fold_letters(
    records: Iterable[LogRecord], start: dict[str, Letter] | None = None
) -> dict[str, Letter]:
    """Letter id → letter, in the order of `records`, each with its last resolution.

    A letter that was replayed stays so: that it was put back can not be undone. Records that
    are neither letters nor resolutions, and resolutions of letters that are gone, count for
    nothing.

    Args:
        records: of `dead-letters`, in order within each partition.
        start: an earlier result to go on from; it is changed and returned.
    """
    letters = {} if start is None else start
    for record in records:
        if (letter := _letter(record)) is not None:
            letters[letter.id] = letter
        elif (answer := _resolution(record)) is not None and answer.letter in letters:
            resolved = letters[answer.letter]
            if resolved.state is not LetterState.REPLAYED:
                letters[answer.letter] = replace(
                    resolved,
                    state=_STATES[answer.kind],
                    resolution=answer,
                    resolved_at=record.timestamp,
                )
    return letters


_STATES = {
    ResolutionKind.REPLAYED: LetterState.REPLAYED,
    ResolutionKind.DISCARDED: LetterState.DISCARDED,
}


def original_headers(record: LogRecord) -> tuple[tuple[str, bytes], ...]:
    """The headers that the original of a dead letter had."""
    return tuple(header for header in record.headers if header[0] not in _OWN_HEADERS)


def _letter(record: LogRecord) -> Letter | None:
    value = dict(record.headers).get(LETTER_HEADER)
    if value is None:
        return None
    try:
        letter = DeadLetter.decode(value)
    except (ValidationError, UnknownSchemaVersion):
        return None
    return Letter(record.partition, record.offset, record.timestamp, letter)


def _resolution(record: LogRecord) -> Resolution | None:
    value = dict(record.headers).get(RESOLUTION_HEADER)
    if value is None:
        return None
    try:
        return Resolution.decode(value)
    except (ValidationError, UnknownSchemaVersion):
        return None


def _printable(detail: str) -> str:
    """Text that is valid UTF-8, not too long: details quote what was wrong with the input."""
    encoded = detail[:_MAX_DETAIL_BYTES].encode("utf-8", "backslashreplace")
    return encoded[:_MAX_DETAIL_BYTES].decode("utf-8", "ignore")


def _size(headers: tuple[tuple[str, bytes], ...]) -> int:
    return sum(len(name.encode()) + len(value) + 10 for name, value in headers)
