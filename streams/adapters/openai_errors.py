"""The one table from the OpenAI client's errors to Hotswap's.

Statuses and codes: https://platform.openai.com/docs/guides/error-codes/api-errors
"""

import math
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC
from email.utils import parsedate_to_datetime
from http import HTTPStatus

import openai

from streams.errors import HotswapError, InputRefused, LaneHalted, TransientError

__all__ = ["translated"]

_HALTING_CODES = frozenset(
    {
        "insufficient_quota",
        "billing_hard_limit_reached",
        "billing_not_active",
        "account_deactivated",
        "invalid_api_key",
        "model_not_found",
    }
)
"""Error codes that no waiting cures, under whichever status they come."""

_REFUSING = frozenset(
    {
        HTTPStatus.BAD_REQUEST,
        HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
        HTTPStatus.UNPROCESSABLE_ENTITY,
    }
)

_PASSING = frozenset(
    {
        HTTPStatus.REQUEST_TIMEOUT,
        HTTPStatus.CONFLICT,
        HTTPStatus.TOO_EARLY,
        HTTPStatus.TOO_MANY_REQUESTS,
    }
)


@contextmanager
def translated(where: str) -> Iterator[None]:
    """Raise errors of `streams.errors` for those of the OpenAI client. `where`: the base URL."""
    try:
        yield
    except openai.APIStatusError as error:
        raise _of_status(where, error) from error
    except (openai.APITimeoutError, TimeoutError) as error:
        raise TransientError(f"{where} did not answer in time") from error
    except openai.APIConnectionError as error:
        cause = error.__cause__ or error
        raise TransientError(f"{where} can not be reached: {cause!r}") from error
    except openai.OpenAIError as error:
        raise TransientError(f"{where} gave no usable answer: {error}") from error


def _of_status(where: str, error: openai.APIStatusError) -> HotswapError:
    status = error.status_code
    said = f"{where} answered {status}: {_message(error)}"
    if error.code in _HALTING_CODES or error.type in _HALTING_CODES:
        return LaneHalted(said)
    if status in _REFUSING:
        return InputRefused(said)
    if status in _PASSING or status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return TransientError(said, retry_after=_retry_after(error.response.headers))
    return LaneHalted(said)


def _message(error: openai.APIStatusError) -> str:
    """What the provider itself said, cut to what a person reads."""
    body = error.body
    said = body.get("message") if isinstance(body, dict) else body
    return str(said or error.message)[:500]


def _retry_after(headers: Mapping[str, str]) -> float | None:
    """Seconds to wait, from `retry-after-ms` or `Retry-After` (RFC 9110, section 10.2.3)."""
    for name, unit in (("retry-after-ms", 0.001), ("retry-after", 1.0)):
        try:
            seconds = float(headers[name]) * unit
        except (KeyError, ValueError):
            continue
        if math.isfinite(seconds):
            return max(seconds, 0.0)
    return _until(headers.get("retry-after"), headers.get("date"))


def _until(moment: str | None, now: str | None) -> float | None:
    """Seconds from the answer's own `Date` to an HTTP date: both by the provider's clock."""
    if moment is None or now is None:
        return None
    try:
        then, sent = parsedate_to_datetime(moment), parsedate_to_datetime(now)
    except ValueError:
        return None
    # A date in the zone "-0000" comes without one; HTTP knows only UTC.
    wait = then.replace(tzinfo=then.tzinfo or UTC) - sent.replace(tzinfo=sent.tzinfo or UTC)
    return max(wait.total_seconds(), 0.0)
