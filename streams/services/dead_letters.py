"""Reading `dead-letters`, and closing letters without putting them back."""

import re
from collections.abc import Callable, Collection
from dataclasses import dataclass

from schemas.dead_letter import Resolution, ResolutionKind
from streams.core.dead_letters import Letter, LetterState, fold_letters, resolution_record
from streams.core.records import LogRecord
from streams.errors import ConfigurationError
from streams.ports import Log

__all__ = ["Discarded", "NotDiscarded", "discard", "find", "read_letters", "resolve"]


@dataclass(frozen=True, slots=True)
class Discarded:
    """The letter is closed; its original stays on the topic until retention takes it."""

    letter_id: str


@dataclass(frozen=True, slots=True)
class NotDiscarded:
    """The letter was closed before."""

    letter_id: str
    why: str


def _any(_letter: Letter) -> bool:
    return True


async def read_letters(
    log: Log, topic: str, *, wanted: Callable[[Letter], bool] = _any
) -> list[Letter]:
    """All letters that the topic still holds and that are wanted, oldest first.

    `wanted` must not depend on the letter's state: it is asked when the letter is met, and
    its resolution comes later.

    Raises: TransientError, ConfigurationError.
    """
    letters: dict[str, Letter] = {}
    async for page in log.read(topic):
        met = fold_letters(page, letters)
        for record in page:
            letter = met.get(f"{record.partition}-{record.offset}")
            if letter is not None and not wanted(letter):
                del letters[letter.id]
    return sorted(letters.values(), key=lambda one: (one.written_at, one.partition, one.offset))


async def find(
    log: Log, topic: str, letter_ids: Collection[str]
) -> dict[str, tuple[Letter, LogRecord]]:
    """Letters with their records, key and value included.

    Raises: ConfigurationError that names the first letter that is not there.
    """
    places = {letter_id: _place(letter_id) for letter_id in letter_ids}
    wanted = set(places.values())
    since: dict[int, int] = {}
    for partition, offset in places.values():
        since[partition] = min(offset, since.get(partition, offset))
    ends = await log.ends(topic)
    records: dict[tuple[int, int], LogRecord] = {}
    letters: dict[str, Letter] = {}
    pages = log.read(topic, since=since, until=ends, partitions=sorted(since.keys() & ends.keys()))
    async for page in pages:
        for record in page:
            fold_letters([record], letters)
            if (place := (record.partition, record.offset)) in wanted:
                records[place] = record
            else:
                letters.pop(f"{record.partition}-{record.offset}", None)
    for letter_id in letter_ids:
        if letter_id not in letters:
            raise _absent(letter_id)
    return {letter_id: (letters[letter_id], records[place]) for letter_id, place in places.items()}


def _place(letter_id: str) -> tuple[int, int]:
    match = re.fullmatch(r"([0-9]{1,9})-([0-9]{1,18})", letter_id)
    if match is None:
        raise _absent(letter_id)
    return int(match[1]), int(match[2])


def _absent(letter_id: str) -> ConfigurationError:
    return ConfigurationError(
        f"letter {letter_id}", "there is none", "see `hotswap dead-letters list`"
    )


async def discard(
    log: Log, topic: str, letter_id: str, *, by: str, reason: str
) -> Discarded | NotDiscarded:
    """Close a letter for good, without putting anything back.

    Raises: ConfigurationError if there is no such letter.
    """
    letter, record = (await find(log, topic, [letter_id]))[letter_id]
    if letter.state is not LetterState.OPEN:
        who = letter.resolution.by if letter.resolution else "somebody"
        return NotDiscarded(letter.id, f"was {letter.state} already, by {who}")
    await resolve(log, topic, letter, record, ResolutionKind.DISCARDED, by=by, reason=reason)
    return Discarded(letter.id)


async def resolve(
    log: Log,
    topic: str,
    letter: Letter,
    record: LogRecord,
    kind: ResolutionKind,
    *,
    by: str,
    reason: str,
) -> None:
    """Append what was done about a letter."""
    answer = Resolution(letter=letter.id, kind=kind, by=by, reason=reason)
    await log.append([resolution_record(topic, letter, record.key, answer)])
