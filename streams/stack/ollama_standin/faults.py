"""What the Ollama stand-in can be told to do wrong."""

from pydantic import Field

from streams.stack.standin.control import Switches

__all__ = ["Faults"]


class Faults(Switches):
    """Faults of embedding calls, and of what the server says it is."""

    rate: float = Field(default=1, ge=0, le=1, description="Share of calls that are affected.")
    error_status: int | None = Field(
        default=None, ge=400, le=599, description="Fail, with `error_message`."
    )
    error_message: str = 'do embedding request: Post "http://127.0.0.1:1/embedding": EOF'
    queue_full: bool = Field(default=False, description="503, as when too many calls wait.")
    eof: bool = Field(default=False, description="Close the connection without an answer.")
    nan: bool = Field(default=False, description="A vector with NaN.")
    zero: bool = Field(default=False, description="A vector of zeros.")
    digest: str | None = Field(default=None, description="Another digest of the model.")
    version: str | None = Field(default=None, description="Another version of the server.")
    gone: bool = Field(default=False, description="The model is not there.")
