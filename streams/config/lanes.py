"""A lane's section: its embedder and its limits."""

from typing import Annotated, Literal

from pydantic import Field, field_validator

from streams.config.addresses import HttpUrl
from streams.config.secrets import SecretRef
from streams.config.section import Section

__all__ = ["LaneConfig", "LaneLimits", "OllamaConfig", "OpenAIConfig"]


class LaneLimits(Section):
    """What every lane has, whatever its provider."""

    text_budget_bytes: int = Field(
        default=8_000,
        gt=0,
        description="Longest text this lane's model takes, in UTF-8 bytes. The normaliser cuts"
        " to the smallest budget of all lanes, so that every lane sees the same bytes.",
    )
    batch_records: int = Field(
        default=256, gt=0, le=4096, description="Documents taken from Kafka at a time."
    )
    call_inputs: int = Field(default=32, gt=0, le=2048, description="Texts in one embedding call.")
    concurrency: int = Field(default=1, gt=0, description="Embedding calls under way at once.")
    timeout_seconds: float = Field(default=60.0, gt=0, description="For one embedding call.")
    document_template: str = Field(default="{text}", description="What surrounds a document.")
    query_template: str = Field(default="{text}", description="What surrounds a query.")

    @field_validator("document_template", "query_template")
    @classmethod
    def _names_the_text(cls, value: str) -> str:
        if value.count("{text}") != 1:
            raise ValueError("must hold {text} exactly once")
        return value


class OpenAIConfig(LaneLimits):
    """A lane over OpenAI's embeddings API or a compatible one."""

    provider: Literal["openai"] = Field(description="Which kind of embedder this lane has.")
    base_url: HttpUrl = Field(
        default="https://api.openai.com/v1", description="The API, up to and including `/v1`."
    )
    model: str = Field(min_length=1, description="The model's name, as the API knows it.")
    dimensions: int = Field(gt=0, description="Length of the model's vectors.")
    send_dimensions: bool = Field(
        default=False, description="Ask for `dimensions`; only some models take it."
    )
    api_key: SecretRef = Field(description="The API's key.")
    requests_per_minute: int | None = Field(
        default=None, gt=0, description="Most calls a minute, over all workers. None: no limit."
    )
    tokens_per_minute: int | None = Field(
        default=None, gt=0, description="Most tokens a minute, over all workers. None: no limit."
    )
    call_tokens: int = Field(default=250_000, gt=0, description="Most tokens in one call.")
    price_per_million_tokens: float | None = Field(
        default=None,
        ge=0,
        description="What the provider asks for a million tokens, in any currency, for `hotswap"
        " plan`. None: not known.",
    )
    call_inputs: int = Field(default=256, gt=0, le=2048, description="Texts in one embedding call.")
    concurrency: int = Field(default=4, gt=0, description="Embedding calls under way at once.")
    timeout_seconds: float = Field(default=30.0, gt=0, description="For one embedding call.")


class OllamaConfig(LaneLimits):
    """A lane over one or more Ollama hosts that hold the same model."""

    provider: Literal["ollama"] = Field(description="Which kind of embedder this lane has.")
    hosts: tuple[HttpUrl, ...] = Field(
        min_length=1, description="Ollama servers that hold the same model."
    )
    model: str = Field(min_length=1, description="The model's name, as `ollama list` shows it.")
    context_tokens: int | None = Field(
        default=None, gt=0, description="Ollama's num_ctx. None: the model's own."
    )
    keep_alive: str = Field(
        default="30m",
        pattern=r"^-?(\d+(\.\d+)?(ns|us|ms|s|m|h))+$",
        description="How long Ollama keeps the model loaded after a call, such as `90s` or `1h`.",
    )
    query_embedding_ms: float = Field(
        default=250.0,
        ge=0,
        description="While the p95 of embedding queries is above this, the lane makes its calls"
        " smaller. 0: it never does.",
    )
    text_budget_bytes: int = Field(
        default=1_200,
        gt=0,
        description="Longest text this lane's model takes, in UTF-8 bytes. The normaliser cuts"
        " to the smallest budget of all lanes, so that every lane sees the same bytes.",
    )


LaneConfig = Annotated[OpenAIConfig | OllamaConfig, Field(discriminator="provider")]
