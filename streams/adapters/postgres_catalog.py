"""What Postgres tells of itself: tables, publications, replication slots, settings.

Questions to the system catalogs and their answers as values. Knows no connection.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from streams.adapters.postgres_values import Spelling, spelling_of
from streams.ports import Publication, ReplicaIdentity, ReplicationSlot, Table

__all__ = [
    "COLUMNS",
    "PUBLICATION",
    "SETTINGS",
    "SLOT",
    "TABLE",
    "VERSION",
    "Column",
    "Relation",
    "publication_of",
    "relation_of",
    "slot_of",
]

VERSION: Final = "SELECT split_part(version(), ',', 1)"
SETTINGS: Final = "SELECT name, current_setting(name) FROM pg_settings WHERE name = ANY(%s)"
PUBLICATION: Final = """
SELECT p.pubinsert, p.pubupdate, p.pubdelete, p.pubtruncate,
       ARRAY(SELECT t.schemaname || '.' || t.tablename FROM pg_publication_tables t
             WHERE t.pubname = p.pubname)
FROM pg_publication p WHERE p.pubname = %s
"""
SLOT: Final = """
SELECT active, plugin, wal_status = 'lost', pg_wal_lsn_diff(
    CASE WHEN pg_is_in_recovery() THEN pg_last_wal_replay_lsn() ELSE pg_current_wal_lsn() END,
    confirmed_flush_lsn)::bigint
FROM pg_replication_slots WHERE slot_name = %s
"""
TABLE: Final = """
SELECT c.oid, c.relkind, c.relreplident, c.reltuples::bigint,
       ARRAY(SELECT a.attname::text
             FROM pg_index i CROSS JOIN unnest(i.indkey) WITH ORDINALITY AS k(number, place)
                  JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = k.number
             WHERE i.indrelid = c.oid AND i.indisprimary ORDER BY k.place)
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE n.nspname = %s AND c.relname = %s AND c.relkind IN ('r', 'p')
"""
# A domain stands for the type it is made of, which may be a domain again.
COLUMNS: Final = """
WITH RECURSIVE held(number, name, shown, apart, made, type, modifier) AS (
    SELECT attnum, attname::text, format_type(atttypid, atttypmod), attstorage <> 'p',
           attgenerated <> '', atttypid, atttypmod
    FROM pg_attribute WHERE attrelid = %s AND attnum > 0 AND NOT attisdropped
  UNION ALL
    SELECT number, name, shown, apart, made, typbasetype, typtypmod
    FROM held JOIN pg_type t ON t.oid = type WHERE t.typtype = 'd'
)
SELECT name, shown, apart, made, t.oid, format_type(t.oid, modifier),
       COALESCE(element.typtype, t.typtype)
FROM held JOIN pg_type t ON t.oid = type
     LEFT JOIN pg_type element ON element.oid = t.typelem AND t.typcategory = 'A'
WHERE t.typtype <> 'd' ORDER BY number
"""

_IDENTITIES: Final = {
    "d": ReplicaIdentity.DEFAULT,
    "f": ReplicaIdentity.FULL,
    "i": ReplicaIdentity.INDEX,
    "n": ReplicaIdentity.NOTHING,
}
_OPERATIONS: Final = ("insert", "update", "delete", "truncate")


@dataclass(frozen=True, slots=True)
class Column:
    """A column, and how change events spell it.

    Attributes:
        type: as the database spells it.
        base: the same, or what a domain is made of.
        oid: of `base`.
        spelling: None if change events have none, or several.
        generated: computed by the database, and so no part of change events.
    """

    type: str
    base: str
    oid: int
    spelling: Spelling | None
    generated: bool


@dataclass(frozen=True, slots=True)
class Relation:
    """A table, with what reading its rows takes.

    Attributes:
        only: rows of tables that inherit from it are not its own.
    """

    table: Table
    columns: dict[str, Column]
    only: bool


def relation_of(name: str, about: Sequence[Any], columns: Sequence[Sequence[Any]]) -> Relation:
    """A table from the answers to `TABLE` and `COLUMNS`."""
    _, kind, identity, tuples, key = about
    held = {
        column: Column(
            shown, spelt, oid, None if made else _spelling(spelt, kind_of_type), generated=made
        )
        for column, shown, _, made, oid, spelt, kind_of_type in columns
    }
    table = Table(
        name=name,
        columns={column: one.type for column, one in held.items()},
        primary_key=tuple(key),
        replica_identity=_IDENTITIES[identity],
        toastable=frozenset(column for column, _, apart, *_ in columns if apart),
        estimated_rows=tuples if tuples >= 0 else None,
    )
    return Relation(table, held, only=kind == "r")


def _spelling(spelt: str, kind: str) -> Spelling | None:
    if kind not in (
        "b",
        "e",
        "r",
    ):  # of domains in arrays, and of composite types, nothing is known
        return None
    return spelling_of(spelt, enum=kind == "e")


def publication_of(name: str, answer: Sequence[Any]) -> Publication:
    """A publication from the answer to `PUBLICATION`."""
    *flags, tables = answer
    operations = [what for what, on in zip(_OPERATIONS, flags, strict=True) if on]
    return Publication(name, frozenset(tables), frozenset(operations))


def slot_of(name: str, answer: Sequence[Any]) -> ReplicationSlot:
    """A replication slot from the answer to `SLOT`."""
    active, plugin, lost, behind = answer
    return ReplicationSlot(name, active, plugin or "", max(behind or 0, 0), lost=bool(lost))
