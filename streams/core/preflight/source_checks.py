"""Whether a source's table gives change events that documents can be made of."""

from collections.abc import Callable

from schemas.preflight import CheckResult
from streams.core.preflight.facts import DatabaseFacts, SourceFacts, TableFacts
from streams.core.preflight.results import fail, ok, warn

__all__ = ["DATABASE_CHECKS", "SOURCE_CHECKS", "TABLE_CHECKS"]

_OPERATIONS = ("insert", "update", "delete", "truncate")
_BEHIND_BYTES = 1 << 30
_DATABASE = "database"


def _area(facts: SourceFacts) -> str:
    return f"source {facts.name}"


def table_exists(facts: SourceFacts) -> CheckResult:
    """Whether there is such a table."""
    if facts.found is not None:
        rows = facts.found.estimated_rows
        about = "" if rows is None else f", about {rows:,} rows"
        return ok(_area(facts), "table", f"{facts.table}{about}")
    return fail(
        _area(facts),
        "table",
        f"there is no table {facts.table}, or its user may not see it",
        f"correct the topic of source {facts.name}, or GRANT SELECT ON {facts.table}",
    )


def publication(facts: SourceFacts) -> CheckResult:
    """Whether the publication has the table with all operations."""
    name, check = facts.publication, "publication"
    if facts.published is None:
        return fail(
            _area(facts),
            check,
            f"there is no publication {name}",
            f"run `hotswap init`, or CREATE PUBLICATION {name} FOR TABLE {facts.table};",
        )
    if not facts.published:
        return fail(
            _area(facts),
            check,
            f"{name} leaves out {facts.table}: none of its changes would arrive",
            f"ALTER PUBLICATION {name} ADD TABLE {facts.table};",
        )
    missing = [name for name in _OPERATIONS if name not in facts.published]
    if missing:
        return fail(
            _area(facts),
            check,
            f"{name} leaves out {', '.join(missing)}",
            f"ALTER PUBLICATION {name} SET (publish = '{', '.join(_OPERATIONS)}');",
        )
    return ok(_area(facts), check, f"{name} has it, with all operations")


def columns(facts: SourceFacts, table: TableFacts) -> CheckResult:
    """Whether the table has the columns that the source names."""
    named = (*facts.key, *facts.text_columns, *facts.metadata)
    missing = sorted({name for name in named if name not in table.columns})
    if missing:
        return fail(
            _area(facts),
            "columns",
            f"{facts.table} has no column {', '.join(missing)}",
            f"correct key, text and metadata of source {facts.name}",
        )
    return ok(_area(facts), "columns", f"all {len(set(named))} that the source names")


def key(facts: SourceFacts, table: TableFacts) -> CheckResult:
    """Whether events are keyed by the configured key's columns."""
    wanted, there = ", ".join(facts.key), ", ".join(table.primary_key)
    if set(facts.key) == set(table.primary_key):
        return ok(_area(facts), "key", f"the primary key ({there})")
    if facts.key_given:
        return warn(
            _area(facts),
            "key",
            f"({wanted}) by message.key.columns; the primary key is ({there or 'none'})",
            f"make sure that ({wanted}) is unique and never null: two rows of one key are one"
            " document",
        )
    seen = f"the primary key is ({there})" if there else f"{facts.table} has no primary key"
    remedy = (
        f"set the key of source {facts.name} to {list(table.primary_key)}"
        if there
        else f"ALTER TABLE {facts.table} ADD PRIMARY KEY ({wanted});"
    )
    return fail(_area(facts), "key", f"{seen}, the source's key is ({wanted})", remedy)


def replica_identity(facts: SourceFacts, table: TableFacts) -> CheckResult:
    """Whether an event that lacks a long unchanged value can be completed."""
    check = "replica identity"
    full = f"ALTER TABLE {facts.table} REPLICA IDENTITY FULL;"
    if table.replica_identity == "full":
        return ok(_area(facts), check, "full: events carry the whole row before")
    if table.replica_identity == "nothing":
        return fail(_area(facts), check, "nothing: deletes and updates can not be published", full)
    if facts.reselected:
        return ok(_area(facts), check, f"{table.replica_identity}; missing columns are reselected")
    text = sorted(set(facts.text_columns) & table.toastable)
    other = sorted(set(facts.metadata) & table.toastable)
    either = f"{full} or configure Debezium's ReselectColumnsPostProcessor"
    if text:
        return fail(
            _area(facts),
            check,
            f"{table.replica_identity}: an update that leaves a long {', '.join(text)} as it was"
            " comes without it, and becomes a dead letter",
            either,
        )
    if other:
        return warn(
            _area(facts),
            check,
            f"{table.replica_identity}: an update may come without {', '.join(other)}, which is"
            " metadata, and becomes a dead letter",
            either,
        )
    return ok(
        _area(facts), check, f"{table.replica_identity}; no column in use is stored out of line"
    )


def wal_level(facts: DatabaseFacts) -> CheckResult:
    """Whether the database logs what a change stream needs."""
    level = facts.settings.get("wal_level", "not known")
    if level == "logical":
        return ok(_DATABASE, "wal_level", f"logical; {facts.version}")
    return fail(
        _DATABASE,
        "wal_level",
        f"{level}: there is no change stream",
        "ALTER SYSTEM SET wal_level = logical; and restart the database",
    )


def slot(facts: DatabaseFacts) -> CheckResult:
    """Whether the change stream's place in the log is kept, and moves."""
    found, name = facts.slot, facts.slot_name
    if found is None:
        return fail(_DATABASE, "slot", f"there is no replication slot {name}", "run `hotswap init`")
    if found.lost:
        return fail(
            _DATABASE,
            "slot",
            f"{name} is lost: the database dropped changes that were not read yet",
            f"SELECT pg_drop_replication_slot('{name}'); then register the connector anew with a"
            " new snapshot, and `hotswap verify --source`",
        )
    if found.plugin != facts.plugin:
        return fail(
            _DATABASE,
            "slot",
            f"{name} has the plugin {found.plugin}, the connector wants {facts.plugin}",
            'name another slot in [connect.config] as "slot.name"',
        )
    behind = f"{found.behind_bytes / 1e6:,.1f} MB behind"
    if not found.active:
        return warn(
            _DATABASE,
            "slot",
            f"{name} is read by nobody, {behind}; the database keeps its log for it",
            "start the connector; drop a slot that nobody needs any more",
        )
    if found.behind_bytes > _BEHIND_BYTES:
        return warn(
            _DATABASE, "slot", f"{name} is {behind}", "wait until the connector has caught up"
        )
    return ok(_DATABASE, "slot", f"{name} is active, {behind}")


def kept_log(facts: DatabaseFacts) -> CheckResult:
    """Whether the database may throw away what the connector has not read."""
    name = "max_slot_wal_keep_size"
    size = facts.settings.get(name)
    if size is None or size.startswith("-1"):
        return ok(_DATABASE, name, "no limit: a slot is never lost; watch the disk")
    return warn(
        _DATABASE,
        name,
        f"{size}: a connector that is away for longer than that loses changes",
        f"ALTER SYSTEM SET {name} = -1; or keep the connector's absences shorter",
    )


SOURCE_CHECKS: tuple[Callable[[SourceFacts], CheckResult], ...] = (table_exists, publication)
TABLE_CHECKS: tuple[Callable[[SourceFacts, TableFacts], CheckResult], ...] = (
    columns,
    key,
    replica_identity,
)
"""For a source whose table is there."""
DATABASE_CHECKS: tuple[Callable[[DatabaseFacts], CheckResult], ...] = (wal_level, slot, kept_log)
