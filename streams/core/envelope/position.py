"""Positions: where a change stands in its source, as a string that sorts bytewise.

Only truncates are decided by position; everywhere else the order is that of Kafka's offsets.
A MySQL position ends in `@<server>`, since another server's log has positions of its own;
snapshots do not say which server they read.
"""

from typing import Any

import orjson

__all__ = ["is_older", "may_be_older", "position_of"]

_UNKNOWN = ""
_BEFORE_ANY_CHANGE = "00000000:00000000:0000"
_DIGITS = 20  # of the largest unsigned 64-bit integer
_TOO_LARGE = 10**_DIGITS


def position_of(origin: dict[str, Any]) -> str:
    """The position in an envelope's `source` block; empty if it holds none.

    Fields after Debezium's SourceInfo structs: Postgres `lsn` (incremental snapshots have
    only `sequence`), MySQL and MariaDB `file`, `pos` and `row`, SQL Server and Db2
    `commit_lsn`, `change_lsn` and `event_serial_no`, MongoDB `ts_ms` in seconds and `ord`;
    any other connector: `ts_ms`.
    """
    match origin.get("connector"):
        case "postgresql":
            return _postgres(origin)
        case "mysql" | "mariadb":
            return _binlog(origin)
        case "sqlserver" | "db2":
            return _change_table(origin)
        case "mongodb":
            seconds, order = _natural(origin.get("ts_ms")), _natural(origin.get("ord"))
            return _UNKNOWN if seconds is None else f"{seconds // 1000:020d}:{order or 0:010d}"
        case _:
            time = _natural(origin.get("ts_ms"))
            return _UNKNOWN if time is None else f"ts:{time:020d}"


def is_older(position: str | None, watermark: str) -> bool:
    """Whether a change is known to stand before `watermark`, a truncate's position.

    For changes that arrive after the truncate: one whose position is unknown, or of another
    server, is kept, since dropping a live row is worse than keeping a dead one.
    """
    return _compare(position, watermark) is True


def may_be_older(position: str | None, watermark: str) -> bool:
    """Whether a change can stand before `watermark`, as far as positions tell.

    For documents that were there when the truncate arrived: in doubt they go, since they
    were written first.
    """
    return _compare(position, watermark) is not False


def _compare(position: str | None, watermark: str) -> bool | None:
    if not position or not watermark:
        return None
    place, _, server = position.partition("@")
    other_place, _, other_server = watermark.partition("@")
    if server and other_server and server != other_server:
        return None
    return place < other_place  # by code point, which is the order of the UTF-8 bytes


def _postgres(origin: dict[str, Any]) -> str:
    lsn = _lsn(origin.get("lsn"))
    if lsn is None and isinstance(sequence := origin.get("sequence"), str):
        # ["<last commit>", "<this change>"]; the only one that incremental snapshots have
        try:
            places = orjson.loads(sequence)
        except orjson.JSONDecodeError:
            return _UNKNOWN
        known = [_lsn(place) for place in places] if isinstance(places, list) else []
        lsn = next((place for place in reversed(known) if place is not None), None)
    return _UNKNOWN if lsn is None else f"{lsn:020d}"


def _binlog(origin: dict[str, Any]) -> str:
    file, offset = origin.get("file"), _natural(origin.get("pos"))
    if not isinstance(file, str) or offset is None:
        return _UNKNOWN
    base, _, number = file.rpartition(".")
    if not (number.isascii() and number.isdigit()):
        return _UNKNOWN
    server, row = _natural(origin.get("server_id")), _natural(origin.get("row"))
    # `mysql-bin.999999` is followed by `mysql-bin.1000000`.
    place = f"{base}.{number:0>10}:{offset:020d}:{row or 0:010d}"
    return f"{place}@{server}" if server else place


def _change_table(origin: dict[str, Any]) -> str:
    commit, change = origin.get("commit_lsn"), origin.get("change_lsn")
    if not isinstance(commit, str) or not commit:
        return _UNKNOWN
    # Three hexadecimal numbers of fixed width; snapshots have no change and no serial number.
    within = change if isinstance(change, str) else _BEFORE_ANY_CHANGE
    return f"{commit}:{within}:{_natural(origin.get('event_serial_no')) or 0:010d}"


def _lsn(value: object) -> int | None:
    """A log sequence number; Debezium prints the unsigned 64 bits as a signed integer."""
    if isinstance(value, int) and not isinstance(value, bool) and value < 0:
        value += 2**64
    return _natural(value)


def _natural(value: object) -> int | None:
    """A natural number, also one written as a string; None if it is none or has > 20 digits."""
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) <= _DIGITS:
        return int(value)
    if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < _TOO_LARGE:
        return value
    return None
