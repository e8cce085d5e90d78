"""Addresses of other systems, checked for shape only: nothing here opens a connection."""

from typing import Annotated
from urllib.parse import urlsplit

from pydantic import AfterValidator

__all__ = ["Bootstrap", "HttpUrl", "MilvusUri"]


_LAST_PORT = 65_535


def _url(value: str, schemes: tuple[str, ...]) -> str:
    # The value itself stays out of the messages until it is known to hold no password.
    shape = f"write it as {schemes[0]}://HOST:PORT"
    if value != value.strip() or any(character.isspace() for character in value):
        raise ValueError(f"is no URL: it holds white space; {shape}")
    try:
        parts = urlsplit(value)
        port, host = parts.port, parts.hostname
    except ValueError as error:
        raise ValueError(f"is no URL ({error}); {shape}") from error
    if parts.username is not None or parts.password is not None:
        raise ValueError("holds a user name or password; secrets have settings of their own")
    if parts.scheme not in schemes or not value.startswith(f"{parts.scheme}://"):
        raise ValueError(f"{value!r} must start with {' or '.join(f'{s}://' for s in schemes)}")
    if not host:
        raise ValueError(f"{value!r} names no host; {shape}")
    if port == 0:
        raise ValueError(f"{value!r} names port 0; {shape}")
    if parts.query or parts.fragment:
        raise ValueError(f"{value.partition('?')[0]!r} must end before '?' or '#'")
    return value.rstrip("/")


def _http_url(value: str) -> str:
    return _url(value, ("http", "https"))


def _milvus_uri(value: str) -> str:
    return _url(value, ("http", "https", "tcp"))


def _bootstrap(value: str) -> str:
    servers = [server.strip() for server in value.split(",")]
    for server in servers:
        host, colon, port = server.rpartition(":")
        if "://" in server:
            raise ValueError(f"{server!r} is a URL; Kafka wants HOST:PORT[,HOST:PORT…]")
        if not (
            colon and host and port.isascii() and port.isdigit() and 0 < int(port) <= _LAST_PORT
        ):
            raise ValueError(f"{server!r} is not HOST:PORT; write HOST:PORT[,HOST:PORT…]")
        if any(character.isspace() or character in "@/" for character in host) or (
            ":" in host and not (host.startswith("[") and host.endswith("]"))
        ):
            raise ValueError(f"{server!r} names no host; an IPv6 address goes in [brackets]")
    return ",".join(servers)


HttpUrl = Annotated[str, AfterValidator(_http_url)]
"""`http://` or `https://` with a host, without credentials, query or closing slash."""

MilvusUri = Annotated[str, AfterValidator(_milvus_uri)]
"""Where a Milvus server listens: `http://`, `https://` or `tcp://` with a host."""

Bootstrap = Annotated[str, AfterValidator(_bootstrap)]
"""Kafka brokers as `HOST:PORT[,HOST:PORT…]`."""
