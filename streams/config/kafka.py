"""The `[kafka]` section: how to reach Kafka, and Hotswap's own topics."""

from typing import Literal, Self

from pydantic import Field, field_validator, model_validator

from streams.config.addresses import Bootstrap
from streams.config.secrets import SecretRef
from streams.config.section import Section, TopicName

__all__ = ["KafkaConfig", "TopicsConfig"]


class TopicsConfig(Section):
    """Names and sizes of Hotswap's own topics."""

    documents: TopicName = Field(
        default="documents", description="Compacted; the one source of all lanes."
    )
    control: TopicName = Field(
        default="control", description="Commands and evidence, kept for ever."
    )
    observations: TopicName = Field(
        default="observations", description="What workers report about themselves."
    )
    dead_letters: TopicName = Field(
        default="dead-letters", description="What could not be processed, and why."
    )
    documents_partitions: int = Field(
        default=12,
        gt=0,
        description="Partitions of `documents`: the most workers a lane can have. For life.",
    )
    dead_letters_partitions: int = Field(
        default=3, gt=0, description="Partitions of `dead-letters`."
    )
    replication_factor: int = Field(default=1, gt=0, description="Of all of Hotswap's topics.")
    delete_retention_hours: int = Field(
        default=720,
        gt=0,
        description="How long `documents` keeps tombstones. A lane that is behind for longer"
        " misses deletes.",
    )

    @property
    def names(self) -> tuple[str, str, str, str]:
        """All of Hotswap's own topics."""
        return (self.documents, self.control, self.observations, self.dead_letters)


class KafkaConfig(Section):
    """How to reach Kafka."""

    bootstrap: Bootstrap = Field(
        default="127.0.0.1:9092", description="Brokers to start from: `HOST:PORT[,HOST:PORT…]`."
    )
    group_prefix: str = Field(
        default="hotswap",
        pattern=r"^[A-Za-z0-9._-]+$",
        description="What the names of the consumer groups start with.",
    )
    security_protocol: Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"] = Field(
        default="PLAINTEXT", description="As in Kafka's own clients."
    )
    sasl_mechanism: Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"] | None = Field(
        default=None, description="How to log in; only with a SASL protocol."
    )
    sasl_username: str | None = Field(default=None, description="Who logs in.")
    sasl_password: SecretRef | None = Field(default=None, description="That user's password.")
    ssl_cafile: str | None = Field(
        default=None, description="PEM file of the authorities to trust, if not the system's."
    )
    ssl_certfile: str | None = Field(default=None, description="PEM file of a client certificate.")
    ssl_keyfile: str | None = Field(default=None, description="PEM file of that certificate's key.")
    session_timeout_seconds: float = Field(
        default=30.0, ge=6, description="A worker silent for so long loses its partitions."
    )
    topics: TopicsConfig = Field(
        default=TopicsConfig(), description="Names and sizes of Hotswap's own topics."
    )

    @field_validator("topics")
    @classmethod
    def _topics_differ(cls, value: TopicsConfig) -> TopicsConfig:
        if len(set(value.names)) < len(value.names):
            raise ValueError("two of Hotswap's own topics have the same name")
        return value

    @model_validator(mode="after")
    def _security_is_whole(self) -> Self:
        sasl = (self.sasl_mechanism, self.sasl_username, self.sasl_password)
        if self.security_protocol.startswith("SASL") and not all(sasl):
            raise ValueError(
                "security_protocol asks for SASL: give sasl_mechanism, sasl_username, sasl_password"
            )
        if any(sasl) and not self.security_protocol.startswith("SASL"):
            raise ValueError(
                f"sasl_ settings have no effect with security_protocol {self.security_protocol!r};"
                ' write "SASL_SSL" or "SASL_PLAINTEXT"'
            )
        tls = (self.ssl_cafile, self.ssl_certfile, self.ssl_keyfile)
        if any(tls) and not self.security_protocol.endswith("SSL"):
            raise ValueError(
                f"ssl_ settings have no effect with security_protocol {self.security_protocol!r};"
                ' write "SSL" or "SASL_SSL"'
            )
        if (self.ssl_certfile is None) != (self.ssl_keyfile is None):
            raise ValueError("ssl_certfile and ssl_keyfile go together")
        return self
