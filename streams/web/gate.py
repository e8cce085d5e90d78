"""What a request must pass before anything looks at it: host, token, rate, concurrency.

A layer around the whole application, so that no route can be forgotten. `/livez` is open to
all; `/readyz` needs the token and is not counted, since a full process is still ready.
"""

import hmac
import ipaddress
from dataclasses import dataclass
from http import HTTPStatus

from aiolimiter import AsyncLimiter
from pydantic import SecretStr
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from streams.web.problems import Problem

__all__ = ["Gate", "Limits"]

_OPEN = "/livez"
_UNCOUNTED = "/readyz"


@dataclass(frozen=True, slots=True)
class Limits:
    """Requests per second, and requests under way at once."""

    requests_per_second: float
    concurrency: int


class Gate:
    """Passes requests on to `app`, or answers them itself.

    Args:
        app: what is behind the gate.
        token: what callers must bring; None: nothing, and they must call us by a loopback name.
        limits: for all callers together.
    """

    def __init__(self, app: ASGIApp, token: SecretStr | None, limits: Limits) -> None:
        self._app = app
        self._token = token.get_secret_value().encode() if token else None
        self._limits = limits
        self._limiter = AsyncLimiter(limits.requests_per_second, 1.0)
        self._under_way = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request, in ASGI's terms."""
        if scope["type"] != "http" or scope["path"] == _OPEN:
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        problem = self._stranger(headers)
        if problem is None and scope["path"] == _UNCOUNTED:
            await self._app(scope, receive, send)
            return
        problem = problem or self._too_much()
        if problem is not None:
            await problem.response()(scope, receive, send)
            return
        await self._limiter.acquire()
        self._under_way += 1
        try:
            await self._app(scope, receive, send)
        finally:
            self._under_way -= 1

    def _stranger(self, headers: Headers) -> Problem | None:
        if self._token is None:
            if _is_loopback(headers.get("host", "")):
                return None
            message = "without a token, this address answers to loopback names only"
            return Problem(HTTPStatus.MISDIRECTED_REQUEST, "wrong_host", message)
        given = headers.getlist("authorization")
        scheme, _, token = given[0].partition(" ") if len(given) == 1 else ("", "", "")
        matches = hmac.compare_digest(token.strip().encode("latin-1"), self._token)
        if scheme.lower() == "bearer" and matches:
            return None
        return Problem(
            HTTPStatus.UNAUTHORIZED,
            "unauthorized",
            "send the token as Authorization: Bearer TOKEN",
            headers={"WWW-Authenticate": 'Bearer realm="hotswap"'},
        )

    def _too_much(self) -> Problem | None:
        if not self._limiter.has_capacity():
            message = f"more than {self._limits.requests_per_second:g} requests in a second"
            return Problem(HTTPStatus.TOO_MANY_REQUESTS, "rate_limited", message)
        if self._under_way >= self._limits.concurrency:
            message = f"{self._limits.concurrency} requests are under way already"
            return Problem(HTTPStatus.SERVICE_UNAVAILABLE, "overloaded", message)
        return None


def _is_loopback(host: str) -> bool:
    """Whether a Host header names this machine by a loopback name.

    Without a token, a page in a browser on this machine could read answers by giving its own
    host name our address. That name then stands in this header.
    """
    name, _, port = host.rpartition(":")
    name = name if name and port.isdigit() else host
    if name.lower() == "localhost":
        return True
    try:
        return ipaddress.ip_address(name.removeprefix("[").removesuffix("]")).is_loopback
    except ValueError:
        return False
