"""A record of a change topic, sorted by what it means.

Reads Debezium's envelope (ops c r u d t m) and tells apart the records that connectors put
beside change events. Knows nothing of sources, text or ids.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

from schemas import Reason
from streams.core.envelope.placeholder import PLACEHOLDER_LENGTHS, is_unavailable
from streams.core.envelope.position import position_of
from streams.core.envelope.reading import INT64, read
from streams.core.envelope.refusal import Refused

__all__ = ["Beside", "Change", "Delete", "Row", "Truncate", "change_of"]

_Reader = Callable[[str], object]

_TRANSACTION = {"status", "id", "ts_ms", "event_count", "data_collections"}
_HEARTBEAT = {"ts_ms", "ts_us", "ts_ns"}


class Row(NamedTuple):
    """The row after a change, and the row before it as the envelope has it."""

    after: dict[str, Any]
    before: Any
    reader: _Reader

    def value(self, column: str) -> object:
        """A column's value; a placeholder is filled from the row before the change.

        Raises: Refused with COLUMN_MISSING or UNAVAILABLE_VALUE.
        """
        try:
            value = self.after[column]
        except KeyError:
            missing = f"the row has no column {column!r}"
            raise Refused(Reason.COLUMN_MISSING, missing) from None
        # Nearly all there is; this is the hottest line of the normaliser.
        if type(value) is str and len(value) not in PLACEHOLDER_LENGTHS:
            return value
        if not is_unavailable(value):
            return value
        # The row before may hold only its key, with null, "" or 0 in the other columns; but
        # no such value is ever stored apart, so it can not be the one left out.
        known = (_image(self.before, self.reader) or {}).get(column)
        if known and not is_unavailable(known):
            return known
        raise Refused(
            Reason.UNAVAILABLE_VALUE,
            f"the change does not carry the unchanged column {column!r}; set REPLICA IDENTITY FULL"
            " or let the connector select it again",
        )


class Change(NamedTuple):
    """A row was created, read or updated. `changed_at`: ms since the epoch, if known."""

    row: Row
    position: str
    changed_at: int | None


@dataclass(frozen=True, slots=True)
class Delete:
    """The row with the record's key is gone; `position` None if unknown, as in a tombstone."""

    position: str | None


@dataclass(frozen=True, slots=True)
class Truncate:
    """All rows of the table that are older than `position` are gone."""

    position: str


@dataclass(frozen=True, slots=True)
class Beside:
    """A record that says nothing of a row."""

    what: str
    heartbeat: bool = False


def change_of(payload: object, reader: _Reader = read) -> Change | Delete | Truncate | Beside:
    """What a record's payload says; `reader` gave the payload and reads rows in strings.

    A `Beside` that is a heartbeat only looks like one: its key must be a heartbeat's, too.

    Raises: Refused with NOT_AN_ENVELOPE, UNKNOWN_OP, POSITION_MISSING, or as `reader` does.
    """
    if payload is None:
        return Delete(None)
    if not isinstance(payload, dict):
        raise Refused(Reason.NOT_AN_ENVELOPE, "the value is not an object")
    if "op" not in payload:
        return _beside(payload)
    op, origin = payload["op"], payload.get("source")
    position = position_of(origin) if isinstance(origin, dict) else ""
    match op:
        case "c" | "r" | "u":
            after = _image(payload.get("after"), reader)
            if after is None:
                raise Refused(Reason.NOT_AN_ENVELOPE, _without_row(op))
            row = Row(after, payload.get("before"), reader)
            return Change(row, position, _changed_at(origin))
        case "d":
            return Delete(position or None)
        case "t" if position:
            return Truncate(position)
        case "t":
            raise Refused(Reason.POSITION_MISSING, "a truncate without a position in its source")
        case "m":
            return Beside("a logical message")
        case _:
            shown = repr(op[:20]) if isinstance(op, str) else "not a string"
            raise Refused(Reason.UNKNOWN_OP, f"op is {shown}; known are c r u d t m")


def _image(value: object, reader: _Reader) -> dict[str, Any] | None:
    """A row, None if there is none; the MongoDB connector writes it as JSON in a string."""
    if isinstance(value, str):
        value = reader(value)
    return value if isinstance(value, dict) else None


def _without_row(op: str) -> str:
    hint = "; MongoDB: set capture.mode=change_streams_update_full" if op == "u" else ""
    return f"op {op} without the row in `after`{hint}"


def _changed_at(origin: object) -> int | None:
    time = origin.get("ts_ms") if isinstance(origin, dict) else None
    return time if isinstance(time, int) and not isinstance(time, bool) and time in INT64 else None


def _beside(payload: dict[str, Any]) -> Beside:
    names = payload.keys()
    if names <= _TRANSACTION and payload.get("status") in ("BEGIN", "END") and "id" in names:
        return Beside("transaction metadata")
    if isinstance(payload.get("source"), dict) and names & {"ddl", "tableChanges"}:
        return Beside("a schema change")
    if names and names <= _HEARTBEAT:
        return Beside("a heartbeat", heartbeat=True)
    raise Refused(
        Reason.NOT_AN_ENVELOPE, "no `op`: this is not Debezium's envelope (unwrapped rows are not)"
    )
