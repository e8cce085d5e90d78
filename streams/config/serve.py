"""The `[serve]` section: where `hotswap serve` listens, and the limits it keeps to."""

from typing import Self

from pydantic import Field, model_validator

from streams.config.secrets import SecretRef
from streams.config.section import Section

__all__ = ["BreakerConfig", "ServeConfig", "ShadowConfig"]


class BreakerConfig(Section):
    """When a lane that fails is left alone, so that not every request waits for it."""

    failures: int = Field(
        default=3,
        gt=0,
        description="Errors in a row after which requests go straight to the other lane. A"
        " deadline that passes is enough by itself.",
    )
    cool_down_seconds: float = Field(
        default=2.0, gt=0, description="Between two looks whether the lane works again."
    )


class ShadowConfig(Section):
    """The mirror: a sample of the queries, asked of the other lane as well."""

    sample: float = Field(
        default=0.1, ge=0, le=1, description="Share of the queries that are mirrored, 0 to 1."
    )
    deadline_seconds: float = Field(
        default=5.0, gt=0, description="For one mirrored query; no answer waits for it."
    )
    concurrency: int = Field(default=1, gt=0, description="Mirrored queries under way at once.")
    queue: int = Field(
        default=100, gt=0, description="Mirrored queries that may wait; more are dropped."
    )
    record_text: bool = Field(
        default=False, description="Write the text of mirrored queries to `observations`."
    )


class ServeConfig(Section):
    """Search over HTTP."""

    host: str = Field(
        default="127.0.0.1",
        min_length=1,
        description="Address to listen on. Any but a loopback address needs `token`.",
    )
    port: int = Field(default=8080, ge=0, le=65_535, description="Port; 0 takes a free one.")
    token: SecretRef | None = Field(
        default=None, description="What callers send as `Authorization: Bearer …`."
    )
    deadline_seconds: float = Field(
        default=2.0, gt=0, description="For one lane; then the other lane is asked."
    )
    total_seconds: float = Field(
        default=4.0, gt=0, description="For a whole search, both lanes together."
    )
    identity_seconds: float = Field(
        default=30.0, gt=0, description="Between two looks whether a lane's model was replaced."
    )
    cached_queries: int = Field(
        default=2_000, ge=0, description="Embedded queries to keep, over all lanes; 0 keeps none."
    )
    feedback_seconds: int = Field(
        default=86_400, gt=0, description="How long after a search its feedback is taken."
    )
    max_k: int = Field(default=1_000, gt=0, le=16_384, description="Most hits to ask for.")
    text_bytes: int = Field(default=8_192, gt=0, description="Longest query, in UTF-8 bytes.")
    body_bytes: int = Field(default=65_536, gt=0, description="Largest request body.")
    requests_per_second: float = Field(
        default=1_000.0, ge=1, description="Most requests a second, by this process; then 429."
    )
    concurrency: int = Field(
        default=64, gt=0, description="Requests under way at once in this process; then 503."
    )
    breaker: BreakerConfig = Field(
        default=BreakerConfig(), description="When a failing lane is left alone."
    )
    shadow: ShadowConfig = Field(default=ShadowConfig(), description="Mirrored queries.")

    @model_validator(mode="after")
    def _deadlines_fit(self) -> Self:
        if self.total_seconds < self.deadline_seconds:
            raise ValueError("total_seconds is below deadline_seconds, which it includes")
        return self
