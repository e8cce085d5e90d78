"""The whole of `hotswap.toml` as one immutable value."""

import re
from string import Formatter
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, field_validator, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from streams.config.lanes import LaneConfig
from streams.config.secrets import SecretRef

__all__ = [
    "ConnectConfig",
    "KafkaConfig",
    "LimitsConfig",
    "MilvusConfig",
    "Settings",
    "SourceConfig",
    "TopicsConfig",
]


class _Section(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


def _plain_name(value: str) -> str:
    if not re.fullmatch(r"[a-z][a-z0-9_]{0,39}", value):
        raise ValueError("must be lower-case letters, digits and _, and start with a letter")
    return value


Name = Annotated[str, AfterValidator(_plain_name)]
"""A source's or lane's name: part of document ids, topics, groups and collections."""


class TopicsConfig(_Section):
    """Names and sizes of Hotswap's own topics."""

    documents: str = "documents"
    control: str = "control"
    observations: str = "observations"
    dead_letters: str = "dead-letters"
    documents_partitions: int = Field(default=12, gt=0)
    dead_letters_partitions: int = Field(default=3, gt=0)
    replication_factor: int = Field(default=1, gt=0)
    delete_retention_hours: int = Field(
        default=720, gt=0, description="How long `documents` keeps tombstones."
    )


class KafkaConfig(_Section):
    """How to reach Kafka."""

    bootstrap: str = "127.0.0.1:9092"
    group_prefix: str = "hotswap"
    security_protocol: Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"] = "PLAINTEXT"
    sasl_mechanism: Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"] | None = None
    sasl_username: str | None = None
    sasl_password: SecretRef | None = None
    ssl_cafile: str | None = None
    ssl_certfile: str | None = None
    ssl_keyfile: str | None = None
    session_timeout_seconds: float = Field(default=30.0, ge=6)
    topics: TopicsConfig = TopicsConfig()

    @model_validator(mode="after")
    def _sasl_is_whole(self) -> "KafkaConfig":
        if self.security_protocol.startswith("SASL") and not (
            self.sasl_mechanism and self.sasl_username and self.sasl_password
        ):
            raise ValueError(
                "security_protocol asks for SASL: give sasl_mechanism, sasl_username, sasl_password"
            )
        return self


class MilvusConfig(_Section):
    """How to reach Milvus."""

    uri: str = "http://127.0.0.1:19530"
    token: SecretRef | None = None
    database: str = "default"
    ca_file: str | None = None
    timeout_seconds: float = Field(default=20.0, gt=0)
    collection_prefix: Name = "documents"


class ConnectConfig(_Section):
    """The Debezium connector that `hotswap init` registers."""

    url: str = "http://127.0.0.1:8083"
    connector: str = "hotswap"
    config: dict[str, str] = Field(default_factory=dict)
    secrets: dict[str, SecretRef] = Field(default_factory=dict)


class SourceConfig(_Section):
    """One table or collection whose change events arrive on one topic."""

    name: Name
    topic: str
    key: tuple[str, ...] = Field(min_length=1, description="Key columns, in the id's order.")
    text: str = Field(description='Template over columns, such as "{title}\\n\\n{body}".')
    metadata: tuple[str, ...] = ()

    @property
    def text_columns(self) -> tuple[str, ...]:
        """Columns that the template names, in order of first use."""
        names = [name for _, name, _, _ in Formatter().parse(self.text) if name is not None]
        return tuple(dict.fromkeys(names))

    @field_validator("text")
    @classmethod
    def _names_columns(cls, value: str) -> str:
        try:
            fields = [part for part in Formatter().parse(value) if part[1] is not None]
        except ValueError as error:
            raise ValueError(f"is not a template: {error}") from error
        if not fields:
            raise ValueError('names no column; write for example "{title}\\n\\n{body}"')
        for _, name, spec, conversion in fields:
            if not name or spec or conversion or not re.fullmatch(r"\w+", name):
                raise ValueError(f"may hold plain {{column}} only, not {{{name}}} with extras")
        return value


class LimitsConfig(_Section):
    """Deadlines and sizes that hold for all roles."""

    metadata_bytes: int = Field(default=60_000, gt=0, le=65_536)
    record_bytes: int = Field(default=900_000, gt=0, description="Largest record to produce.")
    batch_seconds: float = Field(
        default=0.05, gt=0, description="Longest wait for a batch to fill, in seconds."
    )
    stuck_after_seconds: float = Field(
        default=300.0, gt=0, description="A worker with lag and no sign of life ends itself."
    )


class Settings(BaseSettings):
    """Everything that `hotswap.toml` and HOTSWAP__… environment variables say."""

    model_config = SettingsConfigDict(
        frozen=True,
        extra="forbid",
        env_prefix="HOTSWAP__",
        env_nested_delimiter="__",
        nested_model_default_partial_update=True,
    )

    kafka: KafkaConfig = KafkaConfig()
    milvus: MilvusConfig = MilvusConfig()
    connect: ConnectConfig = ConnectConfig()
    limits: LimitsConfig = LimitsConfig()
    sources: tuple[SourceConfig, ...] = Field(min_length=1)
    lanes: dict[Name, LaneConfig] = Field(min_length=1)

    @model_validator(mode="after")
    def _names_are_unique(self) -> "Settings":
        for what in ("name", "topic"):
            values = [getattr(source, what) for source in self.sources]
            twice = {value for value in values if values.count(value) > 1}
            if twice:
                raise ValueError(f"sources: two sources with the {what} {sorted(twice)[0]!r}")
        return self

    @property
    def text_budget_bytes(self) -> int:
        """The smallest budget of all lanes: what the normaliser cuts to."""
        return min(lane.text_budget_bytes for lane in self.lanes.values())

    def group(self, role: str) -> str:
        """The consumer group of a role, such as `hotswap-embed-ollama`."""
        return f"{self.kafka.group_prefix}-{role.replace(':', '-')}"
