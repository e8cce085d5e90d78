"""Where to listen, and whether that is allowed without a token."""

import errno
import ipaddress
import socket

from pydantic import SecretStr

from streams.config import ServeConfig
from streams.errors import ConfigurationError

__all__ = ["listen", "token_for", "url_of"]

_BACKLOG = 2_048
_SHORTEST_TOKEN = 16


def listen(config: ServeConfig) -> socket.socket:
    """A socket that listens at `serve.host` and `serve.port`; close it when done.

    Raises: ConfigurationError if there is no such address here, or the port is taken.
    """
    family, address = _resolved(config)
    # With the protocol named: asyncio turns Nagle's algorithm off only on sockets that say they
    # are TCP, and with it on, each answer to a kept connection takes 40 ms longer.
    listening = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        # A port that was ours a moment ago is free; one where somebody listens is not.
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind(address)
        listening.listen(_BACKLOG)
    except OSError as error:
        listening.close()
        raise _refused(config, error) from error
    return listening


def token_for(config: ServeConfig, listening: socket.socket) -> SecretStr | None:
    """The token that callers must bring to this socket; None: none is needed.

    Raises: ConfigurationError if there must be one and is not, or if it is too weak.
    """
    if config.token is None:
        host = listening.getsockname()[0]
        if ipaddress.ip_address(host.partition("%")[0]).is_loopback:
            return None
        raise ConfigurationError(
            "serve.token",
            f"is not set, and serve.host {config.host} can be reached from other machines",
            'set serve.token = { env = "NAME" }, or serve.host = "127.0.0.1"',
        )
    token = config.token.read("serve.token")
    value = token.get_secret_value()
    if len(value) < _SHORTEST_TOKEN or not all("!" <= character <= "~" for character in value):
        raise ConfigurationError(
            "serve.token",
            f"is shorter than {_SHORTEST_TOKEN} characters, or not of plain ASCII ones",
            "make one with: openssl rand -hex 32",
        )
    return token


def url_of(listening: socket.socket) -> str:
    """The socket's own address, as a URL."""
    host, port = listening.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def _resolved(config: ServeConfig) -> tuple[socket.AddressFamily, tuple[str, int]]:
    try:
        found = socket.getaddrinfo(
            config.host, config.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )
    except (socket.gaierror, UnicodeError) as error:
        raise ConfigurationError(
            "serve.host", f"{config.host!r} is no address or name known here", "write 127.0.0.1"
        ) from error
    family, _, _, _, address = found[0]
    return family, (str(address[0]), int(address[1]))


def _refused(config: ServeConfig, error: OSError) -> ConfigurationError:
    if error.errno == errno.EADDRINUSE:
        return ConfigurationError(
            "serve.port",
            f"something listens on port {config.port} of {config.host} already",
            "set another serve.port, or give --port; 0 takes a free one",
        )
    if error.errno == errno.EACCES:
        return ConfigurationError(
            "serve.port", f"port {config.port} is not allowed for this user", "use one above 1023"
        )
    return ConfigurationError(
        "serve.host", f"can not listen on {config.host} ({error.strerror})", "write 127.0.0.1"
    )
