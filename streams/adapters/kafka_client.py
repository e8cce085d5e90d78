"""Connection settings that every Kafka client of Hotswap shares.

Decides how `[kafka]` reads in aiokafka's words, and why a cluster can not be reached.
Knows no topics.
"""

import asyncio
import contextlib
import ssl
from collections.abc import Coroutine
from typing import Any, NoReturn

from aiokafka.conn import collect_hosts, create_conn
from aiokafka.errors import KafkaConnectionError
from aiokafka.helpers import create_ssl_context

from streams.adapters.kafka_errors import kafka_errors
from streams.config.kafka import KafkaConfig
from streams.errors import ConfigurationError, TransientError

__all__ = ["client_options", "explain_unreachable", "ssl_context", "start_client"]

_PATIENCE_SECONDS = 2.0
"""How long a cancelled start may take to end by itself, and a bare connection to be made."""


def client_options(config: KafkaConfig) -> dict[str, Any]:
    """Keyword arguments for any aiokafka client, and for whatever is built over one.

    Reads the certificate files and the password.

    Raises: ConfigurationError that names the setting whose file or secret is unusable.
    """
    options: dict[str, Any] = {
        "bootstrap_servers": config.bootstrap,
        "client_id": "hotswap",
        "security_protocol": config.security_protocol,
    }
    if config.security_protocol.endswith("SSL"):
        options["ssl_context"] = ssl_context(config)
    if config.sasl_password is not None:
        password = config.sasl_password.read("kafka.sasl_password")
        options["sasl_mechanism"] = config.sasl_mechanism
        options["sasl_plain_username"] = config.sasl_username
        options["sasl_plain_password"] = password.get_secret_value()
    return options


def ssl_context(config: KafkaConfig) -> ssl.SSLContext:
    """Trust and certificate of a connection by TLS.

    Raises: ConfigurationError that names the setting whose file is unusable.
    """
    files = {
        "kafka.ssl_cafile": config.ssl_cafile,
        "kafka.ssl_certfile": config.ssl_certfile,
        "kafka.ssl_keyfile": config.ssl_keyfile,
    }
    for setting, path in files.items():
        if path is not None:
            _must_be_readable(setting, path)
    try:
        context = create_ssl_context(
            cafile=config.ssl_cafile, certfile=config.ssl_certfile, keyfile=config.ssl_keyfile
        )
    except ssl.SSLError as error:
        used = ", ".join(f"{setting} {path}" for setting, path in files.items() if path)
        raise ConfigurationError(
            "kafka.ssl", f"not usable: {used} ({error.reason or error})", "give PEM files"
        ) from error
    assert isinstance(context, ssl.SSLContext)  # noqa: S101 - aiokafka carries no types
    return context


def _must_be_readable(setting: str, path: str) -> None:
    try:
        with open(path, "rb"):  # noqa: PTH123 - a plain look, nothing to build a Path for
            return
    except OSError as error:
        raise ConfigurationError(setting, f"{path} can not be read ({error.strerror})") from error


async def start_client(start: Coroutine[Any, Any, None]) -> None:
    """Run the `start()` of an aiokafka client, which is not cancelled at once with its caller.

    A start that is cancelled while it asks for metadata forgets the connection that it asks
    over, and nobody can close that any more.

    Raises: whatever `start` raises.
    """
    starting = asyncio.create_task(start)
    try:
        await asyncio.shield(starting)
    except asyncio.CancelledError:
        await asyncio.wait({starting}, timeout=_PATIENCE_SECONDS)
        starting.cancel()
        await asyncio.gather(starting, return_exceptions=True)
        raise


async def explain_unreachable(options: dict[str, Any]) -> NoReturn:
    """Connect once to each bootstrap server and raise what stands in the way.

    aiokafka's own bootstrap says only that it failed; a wrong password and a broker that is
    down look the same.

    Raises: ConfigurationError, TransientError.
    """
    settings = {name: value for name, value in options.items() if name != "bootstrap_servers"}
    for host, port, _ in collect_hosts(options["bootstrap_servers"], randomize=False):
        with kafka_errors(f"Kafka at {host}:{port}"):
            try:
                connection = await create_conn(host, port, **settings)
            except KafkaConnectionError as error:
                if not await _takes_connections(host, port):
                    raise
                raise TransientError(
                    f"Kafka at {host}:{port} hangs up on whoever connects; if that lasts,"
                    f" {_greeting(options)}"
                ) from error
            with contextlib.suppress(OSError):
                await connection.close()
    raise TransientError(
        f"Kafka at {options['bootstrap_servers']} takes connections and answers nothing on them;"
        " if that lasts, check kafka.security_protocol"
    )


async def _takes_connections(host: str, port: int) -> bool:
    try:
        async with asyncio.timeout(_PATIENCE_SECONDS):
            _, writer = await asyncio.open_connection(host, port)
    except OSError:
        return False
    writer.close()
    with contextlib.suppress(OSError):
        await writer.wait_closed()
    return True


def _greeting(options: dict[str, Any]) -> str:
    """What to check if a broker did not like how it was spoken to."""
    if options["security_protocol"].endswith("SSL"):
        return "check kafka.security_protocol, and kafka.ssl_certfile if it asks for a certificate"
    return "check kafka.security_protocol"
