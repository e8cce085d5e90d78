"""Errors in OpenAI's own shape: HTTP status, headers and `{"error": {...}}`.

Texts and codes as the provider sends them:
https://platform.openai.com/docs/guides/error-codes
"""

import math
from collections.abc import Mapping

__all__ = [
    "Refusal",
    "bad_request",
    "broken",
    "no_quota",
    "rate_limited",
    "unauthorised",
    "unknown_model",
]


class Refusal(Exception):
    """An answer that is an error: its status, headers and body."""

    def __init__(
        self,
        status: int,
        message: str,
        kind: str,
        *,
        param: str | None = None,
        code: str | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.headers = dict(headers or {})
        self.body = {"error": {"message": message, "type": kind, "param": param, "code": code}}


def unauthorised(key: str | None) -> Refusal:
    """No key, or a wrong one."""
    if not key:
        return Refusal(
            401,
            "You didn't provide an API key. You need to provide your API key in an"
            " Authorization header using Bearer auth (i.e. Authorization: Bearer YOUR_KEY).",
            "invalid_request_error",
        )
    shown = f"{key[:3]}***{key[-4:]}" if len(key) > 12 else "***"  # noqa: PLR2004
    return Refusal(
        401,
        f"Incorrect API key provided: {shown}.",
        "invalid_request_error",
        code="invalid_api_key",
    )


def unknown_model(model: str) -> Refusal:
    """A model that is not served."""
    return Refusal(
        404,
        f"The model `{model}` does not exist or you do not have access to it.",
        "invalid_request_error",
        code="model_not_found",
    )


def bad_request(message: str, param: str | None = None, code: str | None = None) -> Refusal:
    """A call that can not succeed however often it is made."""
    return Refusal(400, message, "invalid_request_error", param=param, code=code)


def rate_limited(what: str, limit: float, wait: float, *, say_when: bool) -> Refusal:
    """Over the budget of `requests` or `tokens`; `wait` in seconds, inf if it is too large."""
    if math.isinf(wait):
        return Refusal(
            429,
            f"Request too large for the limit of {limit:.0f} {what} per min.",
            what,
            code="rate_limit_exceeded",
        )
    headers = {"retry-after": str(math.ceil(wait)), "retry-after-ms": str(math.ceil(wait * 1000))}
    return Refusal(
        429,
        f"Rate limit reached on {what} per min: Limit {limit:.0f}."
        f" Please try again in {wait:.3f}s.",
        what,
        code="rate_limit_exceeded",
        headers=headers if say_when else {},
    )


def no_quota() -> Refusal:
    """The account is empty; waiting does not help."""
    return Refusal(
        429,
        "You exceeded your current quota, please check your plan and billing details.",
        "insufficient_quota",
        code="insufficient_quota",
    )


def broken(status: int) -> Refusal:
    """The server's own failure."""
    return Refusal(
        status,
        "The server had an error while processing your request. Sorry about that!",
        "server_error",
    )
