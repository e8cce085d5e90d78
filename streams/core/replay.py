"""Whether a dead letter may be put back, and as which record.

Decides on values alone. Putting back is the only operation that writes something old behind
something new, so each rule here protects a newer state of the same document.
"""

from dataclasses import dataclass

from pydantic import ValidationError

from schemas import Document, UnknownSchemaVersion
from streams.core.dead_letters import REPLAY_HEADER, Letter, LetterState, original_headers
from streams.core.envelope import is_older
from streams.core.normalisation import Outcome, Put, Rejected, Remove
from streams.core.records import LogRecord, NewRecord

__all__ = ["Append", "Decision", "Done", "Refuse", "replay_document", "replay_event", "unresolved"]


@dataclass(frozen=True, slots=True)
class Append:
    """Put this record back."""

    record: NewRecord


@dataclass(frozen=True, slots=True)
class Done:
    """It stands there already: an earlier replay was cut off before it could say so."""

    partition: int
    offset: int


@dataclass(frozen=True, slots=True)
class Refuse:
    """Leave it. `superseded`: there is nothing left to do for this letter."""

    why: str
    superseded: bool = False


Decision = Append | Done | Refuse


def unresolved(letter: Letter, *, force: bool) -> Refuse | None:
    """Refuse a letter that was resolved already; None if it is open.

    `force` brings a discarded letter back. Nothing brings a replayed one back twice.
    """
    if letter.state is LetterState.OPEN or letter.resolution is None:
        return None
    by, why = letter.resolution.by, letter.resolution.reason
    if letter.state is LetterState.REPLAYED:
        return Refuse(f"was replayed already, by {by}")
    if force:
        return None
    return Refuse(
        f"was discarded by {by}" + (f" ({why})" if why else "") + "; --force brings it back"
    )


def replay_event(
    letter: Letter,
    record: LogRecord,
    outcome: Outcome | None,
    newest: LogRecord | None,
    *,
    force: bool,
) -> Decision:
    """A letter of stage `normalise`: its change event goes back to its topic and partition.

    Args:
        letter: what failed.
        record: the letter's own record on `dead-letters`.
        outcome: what normalising the event gives now; None if its topic is no source's.
        newest: the newest record of its document on `documents`, if both are known.
        force: put it back although it would fail again, or although it is superseded.
    """
    failed = letter.letter
    place = f"offset {failed.offset} of topic {failed.topic}, partition {failed.partition}"
    if failed.cut:
        return Refuse(f"only a part of it was kept; the original is {place}")
    if outcome is None:
        return Refuse(f"no source of the configuration reads topic {failed.topic}")
    if not force:
        if isinstance(outcome, Rejected):
            return Refuse(f"would fail again: {outcome.reason}: {outcome.detail}")
        if newest is not None and _is_superseded(letter, outcome, newest):
            return Refuse(
                f"superseded by a later change of the same row: offset {newest.offset} of topic"
                f" {newest.topic}, partition {newest.partition}",
                superseded=True,
            )
    return Append(
        NewRecord(
            failed.topic,
            record.key,
            None if failed.null_value else record.value,
            _headers(letter, record),
            failed.partition,
        )
    )


def replay_document(letter: Letter, newest: LogRecord | None) -> Decision:
    """A letter of stage `embed:<lane>`: its document is appended to `documents` once more.

    Args:
        letter: what failed.
        newest: the newest record of its key, from `documents` and not from the letter, which
            may have been cut.
    """
    if newest is None:
        return Refuse("superseded: the document was deleted", superseded=True)
    if newest.offset == letter.letter.offset:
        return Append(
            NewRecord(
                newest.topic,
                newest.key,
                newest.value,
                _headers(letter, newest),
                newest.partition,
            )
        )
    if dict(newest.headers).get(REPLAY_HEADER) == letter.id.encode():
        return Done(newest.partition, newest.offset)
    return Refuse(
        f"superseded by a later version: offset {newest.offset} of partition {newest.partition}",
        superseded=True,
    )


def _is_superseded(letter: Letter, outcome: Outcome, newest: LogRecord) -> bool:
    """Whether `newest` stems from the same event or a later one.

    By the source's positions where both tell; otherwise by whether the document was written
    after the letter, since events of one key are handled in their order.
    """
    position = outcome.document.position if isinstance(outcome, Put) else None
    if isinstance(outcome, Remove):
        position = outcome.position
    if position and newest.value is not None:
        there = _position(newest.value)
        if there:
            return there == position or is_older(position, there)
    return newest.timestamp > letter.written_at


def _position(value: bytes) -> str | None:
    try:
        return Document.decode(value).position
    except (ValidationError, UnknownSchemaVersion):
        return None


def _headers(letter: Letter, record: LogRecord) -> tuple[tuple[str, bytes], ...]:
    kept = tuple(header for header in original_headers(record) if header[0] != REPLAY_HEADER)
    return (*kept, (REPLAY_HEADER, letter.id.encode()))
