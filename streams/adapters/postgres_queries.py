"""Questions about a table's rows, with every name composed by psycopg.

Parameters are Postgres' own `$1`: a name may hold `%s`, and psycopg would count it as one.
"""

from collections.abc import Iterable, Sequence

from psycopg import sql

from streams.adapters.postgres_catalog import Relation

__all__ = ["select_by_key", "select_rows"]


def select_rows(relation: Relation, chosen: Iterable[str]) -> sql.Composed:
    """These columns of all rows of the table itself."""
    return sql.SQL("SELECT {} FROM {}{}").format(
        sql.SQL(", ").join([sql.Identifier("held", name) for name in chosen]),
        sql.SQL("ONLY " if relation.only else ""),
        sql.SQL("{} AS held").format(sql.Identifier(*relation.table.name.split(".", 1))),
    )


def select_by_key(relation: Relation, chosen: Iterable[str], key: Sequence[str]) -> sql.Composed:
    """Those of certain keys; one parameter for each column of the key: the list of its values."""
    wanted = [sql.Identifier("wanted", f"k{place}") for place in range(len(key))]
    # A type's name comes from the server itself, which quotes what must be.
    lists = [
        sql.SQL(f"${place}::" + relation.columns[name].base + "[]")
        for place, name in enumerate(key, start=1)
    ]
    return sql.SQL("{} JOIN unnest({}) AS wanted({}) ON {}").format(
        select_rows(relation, chosen),
        sql.SQL(", ").join(lists),
        sql.SQL(", ").join([sql.Identifier(f"k{place}") for place in range(len(key))]),
        sql.SQL(" AND ").join(
            [
                sql.SQL("{} = {}").format(sql.Identifier("held", name), value)
                for name, value in zip(key, wanted, strict=True)
            ]
        ),
    )
