"""Reading a request's body: within its size, in time, and as what it has to be."""

import asyncio
from http import HTTPStatus
from typing import TypeVar

from fastapi import Request
from pydantic import BaseModel, ValidationError
from starlette.requests import ClientDisconnect

from streams.web.problems import Problem, invalid

__all__ = ["read"]

Model = TypeVar("Model", bound=BaseModel)

_SECONDS = 10.0
"""For a whole body: who sends one byte a minute does not hold a place for ever."""
_CLOSE = {"Connection": "close"}
"""What is left of the body is not read, so nothing else can come over this connection."""


async def read(request: Request, model: type[Model], limit: int) -> Model:
    """The body as a `model`.

    Raises: Problem: no JSON, another shape, larger than `limit` bytes, or not whole in time.
    """
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    # A browser sends other types to other sites without asking; JSON it does not.
    if kind != "application/json":
        raise Problem(
            HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
            "unsupported_media_type",
            "send JSON, with Content-Type: application/json",
            headers=_CLOSE,
        )
    body = await _bytes(request, limit)
    try:
        return model.model_validate_json(body)
    except ValidationError as error:
        raise invalid(error) from None


async def _bytes(request: Request, limit: int) -> bytes:
    """All of the body; what it says of its length is believed only if that is too much."""
    declared = request.headers.get("content-length", "")
    if declared.isascii() and declared.isdigit() and int(declared) > limit:
        raise _too_large(limit)
    chunks, size = [], 0
    try:
        async with asyncio.timeout(_SECONDS):
            async for chunk in request.stream():
                size += len(chunk)
                if size > limit:
                    raise _too_large(limit)
                chunks.append(chunk)
    except TimeoutError:
        message = f"the body was not whole after {_SECONDS:.0f} s"
        raise Problem(HTTPStatus.REQUEST_TIMEOUT, "body_timeout", message, headers=_CLOSE) from None
    except ClientDisconnect:
        message = "the connection ended before the body did"
        raise Problem(HTTPStatus.BAD_REQUEST, "cut_off", message, headers=_CLOSE) from None
    return b"".join(chunks)


def _too_large(limit: int) -> Problem:
    message = f"the body is larger than {limit:,} bytes"
    status = HTTPStatus.REQUEST_ENTITY_TOO_LARGE
    return Problem(status, "body_too_large", message, headers=_CLOSE)
