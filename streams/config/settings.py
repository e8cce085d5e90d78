"""The whole of `hotswap.toml` as one immutable value."""

import re
from string import Formatter
from typing import Self

from pydantic import Field, field_validator, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from streams.config.addresses import HttpUrl, MilvusUri
from streams.config.gate import GateConfig
from streams.config.kafka import KafkaConfig, TopicsConfig
from streams.config.lanes import LaneConfig
from streams.config.migration import ControlConfig, MigrationConfig
from streams.config.secrets import SecretRef
from streams.config.section import Name, Section, TopicName
from streams.config.serve import ServeConfig

__all__ = [
    "ConnectConfig",
    "KafkaConfig",
    "LimitsConfig",
    "MilvusConfig",
    "ServeConfig",
    "Settings",
    "SourceConfig",
    "TopicsConfig",
]


class MilvusConfig(Section):
    """How to reach Milvus."""

    uri: MilvusUri = Field(
        default="http://127.0.0.1:19530", description="Where the Milvus server listens."
    )
    token: SecretRef | None = Field(
        default=None, description="`user:password` or an API key, where Milvus asks for one."
    )
    database: str = Field(default="default", min_length=1, description="The Milvus database.")
    ca_file: str | None = Field(
        default=None, description="PEM file of the authority to trust; needs an https:// URI."
    )
    timeout_seconds: float = Field(default=20.0, gt=0, description="For one call to Milvus.")
    collection_prefix: Name = Field(
        default="documents", description="What the names of the collections start with."
    )

    @model_validator(mode="after")
    def _tls_is_whole(self) -> Self:
        if self.ca_file and not self.uri.startswith("https://"):
            raise ValueError("ca_file has no effect unless uri starts with https://")
        return self


class ConnectConfig(Section):
    """Kafka Connect, and the Debezium connector that `hotswap init` registers there."""

    url: HttpUrl = Field(
        default="http://127.0.0.1:8083", description="Kafka Connect's REST interface."
    )
    username: str | None = Field(default=None, description="For HTTP basic authentication.")
    password: SecretRef | None = Field(default=None, description="That user's password.")
    ca_file: str | None = Field(
        default=None, description="PEM file of the authority to trust for https://."
    )
    connector: str = Field(
        default="hotswap",
        pattern=r"^[A-Za-z0-9._-]{1,200}$",
        description="The connector's name. Its replication slot and publication are named for it.",
    )
    config: dict[str, str] = Field(
        default_factory=dict,
        description='Debezium\'s own settings, such as `database.hostname`; `""` leaves out one'
        " that Hotswap would set. An empty table: the connector is registered elsewhere, and"
        " `hotswap init` leaves it alone.",
    )
    secrets: dict[str, SecretRef] = Field(
        default_factory=dict,
        description="Debezium's secret settings, such as `database.password`.",
    )

    @field_validator("config", mode="before")
    @classmethod
    def _numbers_are_text_to_connect(cls, value: object) -> object:
        if not isinstance(value, dict):
            return value
        return {
            name: str(entry).lower()
            if isinstance(entry, bool)
            else str(entry)
            if isinstance(entry, int | float)
            else entry
            for name, entry in value.items()
        }

    @field_validator("config")
    @classmethod
    def _holds_no_secret(cls, value: dict[str, str]) -> dict[str, str]:
        for name, entry in value.items():
            # `${provider:path:key}` is a reference that Connect itself resolves.
            if re.search(r"password|secret|jaas", name) and not entry.startswith("${"):
                raise ValueError(
                    f"{name!r} is a secret and does not belong in this file;"
                    f' write it under [connect.secrets] as "{name}" = {{ env = "NAME" }}'
                )
        return value

    @model_validator(mode="after")
    def _is_whole(self) -> Self:
        twice = sorted(self.config.keys() & self.secrets.keys())
        if twice:
            raise ValueError(f"{twice[0]!r} stands in both config and secrets")
        if (self.username is None) != (self.password is None):
            raise ValueError("username and password go together")
        return self


