"""The database is opened by the connector's own settings, and what is missing is named."""

import pytest
from pydantic import SecretStr

from streams.adapters.postgres_connection import connection_parameters
from streams.adapters.postgres_database import PostgresDatabase
from streams.config.load import load
from streams.errors import ConfigurationError
from streams.services.open import open_database
from tests.configuration import BASE

LOGIN = '"database.dbname" = "app"\n"database.user" = "reader"\n'
SECRETS = '[connect.secrets]\n"database.password" = { env = "DB_PASSWORD" }\n'


@pytest.fixture
def settings(tmp_path):
    path = tmp_path / "hotswap.toml"

    def make(extra: str = LOGIN):
        path.write_text(BASE + extra)
        return load(path)

    return make


async def test_the_connectors_entries_become_the_connections_parameters(settings, monkeypatch):
    monkeypatch.setenv("DB_PASSWORD", "secret-word")
    more = (
        '"database.port" = "6543"\n"database.sslmode" = "verify-full"\n'
        '"database.sslrootcert" = "ca.pem"\n'
    )
    database = open_database(settings(LOGIN + more + SECRETS))
    assert isinstance(database, PostgresDatabase)
    assert database._parameters == {
        "host": "127.0.0.1",
        "port": "6543",
        "dbname": "app",
        "user": "reader",
        "sslmode": "verify-full",
        "sslrootcert": "ca.pem",
    }
    assert database._password == SecretStr("secret-word")
    await database.close()


async def test_other_secrets_of_the_connector_are_not_read(settings):
    other = '[connect.secrets]\n"schema.registry.password" = { env = "NOT_SET" }\n'
    await open_database(settings(LOGIN + other)).close()


@pytest.mark.parametrize("missing", ["database.dbname", "database.user"])
def test_an_entry_that_is_missing_is_named(settings, missing):
    left = "".join(f"{line}\n" for line in LOGIN.splitlines() if missing not in line)
    with pytest.raises(ConfigurationError, match=missing):
        open_database(settings(left))


def test_a_password_that_is_not_set_is_named(settings, monkeypatch):
    monkeypatch.delenv("DB_PASSWORD", raising=False)
    with pytest.raises(ConfigurationError, match="DB_PASSWORD"):
        open_database(settings(LOGIN + SECRETS))


def test_the_database_of_another_connector_can_not_be_read(settings):
    other = '"connector.class" = "io.debezium.connector.mysql.MySqlConnector"\n'
    with pytest.raises(ConfigurationError, match="can not be read itself"):
        open_database(settings(LOGIN + other))


def test_without_psycopg_the_extra_is_named(settings, monkeypatch):
    monkeypatch.setattr("streams.services.open.find_spec", lambda _name: None)
    with pytest.raises(ConfigurationError, match=r"pip install 'hotswap\[postgres\]'"):
        open_database(settings())


@pytest.mark.parametrize("name", ["database.user", "database.password"])
def test_what_only_connect_can_resolve_is_named(name):
    config = {"database.hostname": "h", "database.dbname": "d", "database.user": "u"}
    with pytest.raises(ConfigurationError, match="only Kafka Connect") as raised:
        connection_parameters({**config, name: "${vault:db:entry}"}, {})
    assert raised.value.setting == f'connect.config."{name}"'
