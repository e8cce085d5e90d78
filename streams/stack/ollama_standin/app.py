"""The Ollama stand-in's HTTP face: the part of Ollama's API that embedding needs, and ours."""

import asyncio
import json
from typing import Any

import numpy as np
import orjson
from fastapi import FastAPI, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import JSONResponse, PlainTextResponse, Response

from streams.stack.ollama_standin.faults import Faults
from streams.stack.ollama_standin.service import Service
from streams.stack.ollama_standin.wire import Refusal, parse, queue_full
from streams.stack.standin.admin import admin_routes
from streams.stack.standin.drop import drop, hang

__all__ = ["make_app"]

_NONE = Faults()


def make_app(service: Service) -> FastAPI:
    """The application over one service."""
    app = FastAPI(title="Ollama stand-in", docs_url=None, redoc_url=None)
    app.include_router(admin_routes(service.control))
    app.get("/api/version")(service.version)
    app.get("/api/tags")(service.tags)
    app.get("/api/ps")(service.running)

    @app.exception_handler(Refusal)
    async def refused(request: Request, refusal: Refusal) -> Response:
        del request
        return JSONResponse({"error": refusal.message}, refusal.status)

    @app.api_route("/", methods=["GET", "HEAD"])
    async def root() -> Response:
        return PlainTextResponse("Ollama is running")

    @app.post("/api/show")
    async def show(request: Request) -> dict[str, Any]:
        return service.show(await _name(request))

    @app.post("/api/pull")
    async def pull(request: Request) -> dict[str, Any]:
        return service.pull(await _name(request))

    @app.post("/api/embed")
    async def embed(request: Request) -> Response:
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
    hit = control.happens(control.switches.rate) and control.affected()
    faults = control.switches if hit else _NONE
    if faults.hang:
        return await hang(request)
    if faults.eof:
        control.stats.dropped += 1
        return await drop(request, reset=False)
    if faults.queue_full:
        raise queue_full()
    if faults.error_status is not None:
        raise Refusal(faults.error_status, faults.error_message)
    asked = parse(body)
    service.check(asked)
    if not asked.texts:
        return JSONResponse({"model": asked.model, "embeddings": []})
    answer, tokens = await run_in_threadpool(service.embed, asked, faults)
    control.stats.answered(asked.texts, tokens)
    return Response(_encoded(answer), media_type="application/json")


def _encoded(answer: dict[str, Any]) -> bytes:
    if np.isfinite(answer["embeddings"]).all():
        return orjson.dumps(answer, option=orjson.OPT_SERIALIZE_NUMPY)
    # orjson has no word for NaN.
    return json.dumps(answer | {"embeddings": answer["embeddings"].tolist()}).encode()


async def _name(request: Request) -> str:
    try:
        body = await request.json()
        return str(body.get("model") or body.get("name") or "")
    except (ValueError, AttributeError) as error:
        raise Refusal(400, str(error)) from error
