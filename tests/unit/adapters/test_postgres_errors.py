import psycopg
import pytest
from psycopg import errors as postgres

from streams.adapters.postgres_errors import postgres_errors, translate
from streams.errors import ConfigurationError, InputRefused, TransientError


@pytest.mark.parametrize(
    ("error", "meaning"),
    [
        (psycopg.OperationalError("connection refused"), TransientError),
        (psycopg.OperationalError("the connection is lost"), TransientError),
        (psycopg.InterfaceError("the connection is closed"), TransientError),
        (postgres.AdminShutdown("terminating connection"), TransientError),
        (postgres.CannotConnectNow("the database system is starting up"), TransientError),
        (postgres.TooManyConnections("sorry, too many clients already"), TransientError),
        (postgres.QueryCanceled("canceling statement due to statement timeout"), TransientError),
        (postgres.SerializationFailure("could not serialize access"), TransientError),
        (postgres.InsufficientPrivilege("permission denied for table t"), ConfigurationError),
        (postgres.UndefinedTable('relation "t" does not exist'), ConfigurationError),
        (postgres.UndefinedColumn('column "c" does not exist'), ConfigurationError),
        (
            psycopg.OperationalError('password authentication failed for user "u"'),
            ConfigurationError,
        ),
        (psycopg.OperationalError('database "d" does not exist'), ConfigurationError),
        (psycopg.OperationalError("certificate verify failed"), ConfigurationError),
        (psycopg.OperationalError("failed to resolve host 'db'"), ConfigurationError),
        (postgres.InvalidTextRepresentation("invalid input syntax"), InputRefused),
    ],
    ids=lambda value: value.__name__ if isinstance(value, type) else type(value).__name__,
)
def test_every_error_of_psycopg_has_one_meaning(error, meaning):
    assert type(translate(error, "reading it")) is meaning


def test_the_original_error_is_kept_and_the_subject_named():
    with pytest.raises(TransientError, match="table t: lost") as raised, postgres_errors("table t"):
        raise psycopg.OperationalError("lost")
    assert isinstance(raised.value.__cause__, psycopg.OperationalError)


def test_other_errors_pass():
    with pytest.raises(KeyError), postgres_errors("table t"):
        raise KeyError
