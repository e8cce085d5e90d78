"""The cloud stand-in's HTTP face: OpenAI's two endpoints, and ours for faults and counts.

The order of checks is a provider's: key, quota, budgets, and only then the work.
"""

import asyncio

import orjson
from fastapi import FastAPI, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import Response
from pydantic import ValidationError

from streams.stack.cloud import MODEL, errors
from streams.stack.cloud.errors import Refusal
from streams.stack.cloud.faults import Faults
from streams.stack.cloud.service import EmbeddingRequest, Service
from streams.stack.standin.admin import admin_routes
from streams.stack.standin.drop import drop, hang

__all__ = ["make_app"]

_NONE = Faults()


def make_app(service: Service) -> FastAPI:
    """The application over one service."""
    app = FastAPI(title="Cloud embedding stand-in", docs_url=None, redoc_url=None)
    app.include_router(admin_routes(service.control))

    @app.exception_handler(Refusal)
    async def refused(request: Request, refusal: Refusal) -> Response:
        del request
        response = _json(refusal.body, refusal.status)
        response.headers.update(refusal.headers)
        return response

    @app.get("/v1/models")
    async def models(request: Request) -> Response:
        service.authorise(request.headers.get("authorization"))
        model = {"id": MODEL, "object": "model", "created": 0, "owned_by": "hotswap"}
        return _json({"object": "list", "data": [model]})

    @app.post("/v1/embeddings")
    async def embeddings(request: Request) -> Response:
        with service.control.call():
            try:
                response = await _embed(service, request)
            except Refusal as refusal:
                service.control.stats.answers[refusal.status] += 1
                raise
            service.control.stats.answers[response.status_code] += 1
            return response

    return app


async def _embed(service: Service, request: Request) -> Response:
    control = service.control
    body = await request.body()
    await asyncio.sleep(control.switches.latency_ms / 1000)
    service.authorise(request.headers.get("authorization"))
    faults = control.switches if control.affected() else _NONE
    if faults.hang:
        return await hang(request)
    if control.happens(faults.reset_rate):
        control.stats.dropped += 1
        return await drop(request, reset=True)
    if control.happens(faults.error_rate):
        raise errors.broken(faults.error_status)
    if faults.insufficient_quota:
        raise errors.no_quota()
    asked = _parse(body)
    service.check(asked)
    tokens = await run_in_threadpool(service.count, asked)
    service.charge(sum(tokens))
    answer = await run_in_threadpool(service.answer, asked, tokens, faults)
    control.stats.answered(asked.texts, sum(tokens))
    return _json(answer)


def _parse(body: bytes) -> EmbeddingRequest:
    try:
        return EmbeddingRequest.model_validate_json(body)
    except ValidationError as error:
        problem = error.errors()[0]
        field = str(problem["loc"][0]) if problem["loc"] else None
        raise errors.bad_request(problem["msg"], field) from error


def _json(content: object, status: int = 200) -> Response:
    encoded = orjson.dumps(content, option=orjson.OPT_SERIALIZE_NUMPY)
    return Response(encoded, status_code=status, media_type="application/json")
