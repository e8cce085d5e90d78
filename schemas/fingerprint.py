"""A fingerprint: everything that decides which vector a text gets."""

import hashlib
from typing import Literal

import orjson
from pydantic import Field

from schemas.record import Record

__all__ = ["Fingerprint"]


class Fingerprint(Record):
    """Two lanes whose fingerprints differ produce vectors that must never be mixed."""

    provider: Literal["openai", "ollama", "memory"]
    model: str
    digest: str | None = Field(default=None, description="Of the model's files, where known.")
    server_version: str | None = None
    dimensions: int = Field(gt=0)
    document_template: str = "{text}"
    query_template: str = "{text}"
    context_tokens: int | None = Field(
        default=None, description="The context window asked of the server (Ollama's num_ctx)."
    )
    truncation: Literal["never"] = "never"
    normalisation: Literal["l2"] = "l2"

    @property
    def short(self) -> str:
        """Eight hex characters that name this fingerprint in a collection's name."""
        canonical = orjson.dumps(self.model_dump(mode="json"), option=orjson.OPT_SORT_KEYS)
        return hashlib.blake2b(canonical, digest_size=4).hexdigest()

    def differences(self, other: "Fingerprint") -> dict[str, tuple[object, object]]:
        """The fields that differ: name → (this one's value, the other's)."""
        mine, theirs = self.model_dump(), other.model_dump()
        return {name: (mine[name], theirs[name]) for name in mine if mine[name] != theirs[name]}
