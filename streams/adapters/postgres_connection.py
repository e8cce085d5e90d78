"""How to reach the database that a Debezium connector reads: its settings as libpq's.

Every session is read only, prints values in one known form, and lets no row-level security
hide rows without saying so.
"""

from collections.abc import Mapping
from typing import Final

import psycopg
from psycopg.conninfo import make_conninfo
from psycopg.rows import TupleRow
from pydantic import SecretStr

from streams.adapters.postgres_errors import postgres_errors
from streams.errors import ConfigurationError

__all__ = ["connect", "connection_parameters"]

_NAMES: Final = {
    "database.hostname": "host",
    "database.port": "port",
    "database.dbname": "dbname",
    "database.user": "user",
    "database.sslmode": "sslmode",
    "database.sslrootcert": "sslrootcert",
    "database.sslcert": "sslcert",
    "database.sslkey": "sslkey",
}
"""Debezium's names → libpq's."""
_REQUIRED: Final = ("database.hostname", "database.dbname", "database.user")
_PASSWORD: Final = "database.password"  # noqa: S105 - a setting's name
_CONNECT_SECONDS: Final = 10

_SESSION: Final = {
    "default_transaction_read_only": "on",
    "row_security": "off",
    "client_encoding": "UTF8",
    "datestyle": "ISO",
    "timezone": "UTC",
    "extra_float_digits": "1",
    "bytea_output": "hex",
}


def connection_parameters(
    config: Mapping[str, str], secrets: Mapping[str, SecretStr]
) -> tuple[dict[str, str], SecretStr | None]:
    """Parameters for libpq without the password, and the password if there is one.

    Args:
        config: the connector's, [connect.config].
        secrets: of [connect.secrets], read.

    Raises: ConfigurationError that names the entry which is missing, or which only Kafka
        Connect can resolve.
    """
    for name in (*_REQUIRED, *_NAMES, _PASSWORD):
        setting = f'connect.config."{name}"'
        if name in _REQUIRED and not config.get(name):
            raise ConfigurationError(
                setting, "is missing, so the database itself can not be read", "add it"
            )
        if config.get(name, "").startswith("${"):
            raise ConfigurationError(
                setting,
                f"only Kafka Connect can resolve {config[name]!r}",
                f'give "{name}" in [connect.secrets]'
                if name == _PASSWORD
                else "write out its value",
            )
    parameters = {ours: config[name] for name, ours in _NAMES.items() if config.get(name)}
    return parameters, secrets.get(_PASSWORD)


async def connect(
    parameters: Mapping[str, str], password: SecretStr | None, *, statement_seconds: int
) -> psycopg.AsyncConnection[TupleRow]:
    """A new read-only session. Close it when done.

    Args:
        parameters: as `connection_parameters` gives them.
        password: without one, libpq looks into PGPASSWORD and ~/.pgpass.
        statement_seconds: how long one statement may take.

    Raises: ConfigurationError, TransientError.
    """
    session = {**_SESSION, "statement_timeout": f"{statement_seconds}s"}
    conninfo = make_conninfo(
        **parameters,
        password=None if password is None else password.get_secret_value(),
        application_name="hotswap",
        connect_timeout=_CONNECT_SECONDS,
        options=" ".join(f"-c {name}={value}" for name, value in session.items()),
    )
    where = f"{parameters.get('host', '')}:{parameters.get('port', '5432')}"
    with postgres_errors(f"the database at {where}"):
        return await psycopg.AsyncConnection.connect(conninfo, autocommit=True)
