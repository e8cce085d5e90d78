"""Every error answer has one form: `{"error": {"code", "message", …}}`.

Decides which error leads to which status. Whatever is not expected here is a defect: it goes to
the log with its traceback, and the caller learns only that there was one.
"""

import logging
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

import orjson
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import Response
from pydantic import ValidationError
from starlette.exceptions import HTTPException

from streams.errors import HotswapError, InputRefused
from streams.services.serving.failures import ExpiredQuery, NotReady, Unanswered, UnknownQuery

__all__ = ["Problem", "answer_problems", "invalid", "json_response", "problem_of"]

_log = logging.getLogger(__name__)

_RETRY_SECONDS = 1
_LISTED = 20

_TABLE: tuple[tuple[type[HotswapError], HTTPStatus, str], ...] = (
    (UnknownQuery, HTTPStatus.NOT_FOUND, "unknown_query"),
    (ExpiredQuery, HTTPStatus.GONE, "expired_query"),
    (NotReady, HTTPStatus.SERVICE_UNAVAILABLE, "not_ready"),
    (InputRefused, HTTPStatus.UNPROCESSABLE_ENTITY, "refused"),
)


class Problem(Exception):
    """An error answer. `details` stand beside code and message."""

    def __init__(
        self,
        status: HTTPStatus,
        code: str,
        message: str,
        *,
        headers: Mapping[str, str] | None = None,
        **details: object,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.headers = dict(headers or {})
        self.body = {"error": {"code": code, "message": message, **details}}

    def response(self) -> Response:
        """The answer itself."""
        if self.status in (HTTPStatus.SERVICE_UNAVAILABLE, HTTPStatus.TOO_MANY_REQUESTS):
            self.headers.setdefault("Retry-After", str(_RETRY_SECONDS))
        return json_response(self.body, self.status, self.headers)


def json_response(
    content: object, status: int = 200, headers: Mapping[str, str] | None = None
) -> Response:
    """`content` as JSON."""
    return Response(
        orjson.dumps(content), status, dict(headers or {}), media_type="application/json"
    )


def problem_of(error: HotswapError) -> Problem:
    """How a caller learns of an error that Hotswap raised on purpose."""
    if isinstance(error, Unanswered):
        failures = [failure.model_dump(mode="json") for failure in error.failures]
        if error.refused:
            status, code = HTTPStatus.UNPROCESSABLE_ENTITY, "refused"
        else:
            status, code = HTTPStatus.SERVICE_UNAVAILABLE, "no_lane_answered"
        return Problem(status, code, str(error), lanes=failures)
    for kind, status, code in _TABLE:
        if isinstance(error, kind):
            return Problem(status, code, str(error))
    # Its text may name hosts and settings, which are no business of a caller.
    _log.warning("a request failed: %s", error)
    message = "a system behind this one can not be reached; try again"
    return Problem(HTTPStatus.SERVICE_UNAVAILABLE, "unavailable", message)


def invalid(error: ValidationError | RequestValidationError) -> Problem:
    """A request that is not JSON (400), or not of the right shape (422)."""
    found = [dict(each) for each in error.errors()]
    if found and found[0]["type"] == "json_invalid":
        return Problem(HTTPStatus.BAD_REQUEST, "bad_json", str(found[0]["msg"]))
    fields = [
        {
            "field": ".".join(str(step) for step in each["loc"]),
            "problem": str(each["msg"]).removeprefix("Value error, "),
        }
        for each in found[:_LISTED]
    ]
    message = "; ".join(f"{each['field'] or 'request'}: {each['problem']}" for each in fields)
    return Problem(HTTPStatus.UNPROCESSABLE_ENTITY, "invalid", message, fields=fields)


def answer_problems(app: FastAPI) -> None:
    """Have `app` answer all errors in the one form."""

    @app.exception_handler(Problem)
    async def problem(_request: Request, problem: Problem) -> Response:
        return problem.response()

    @app.exception_handler(HotswapError)
    async def expected(_request: Request, error: HotswapError) -> Response:
        return problem_of(error).response()

    @app.exception_handler(RequestValidationError)
    async def shape(_request: Request, error: RequestValidationError) -> Response:
        return invalid(error).response()

    @app.exception_handler(HTTPException)
    async def routing(_request: Request, error: HTTPException) -> Response:
        status = HTTPStatus(error.status_code)
        headers: dict[str, Any] = dict(error.headers or {})
        return Problem(status, status.name.lower(), status.phrase, headers=headers).response()

    @app.exception_handler(Exception)
    async def defect(_request: Request, _error: Exception) -> Response:
        # Starlette raises it again after this, and uvicorn logs it with its traceback.
        status = HTTPStatus.INTERNAL_SERVER_ERROR
        return Problem(status, "internal", "an error on this side; it is in the log").response()
