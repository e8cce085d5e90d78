"""The shapes of Ollama's requests and refusals.

Protocol: https://docs.ollama.com/api, and Ollama 0.17.4 itself where that is silent.
"""

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    StrictBool,
    StrictInt,
    StrictStr,
    ValidationError,
)

from streams.stack.ollama_standin.model import CONTEXT

__all__ = ["EmbedRequest", "Refusal", "parse", "queue_full"]

_LEAST_CONTEXT = 4


class Refusal(Exception):
    """An answer that is an error: `{"error": message}`."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.message = message


class _Options(BaseModel):
    """Of all runtime options, the one that matters to an embedding."""

    model_config = ConfigDict(extra="ignore")

    num_ctx: StrictInt | None = None


class EmbedRequest(BaseModel):
    """The body of `POST /api/embed`."""

    model_config = ConfigDict(extra="ignore")

    model: StrictStr = ""
    input: StrictStr | list[StrictStr] = Field(default_factory=list)
    truncate: StrictBool | None = None
    dimensions: StrictInt = 0
    options: _Options | None = None

    @property
    def texts(self) -> list[str]:
        """The inputs as a list. A lone empty text is none; within a list it is a text."""
        if isinstance(self.input, str):
            return [self.input] if self.input else []
        return self.input

    @property
    def context(self) -> int:
        """Most tokens of one text, with the two around it."""
        wanted = (self.options and self.options.num_ctx) or CONTEXT
        return min(max(wanted, _LEAST_CONTEXT), CONTEXT)


def parse(body: bytes) -> EmbedRequest:
    """Read a request.

    Raises: Refusal.
    """
    if not body:
        raise Refusal(400, "missing request body")
    try:
        return EmbedRequest.model_validate_json(body)
    except ValidationError as error:
        problem = error.errors()[0]
        field = str(problem["loc"][0]) if problem["loc"] else "body"
        message = "invalid input type" if field == "input" else f"{field}: {problem['msg']}"
        raise Refusal(400, message) from error


def queue_full() -> Refusal:
    """What Ollama says when too many calls wait."""
    return Refusal(503, "server busy, please try again.  maximum pending requests exceeded")
