"""What the OpenAPI page says beyond what FastAPI reads from the routes.

Bodies are read by `streams.web.bodies`, so FastAPI knows nothing of them: their models are put
in here, and so are the errors' one form and the token.
"""

from http import HTTPStatus
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from pydantic import BaseModel, Field
from pydantic.json_schema import models_json_schema

from schemas import FeedbackRequest, SearchRequest

__all__ = ["body", "describe", "errors"]

_REFERENCE = "#/components/schemas/{model}"
_ABOUT = """\
Semantic search while its vectors move from one embedding model to another. Which lane answers
a search, and why, stands in the answer. Scores of two lanes can not be compared.
"""


class ErrorBody(BaseModel):
    """What is wrong. Some codes bring more: `fields`, or `lanes` with each one's reason."""

    code: str = Field(examples=["invalid"])
    message: str = Field(examples=["k: is more than the 1,000 hits allowed"])


class ErrorAnswer(BaseModel):
    """The one form of all errors."""

    error: ErrorBody


def errors(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """The error answers of a route, for FastAPI's `responses`."""
    return {
        status: {"model": ErrorAnswer, "description": HTTPStatus(status).phrase}
        for status in statuses
    }


def body(model: type[BaseModel]) -> dict[str, Any]:
    """The body of a route, for FastAPI's `openapi_extra`."""
    examples = model.model_json_schema().get("examples", [])
    content = {
        "schema": {"$ref": _REFERENCE.format(model=model.__name__)},
        "examples": {
            f"example {number}": {"value": each} for number, each in enumerate(examples, 1)
        },
    }
    return {"requestBody": {"required": True, "content": {"application/json": content}}}


def describe(app: FastAPI, *, with_token: bool) -> None:
    """Have `app` describe itself in full; made once, when it is first asked for."""

    def openapi() -> dict[str, Any]:
        if app.openapi_schema is None:
            app.openapi_schema = _whole(app, with_token=with_token)
        return app.openapi_schema

    app.openapi = openapi  # type: ignore[method-assign] # FastAPI's own way to extend it


def _whole(app: FastAPI, *, with_token: bool) -> dict[str, Any]:
    described = get_openapi(
        title=app.title, version=app.version, description=_ABOUT, routes=app.routes
    )
    _, models = models_json_schema(
        [(SearchRequest, "validation"), (FeedbackRequest, "validation")],
        ref_template=_REFERENCE,
    )
    components = described.setdefault("components", {})
    components.setdefault("schemas", {}).update(models["$defs"])
    if with_token:
        components["securitySchemes"] = {"token": {"type": "http", "scheme": "bearer"}}
        described["security"] = [{"token": []}]
    return described
