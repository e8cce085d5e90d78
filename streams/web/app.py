"""The HTTP interface of serving: search, feedback, the flag, and health."""

from http import HTTPStatus
from typing import Annotated, Any

from fastapi import FastAPI, Query, Request
from fastapi.responses import Response
from pydantic import BaseModel, SecretStr
from starlette.background import BackgroundTask
from starlette.types import ASGIApp

from schemas import (
    FLAG,
    FeedbackAnswer,
    FeedbackRequest,
    FlagAnswer,
    FlagState,
    SearchRequest,
    SearchResponse,
)
from streams.config import ServeConfig
from streams.core.routing import route
from streams.services.serving.mirror import Mirror
from streams.services.serving.serving import Serving
from streams.web.bodies import read
from streams.web.documentation import body, describe, errors
from streams.web.gate import Gate, Limits
from streams.web.problems import Problem, answer_problems, json_response

__all__ = ["make_app"]

_TargetingKey = Annotated[str | None, Query(min_length=1, max_length=1_000)]
_Cohort = Annotated[str | None, Query(min_length=1, max_length=200)]


def make_app(serving: Serving, config: ServeConfig, token: SecretStr | None) -> ASGIApp:
    """The application over what serves reads, behind its gate.

    Args:
        serving: what answers.
        config: limits.
        token: what callers must bring; None: nothing.
    """
    app = FastAPI(title="Hotswap", redoc_url=None)
    describe(app, with_token=token is not None)
    answer_problems(app)
    _add_reads(app, serving, config)
    _add_health(app, serving)
    return Gate(app, token, Limits(config.requests_per_second, config.concurrency))


def _add_reads(app: FastAPI, serving: Serving, config: ServeConfig) -> None:
    async def mirror(it: Mirror) -> None:
        serving.shadow.offer(it)

    @app.post(
        "/search",
        summary="Search in the lane that the flag picks",
        responses={200: {"model": SearchResponse}, **errors(400, 401, 413, 415, 422, 429, 503)},
        openapi_extra=body(SearchRequest),
    )
    async def search(request: Request) -> Response:
        asked = await read(request, SearchRequest, config.body_bytes)
        _check(asked, config)
        searched = await serving.searcher.search(asked)
        response = _json(searched.response)
        if searched.mirror is not None:
            response.background = BackgroundTask(mirror, searched.mirror)
        return response

    @app.post(
        "/feedback",
        status_code=HTTPStatus.ACCEPTED,
        summary="Say whether a search helped",
        responses={
            202: {"model": FeedbackAnswer},
            **errors(400, 401, 404, 410, 413, 415, 422, 429, 503),
        },
        openapi_extra=body(FeedbackRequest),
    )
    async def feedback(request: Request) -> Response:
        given = await read(request, FeedbackRequest, config.body_bytes)
        return _json(await serving.feedback.record(given), HTTPStatus.ACCEPTED)

    @app.get(
        "/flag",
        summary=f"Evaluate {FLAG}",
        responses={200: {"model": FlagAnswer}, **errors(401, 422, 429, 503)},
    )
    async def flag(targeting_key: _TargetingKey = None, cohort: _Cohort = None) -> Response:
        routing = serving.control.flag()
        picked = route(routing, targeting_key, cohort)
        state = FlagState(
            source=routing.source,
            target=routing.target,
            percent=routing.percent,
            cohorts=tuple(sorted(routing.cohorts)),
            mirrored=routing.mirrored,
        )
        return _json(
            FlagAnswer(
                flag=FLAG,
                value=picked.uses_target,
                variant=picked.lane,
                reason=picked.reason,
                flag_version=routing.version,
                control_age_seconds=round(serving.control.age(), 3),
                state=state,
            )
        )


def _add_health(app: FastAPI, serving: Serving) -> None:
    @app.get("/livez", summary="Whether the process answers at all")
    async def livez() -> Response:
        return json_response({"alive": True})

    @app.get("/readyz", summary="Whether searches can be answered", responses=errors(401))
    async def readyz() -> Response:
        found: dict[str, Any] = serving.readiness()
        return json_response(found, 200 if found["ready"] else HTTPStatus.SERVICE_UNAVAILABLE)


def _check(asked: SearchRequest, config: ServeConfig) -> None:
    """Pass if the request keeps to the configured sizes."""
    if asked.k > config.max_k:
        raise _beyond("k", f"is more than the {config.max_k:,} hits allowed")
    if asked.text is not None and len(asked.text.encode(errors="replace")) > config.text_bytes:
        raise _beyond("text", f"is longer than {config.text_bytes:,} bytes")


def _beyond(field: str, problem: str) -> Problem:
    status = HTTPStatus.UNPROCESSABLE_ENTITY
    fields = [{"field": field, "problem": problem}]
    return Problem(status, "invalid", f"{field}: {problem}", fields=fields)


def _json(answer: BaseModel, status: int = 200) -> Response:
    # The model's own serialiser: one pass in Rust, without a dict in between.
    return Response(answer.model_dump_json(by_alias=True), status, media_type="application/json")
