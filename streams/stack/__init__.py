"""The embedded stack: real Kafka, Connect, Postgres, Milvus and embedders without Docker."""

from typing import TYPE_CHECKING

from streams.stack.errors import StackError
from streams.stack.status import PARTS, Endpoints, PartEvent, PartStatus, StackStatus

if TYPE_CHECKING:
    from streams.stack.stack import Stack

__all__ = [
    "PARTS",
    "Endpoints",
    "PartEvent",
    "PartStatus",
    "Stack",
    "StackError",
    "StackStatus",
]


def __getattr__(name: str) -> object:
    """Load `Stack` when it is first asked for: our own servers are below it, and stay light."""
    if name == "Stack":
        from streams.stack.stack import Stack  # noqa: PLC0415

        return Stack
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
