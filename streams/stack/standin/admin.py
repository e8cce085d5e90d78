"""The endpoints by which tests and the demo turn faults on and read counts."""

from typing import Any

from fastapi import APIRouter
from fastapi.responses import JSONResponse, Response
from pydantic import ValidationError

from streams.stack.standin.control import Control, S, Stats

__all__ = ["admin_routes"]


def admin_routes(control: Control[S]) -> APIRouter:
    """`/admin/faults`: GET, POST (change some), DELETE (reset). `/admin/stats`: GET, DELETE."""
    router = APIRouter(prefix="/admin")

    @router.get("/stats")
    async def stats() -> Stats:
        return control.stats

    @router.delete("/stats")
    async def forget() -> Stats:
        return control.forget()

    @router.get("/faults")
    async def faults() -> Response:
        return JSONResponse(control.switches.model_dump())

    @router.post("/faults")
    async def change(changes: dict[str, Any]) -> Response:
        try:
            return JSONResponse(control.change(changes).model_dump())
        except ValidationError as error:
            return Response(error.json(include_url=False), 422, media_type="application/json")

    @router.delete("/faults")
    async def reset() -> Response:
        return JSONResponse(control.reset().model_dump())

    return router
