"""Bringing `documents` in line with a truncate of one source.

A truncate is one event on one partition of a source's topic; the rows it removes stand on
all of them, and other workers go on appending meanwhile. So the fan-out reads `documents`
and answers with what brings the log in line, again and again until nothing is left to do:
deletes for what is older than the truncate, and, where such a delete came to stand after a
newer document of the same row, that document once more.

"Older" is by the source's own position, since partitions are not ordered among each other.
"""

from dataclasses import dataclass

import orjson

from streams.core.envelope import is_older, may_be_older

__all__ = ["TRUNCATE_HEADER", "TruncateRepair"]

TRUNCATE_HEADER = "hotswap-truncate"
"""Header of every record that a truncate made; its value is the truncate's position."""


@dataclass(slots=True)
class _Row:
    """What the log says of one row, apart from what a truncate's own repairs say."""

    last: bytes | None = None
    repaired: bool = False
    """The last record was made by a truncate."""
    gone: bool = False
    """The last record is a document that the truncate removes."""
    known: bool = False
    """Some record tells what the row must be: `survivor`, None for a deleted row."""
    survivor: bytes | None = None


class TruncateRepair:
    """Folds records of `documents` and says what has to be appended to them.

    Args:
        source: the truncated source's name.
        position: the truncate's position in it.
    """

    def __init__(self, source: str, position: str) -> None:
        self._prefix = f"{source}/".encode()
        self._position = position
        self._rows: dict[bytes, _Row] = {}

    def add(
        self, key: bytes | None, value: bytes | None, *, made_by_truncate: bool, was_there: bool
    ) -> None:
        """Take one more record, in the log's order within each key.

        Args:
            key: of the record.
            value: of the record.
            made_by_truncate: whether it carries TRUNCATE_HEADER.
            was_there: whether it stood in the log when the truncate arrived. Where positions
                do not tell, such a document goes, and one that came later stays.
        """
        if key is None or not key.startswith(self._prefix):
            return
        row = self._rows.setdefault(key, _Row())
        row.last, row.repaired, row.gone = value, made_by_truncate, False
        if made_by_truncate:
            if not row.known and value is not None:  # what it repeats was compacted away
                row.known, row.survivor = True, value
            return
        older = may_be_older if was_there else is_older
        row.gone = value is not None and older(_position(value), self._position)
        if not row.gone:
            row.known, row.survivor = True, value

    def repairs(self) -> list[tuple[bytes, bytes | None]]:
        """Keys with the values they must be given, None for a delete. Empty: all is well."""
        return [(key, row.survivor) for key, row in self._rows.items() if _is_wrong(row)]


def _is_wrong(row: _Row) -> bool:
    return row.gone or (row.repaired and row.last != row.survivor)


def _position(value: bytes | None) -> str:
    """A document's position; unknown for a delete and for what is no document."""
    if value is None:
        return ""
    try:
        document = orjson.loads(value)
    except orjson.JSONDecodeError:
        return ""
    position = document.get("position") if isinstance(document, dict) else None
    return position if isinstance(position, str) else ""
