"""Putting dead letters back through the place where they failed, each once.

The record is appended first and the letter closed afterwards. A crash in between leaves the
letter open; the next replay then sees that its work is done, or that a change event with the
same position has been applied.
"""

from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from dataclasses import dataclass

from schemas.dead_letter import ResolutionKind
from streams.adapters.partitioning import partition_of
from streams.core.dead_letters import Letter
from streams.core.normalisation import Limits, Outcome, Put, Rejected, Remove, normalise
from streams.core.records import LogRecord, NewRecord
from streams.core.replay import (
    Append,
    Decision,
    Done,
    Refuse,
    replay_document,
    replay_event,
    unresolved,
)
from streams.core.source import Source
from streams.errors import InputRefused
from streams.ports import Log
from streams.services.dead_letters import find, resolve

__all__ = ["Refused", "ReplayContext", "Replayed", "replay"]

_AT_A_TIME = 100
"""Letters whose bytes are held at once; `documents` is read once for each such lot."""


@dataclass(frozen=True, slots=True)
class ReplayContext:
    """What replaying needs to know. `sources`: change topic → the source that reads it."""

    log: Log
    dead_letters: str
    documents: str
    sources: Mapping[str, Source]
    limits: Limits
    by: str
    force: bool = False


@dataclass(frozen=True, slots=True)
class Replayed:
    """The letter's record stands at this place again."""

    letter_id: str
    topic: str
    partition: int
    offset: int


@dataclass(frozen=True, slots=True)
class Refused:
    """The letter was not put back. `closed`: it is resolved, since it is superseded."""

    letter_id: str
    why: str
    closed: bool = False


@dataclass(frozen=True, slots=True)
class _Case:
    """A letter under way: `key` is its document's key on `documents`, where known."""

    letter: Letter
    record: LogRecord
    outcome: Outcome | None
    key: bytes | None
    partition: int


async def replay(
    context: ReplayContext, letter_ids: Sequence[str]
) -> AsyncIterator[Replayed | Refused]:
    """Put letters back, in the order in which their originals stood; one answer for each.

    Raises: ConfigurationError if there is no such letter, TransientError.
    """
    partitions = len(await context.log.ends(context.documents))
    for start in range(0, len(letter_ids), _AT_A_TIME):
        lot = dict.fromkeys(letter_ids[start : start + _AT_A_TIME])
        found = await find(context.log, context.dead_letters, lot)
        cases = [_case(context, *found[letter_id], partitions) for letter_id in lot]
        cases.sort(key=_place)
        ends = await context.log.ends(context.documents)
        newest = await _newest(context, cases, until=ends)
        for case in cases:
            yield await _replay_one(context, case, newest.get((case.partition, case.key)), ends)


def _place(case: _Case) -> tuple[str, int, int]:
    failed = case.letter.letter
    return failed.topic, failed.partition, failed.offset


def _case(context: ReplayContext, letter: Letter, record: LogRecord, partitions: int) -> _Case:
    failed = letter.letter
    if failed.stage != "normalise":
        return _Case(letter, record, None, record.key, failed.partition)
    outcome: Outcome | None = None
    source = context.sources.get(failed.topic)
    if source is not None and not failed.cut:
        value = None if failed.null_value else record.value
        outcome = normalise(record.key, value, source, context.limits)
    id_ = _document_id(outcome) or failed.document_id
    key = None if id_ is None else id_.encode()
    return _Case(letter, record, outcome, key, 0 if key is None else partition_of(key, partitions))


def _document_id(outcome: Outcome | None) -> str | None:
    match outcome:
        case Put(document):
            return document.id
        case Remove(id=id_) | Rejected(document_id=id_):
            return id_
        case _:
            return None


async def _newest(
    context: ReplayContext,
    cases: Iterable[_Case],
    *,
    since: Mapping[int, int] | None = None,
    until: Mapping[int, int],
) -> dict[tuple[int, bytes | None], LogRecord]:
    """(partition, key) → the last record of `documents` in the range, for the cases' keys."""
    keys = {(case.partition, case.key) for case in cases if case.key is not None}
    partitions = sorted({partition for partition, _ in keys if partition in until})
    found: dict[tuple[int, bytes | None], LogRecord] = {}
    pages = context.log.read(context.documents, since=since, until=until, partitions=partitions)
    async for page in pages:
        for record in page:
            if (place := (record.partition, record.key)) in keys:
                found[place] = record
    return found


async def _replay_one(
    context: ReplayContext, case: _Case, newest: LogRecord | None, ends: Mapping[int, int]
) -> Replayed | Refused:
    letter = case.letter
    match _decide(context, case, newest):
        case Refuse(why, superseded):
            if superseded:
                await _close(context, case, ResolutionKind.DISCARDED, why)
            return Refused(letter.id, why, closed=superseded)
        case Done(partition, offset):
            await _close(context, case, ResolutionKind.REPLAYED, "")
            return Replayed(letter.id, context.documents, partition, offset)
        case Append(record):
            return await _append(context, case, record, ends)


def _decide(context: ReplayContext, case: _Case, newest: LogRecord | None) -> Decision:
    letter, failed = case.letter, case.letter.letter
    if (refusal := unresolved(letter, force=context.force)) is not None:
        return refusal
    if failed.stage == "normalise":
        return replay_event(letter, case.record, case.outcome, newest, force=context.force)
    if not failed.stage.startswith("embed:"):
        return Refuse(f"its stage {failed.stage!r} is not known here")
    if failed.topic != context.documents:
        return Refuse(f"it failed on topic {failed.topic}, and documents are on another one now")
    return replay_document(letter, newest)


async def _append(
    context: ReplayContext, case: _Case, record: NewRecord, ends: Mapping[int, int]
) -> Replayed | Refused:
    try:
        ((partition, offset),) = await context.log.append([record])
    except InputRefused as error:
        return Refused(case.letter.id, str(error))
    if record.topic == context.documents:
        offset = await _keep_newest(context, case, ends, offset)
    await _close(context, case, ResolutionKind.REPLAYED, "")
    return Replayed(case.letter.id, record.topic, partition, offset)


async def _keep_newest(
    context: ReplayContext, case: _Case, ends: Mapping[int, int], offset: int
) -> int:
    """Undo what the replay may have done to a version that came in just before it.

    Between the look at the newest version and the append somebody may have written a newer
    one, and the replayed one now stands behind it. Then the newer one is appended again,
    until nothing came in between. Returns the offset of the document's last record.
    """
    since = ends[case.partition]
    while True:
        span = ({case.partition: since}, {case.partition: offset})
        between = await _newest(context, [case], since=span[0], until=span[1])
        newer = between.get((case.partition, case.key))
        if newer is None:
            return offset
        since = offset + 1
        again = NewRecord(newer.topic, newer.key, newer.value, newer.headers, newer.partition)
        ((_, offset),) = await context.log.append([again])


async def _close(context: ReplayContext, case: _Case, kind: ResolutionKind, reason: str) -> None:
    await resolve(
        context.log,
        context.dead_letters,
        case.letter,
        case.record,
        kind,
        by=context.by,
        reason=reason,
    )
