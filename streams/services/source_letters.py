"""Which rows' last change events are dead letters."""

from collections.abc import Collection

from streams.core.dead_letters import Letter, LetterState, fold_letters
from streams.core.source_comparison import reference_of
from streams.ports import Log

__all__ = ["Letters", "read_source_letters"]

Letters = dict[tuple[str, bytes], int]
"""Topic of the change event, what it is about → when its last letter was written, in ms."""

_STAGE = "normalise"


async def read_source_letters(log: Log, dead_letters: str, topics: Collection[str]) -> Letters:
    """The normaliser's letters of these topics that were not put back.

    Discarded ones count: by discarding, an operator accepts the gap.

    Raises: TransientError, ConfigurationError.
    """
    letters: dict[str, Letter] = {}
    about: dict[str, tuple[str, bytes]] = {}
    async for page in log.read(dead_letters):
        fold_letters(page, letters)
        for record in page:
            identifier = f"{record.partition}-{record.offset}"
            letter = letters.get(identifier)
            if letter is None:
                continue
            reference = _reference(letter, record.key, topics)
            if reference is None:
                del letters[identifier]
            else:
                about[identifier] = reference
    found: Letters = {}
    for identifier, letter in letters.items():
        if letter.state is not LetterState.REPLAYED:
            place = about[identifier]
            found[place] = max(letter.written_at, found.get(place, 0))
    return found


def _reference(
    letter: Letter, key: bytes | None, topics: Collection[str]
) -> tuple[str, bytes] | None:
    if letter.letter.stage != _STAGE or letter.letter.topic not in topics:
        return None
    reference = reference_of(letter.letter.document_id, key)
    return None if reference is None else (letter.letter.topic, reference)
