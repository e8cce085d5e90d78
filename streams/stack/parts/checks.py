"""A readiness check that several parts share."""

from collections.abc import Mapping

import httpx

__all__ = ["not_ok"]

_SECONDS = 5.0


def not_ok(url: str, headers: Mapping[str, str] | None = None) -> str | None:
    """What is wrong with a GET of a URL on loopback, in words; None if it succeeds."""
    try:
        # No proxy: the environment may name one, for the world outside.
        answer = httpx.get(url, headers=headers, timeout=_SECONDS, trust_env=False)
    except httpx.HTTPError as error:
        return f"{url}: {error}"
    return None if answer.is_success else f"{url}: HTTP {answer.status_code}"
