"""The one table from psycopg's errors to `streams.errors`.

Decides what an error means for Hotswap; knows neither what was asked nor retries.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import psycopg
from psycopg import errors as postgres

from streams.errors import ConfigurationError, HotswapError, InputRefused, TransientError

__all__ = ["postgres_errors", "translate"]

_REMEDIES: Final[tuple[tuple[type[psycopg.Error], str], ...]] = (
    (
        postgres.InsufficientPrivilege,
        "grant that user USAGE on the schema and SELECT on the table, and BYPASSRLS if need be",
    ),
    (postgres.UndefinedTable, "name the table's topic as the source's"),
    (postgres.InvalidSchemaName, "name the table's topic as the source's"),
    (postgres.UndefinedColumn, "name a column that the table has"),
    (postgres.UndefinedFunction, "use PostgreSQL 12 or later"),
)
"""Errors that stay until an operator acts, each with what to do. The first match counts."""

_REFUSED_LOGINS: Final = (
    ("password authentication failed", 'check "database.user" and "database.password"'),
    ("no password supplied", 'give "database.password" in [connect.secrets]'),
    ("no pg_hba.conf entry", "let this machine in, in the server's pg_hba.conf"),
    ("does not exist", 'check "database.dbname" and "database.user"'),
    ("certificate", 'check "database.sslmode" and "database.sslrootcert"'),
    ("server does not support SSL", 'check "database.sslmode"'),
    ("invalid sslmode", 'check "database.sslmode"'),
    ("could not translate host name", 'check "database.hostname": it must be known here, too'),
    ("failed to resolve host", 'check "database.hostname": it must be known here, too'),
)
"""What a refused connection says, as it has no error code, and what to do."""


def translate(error: psycopg.Error, subject: str) -> HotswapError:
    """What an error of psycopg means; `subject` says what was being asked.

    Whatever is not in the tables may pass by itself: a server that restarts, a statement that
    took too long, too many connections.
    """
    text = str(error).strip() or type(error).__name__
    for known, remedy in _REMEDIES:
        if isinstance(error, known):
            return ConfigurationError(subject, text, remedy)
    if isinstance(error, psycopg.OperationalError) and error.sqlstate is None:
        for words, remedy in _REFUSED_LOGINS:
            if words in text:
                return ConfigurationError("connect.config", text, remedy)
    if isinstance(error, psycopg.DataError):
        return InputRefused(f"{subject}: {text}")
    return TransientError(f"{subject}: {text}")


@contextmanager
def postgres_errors(subject: str) -> Iterator[None]:
    """Raise this package's errors in place of psycopg's.

    Raises: ConfigurationError, InputRefused, TransientError.
    """
    try:
        yield
    except psycopg.Error as error:
        raise translate(error, subject) from error