class SourceConfig(Section):
    """One table or collection whose change events arrive on one topic."""

    name: Name = Field(description="The first part of its documents' ids. For life.")
    topic: TopicName = Field(
        description="Its Debezium topic, `<topic.prefix>.<schema>.<table>` with Postgres."
    )
    key: tuple[str, ...] = Field(min_length=1, description="Key columns, in the id's order.")
    text: str = Field(description='Template over columns, such as `"{title}\\n\\n{body}"`.')
    metadata: tuple[str, ...] = Field(
        default=(), description="Columns to store beside the vector, for filters and display."
    )

    @property
    def text_columns(self) -> tuple[str, ...]:
        """Columns that the template names, in order of first use."""
        names = [name for _, name, _, _ in Formatter().parse(self.text) if name is not None]
        return tuple(dict.fromkeys(names))

    @field_validator("key")
    @classmethod
    def _key_columns_differ(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        if len(set(value)) < len(value) or "" in value:
            raise ValueError("names a column twice, or none")
        return value

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


class LimitsConfig(Section):
    """Deadlines and sizes that hold for all roles."""

    metadata_bytes: int = Field(
        default=60_000, gt=0, le=65_536, description="Largest metadata of one document, as JSON."
    )
    record_bytes: int = Field(default=900_000, gt=0, description="Largest record to produce.")
    batch_seconds: float = Field(
        default=0.01, gt=0, description="Longest wait for a batch to fill, in seconds."
    )
    stuck_after_seconds: float = Field(
        default=300.0, gt=0, description="A worker with lag and no sign of life ends itself."
    )


class Settings(BaseSettings):
    """Everything that `hotswap.toml` and HOTSWAP__… environment variables say."""

    model_config = SettingsConfigDict(
        frozen=True,
        extra="forbid",
        hide_input_in_errors=True,
        env_prefix="HOTSWAP__",
        env_nested_delimiter="__",
        nested_model_default_partial_update=True,
    )

    kafka: KafkaConfig = Field(default=KafkaConfig(), description="How to reach Kafka.")
    milvus: MilvusConfig = Field(default=MilvusConfig(), description="How to reach Milvus.")
    connect: ConnectConfig = Field(
        default=ConnectConfig(), description="Kafka Connect and the Debezium connector."
    )
    limits: LimitsConfig = Field(default=LimitsConfig(), description="For all roles.")
    control: ControlConfig = Field(
        default=ControlConfig(), description="Signatures on the control log."
    )
    migration: MigrationConfig = Field(
        default=MigrationConfig(), description="From which lane to which, and by what policy."
    )
    gate: GateConfig = Field(
        default=GateConfig(), description="Exit criteria of the dual-write window."
    )
    serve: ServeConfig = Field(default=ServeConfig(), description="Search over HTTP.")
    sources: tuple[SourceConfig, ...] = Field(
        min_length=1, description="Tables whose rows become documents."
    )
    lanes: dict[Name, LaneConfig] = Field(
        min_length=1, description="Embedders, each with the collection it fills."
    )

    @field_validator("sources")
    @classmethod
    def _sources_differ(cls, value: tuple[SourceConfig, ...]) -> tuple[SourceConfig, ...]:
        for what in ("name", "topic"):
            values = [getattr(source, what) for source in value]
            twice = sorted({entry for entry in values if values.count(entry) > 1})
            if twice:
                raise ValueError(f"two sources with the {what} {twice[0]!r}")
        return value

    @model_validator(mode="after")
    def _sources_are_not_our_own_topics(self) -> Self:
        own = set(self.kafka.topics.names)
        for source in self.sources:
            if source.topic in own:
                raise ValueError(f"source {source.name!r} reads Hotswap's own {source.topic!r}")
        return self

    @model_validator(mode="after")
    def _migration_is_between_lanes(self) -> Self:
        named = (self.migration.source, self.migration.target)
        for what, lane in zip(("source", "target"), named, strict=True):
            if lane is not None and lane not in self.lanes:
                raise ValueError(f"migration.{what}: there is no lane {lane!r}")
        if named[0] is not None and named[0] == named[1]:
            raise ValueError("migration.source and migration.target are the same lane")
        return self

    @property
    def migration_lanes(self) -> tuple[str, str] | None:
        """Source and target of the migration; None if the settings do not tell."""
        source, target, lanes = self.migration.source, self.migration.target, list(self.lanes)
        if len(lanes) == 2:  # noqa: PLR2004 - from one to the other
            source = source or next(lane for lane in lanes if lane != target)
            target = target or next(lane for lane in lanes if lane != source)
        return None if source is None or target is None else (source, target)

    @property
    def text_budget_bytes(self) -> int:
        """The smallest budget of all lanes: what the normaliser cuts to."""
        return min(lane.text_budget_bytes for lane in self.lanes.values())

    def group(self, role: str) -> str:
        """The consumer group of a role, such as `hotswap-embed-ollama`."""
        return f"{self.kafka.group_prefix}-{role.replace(':', '-')}"
