"""`python -m streams.web.health`: whether `hotswap serve` beside it is ready, for a container.

Asks /readyz at the address and with the token that the configuration names.
"""

import ipaddress
import sys
from http import HTTPStatus

import httpx

from streams.config import ServeConfig
from streams.config.load import load
from streams.errors import HotswapError

__all__ = ["main", "problem"]

_SECONDS = 5.0


def problem(config: ServeConfig) -> str | None:
    """What is wrong, in words; None if it is ready.

    Raises: ConfigurationError if the token can not be read.
    """
    url = f"http://{_host(config.host)}:{config.port}/readyz"
    headers = {}
    if config.token is not None:
        token = config.token.read("serve.token").get_secret_value()
        headers["Authorization"] = f"Bearer {token}"
    try:
        answer = httpx.get(url, headers=headers, timeout=_SECONDS, trust_env=False)
    except httpx.HTTPError as error:
        return f"{url}: {error}"
    return None if answer.status_code == HTTPStatus.OK else f"{url}: {answer.text}"


def main() -> str | None:
    """What is wrong with the `serve` of the configuration; None if nothing is."""
    try:
        return problem(load().serve)
    except HotswapError as error:
        return str(error)


def _host(host: str) -> str:
    """Where to reach what listens there: what listens everywhere is on loopback, too."""
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return host
    if isinstance(address, ipaddress.IPv6Address):
        return "[::1]" if address.is_unspecified else f"[{address}]"
    return "127.0.0.1" if address.is_unspecified else host


if __name__ == "__main__":
    sys.exit(main())
