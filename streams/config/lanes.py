"""A lane's section: its embedder and its limits."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator

from streams.config.secrets import SecretRef

__all__ = ["LaneConfig", "LaneLimits", "OllamaConfig", "OpenAIConfig"]


class LaneLimits(BaseModel):
    """What every lane has, whatever its provider."""

    model_config = ConfigDict(frozen=True, extra="forbid")

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

    provider: Literal["openai"]
    base_url: str = "https://api.openai.com/v1"
    model: str
    dimensions: int = Field(gt=0)
    send_dimensions: bool = Field(
        default=False, description="Ask for `dimensions`; only some models take it."
    )
    api_key: SecretRef
    requests_per_minute: int | None = Field(default=None, gt=0)
    tokens_per_minute: int | None = Field(default=None, gt=0)
    call_tokens: int = Field(default=250_000, gt=0, description="Most tokens in one call.")
    call_inputs: int = Field(default=256, gt=0, le=2048)
    concurrency: int = Field(default=4, gt=0)
    timeout_seconds: float = Field(default=30.0, gt=0)


class OllamaConfig(LaneLimits):
    """A lane over one or more Ollama hosts that hold the same model."""

    provider: Literal["ollama"]
    hosts: tuple[str, ...] = Field(min_length=1)
    model: str
    context_tokens: int | None = Field(default=None, gt=0, description="Ollama's num_ctx.")
    keep_alive: str = "30m"
    text_budget_bytes: int = Field(default=1_200, gt=0)


LaneConfig = Annotated[OpenAIConfig | OllamaConfig, Field(discriminator="provider")]
