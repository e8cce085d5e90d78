"""The one table from an Ollama host's errors to Hotswap's.

Ollama answers 400 for nearly everything that goes wrong while embedding, its own crashed
model runner included, so the message decides (server/routes.go, EmbedHandler).
"""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from http import HTTPStatus

import httpx
import ollama

from streams.errors import (
    HotswapError,
    InputRefused,
    LaneHalted,
    MalformedVector,
    TransientError,
)

__all__ = ["translated"]

_RUNNER_TROUBLE = re.compile(
    r"\bEOF\b|connection|runner|do embedding request|server status|broken pipe|canceled"
    r"|loading model|time[d ]*out|out of memory",
    re.IGNORECASE,
)
"""What a 400 says when the model runner, not the input, is at fault."""

_NOT_A_NUMBER = re.compile(r"\bNaN\b|unsupported value", re.IGNORECASE)
"""What Ollama says when the model's own output was no number; JSON could not carry it."""

_REFUSING = frozenset(
    {
        HTTPStatus.BAD_REQUEST,
        HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
        HTTPStatus.UNPROCESSABLE_ENTITY,
    }
)


@contextmanager
def translated(host: str, model: str) -> Iterator[None]:
    """Raise errors of `streams.errors` for those of the Ollama client and its transport."""
    try:
        yield
    except ollama.ResponseError as error:
        raise _of_status(host, model, error) from error
    except httpx.HTTPStatusError as error:
        answer = ollama.ResponseError(error.response.text, error.response.status_code)
        raise _of_status(host, model, answer) from error
    except (httpx.TimeoutException, TimeoutError) as error:
        raise TransientError(f"{host} did not answer in time") from error
    except (httpx.TransportError, ConnectionError) as error:
        raise TransientError(f"{host} can not be reached: {type(error).__name__}") from error
    except (ValueError, TypeError, AttributeError, KeyError) as error:
        # The client and its models raise these on an answer that is not Ollama's JSON.
        raise TransientError(f"{host} gave no usable answer: {str(error)[:200]}") from error


def _of_status(host: str, model: str, error: ollama.ResponseError) -> HotswapError:
    message = str(error.error)[:500]
    said = f"{host} answered {error.status_code}: {message}"
    if _NOT_A_NUMBER.search(message):
        return MalformedVector(said)
    if error.status_code == HTTPStatus.NOT_FOUND:
        return LaneHalted(f"{said}\n  remedy: run `ollama pull {model}` on that host")
    if error.status_code in {HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN}:
        return LaneHalted(said)
    if error.status_code in _REFUSING and not _RUNNER_TROUBLE.search(message):
        return InputRefused(said)
    return TransientError(said)
