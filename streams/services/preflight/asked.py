"""Asking a system so that its failure becomes a fact instead of an end."""

from collections.abc import Awaitable, Callable
from typing import TypeVar

import tenacity

from streams.core.preflight.facts import Unreachable
from streams.errors import ConfigurationError, HotswapError, TransientError

__all__ = ["asked", "persistently", "reason"]

T = TypeVar("T")

_ATTEMPTS = 3
_LONGEST_WAIT_SECONDS = 10.0
_REMEDY = "\n  remedy: "


async def asked(work: Awaitable[T]) -> T | Unreachable:
    """The answer, or why there is none."""
    try:
        return await work
    except HotswapError as error:
        return reason(error)


async def persistently(work: Callable[[], Awaitable[T]], attempts: int = _ATTEMPTS) -> T:
    """Try again what may pass: workers may be using up the same provider's limits.

    Raises: what the last attempt raised.
    """
    async for attempt in tenacity.AsyncRetrying(
        retry=tenacity.retry_if_exception_type(TransientError),
        stop=tenacity.stop_after_attempt(attempts),
        wait=_wait,
        reraise=True,
    ):
        with attempt:
            return await work()
    raise AssertionError  # not reached: the last attempt raises


def reason(error: HotswapError) -> Unreachable:
    """An error as a fact."""
    if isinstance(error, ConfigurationError):
        return Unreachable(f"{error.setting}: {error.problem}", error.remedy)
    text, _, remedy = str(error).partition(_REMEDY)
    return Unreachable(text, remedy)


def _wait(state: tenacity.RetryCallState) -> float:
    error = state.outcome.exception() if state.outcome is not None else None
    asked_for = error.retry_after if isinstance(error, TransientError) else None
    wanted = asked_for if asked_for is not None else 0.25 * 2**state.attempt_number
    return min(wanted, _LONGEST_WAIT_SECONDS)
