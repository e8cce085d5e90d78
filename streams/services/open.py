"""Settings → adapters: the one place that knows which adapter stands behind which port.

Imports an adapter only when it is opened, since their libraries are slow to load.
"""
# ruff: noqa: PLC0415 (see above)

from importlib.util import find_spec

from schemas import Fingerprint
from streams.config import LaneConfig, OllamaConfig, SecretRef, Settings, SourceConfig
from streams.core.source import Source, Template
from streams.errors import ConfigurationError
from streams.migration.signing import MIN_KEY_BYTES, Keyring, RetiredKey
from streams.ports import (
    Connect,
    Database,
    Embedder,
    ForeignCollection,
    ForeignFields,
    Log,
    VectorStore,
)
from streams.services.connector import POSTGRES
from streams.services.control import ControlLog
from streams.services.follower import Follower
from streams.services.pinned import pinned

__all__ = [
    "keyring_of",
    "lane_config",
    "open_connect",
    "open_control",
    "open_database",
    "open_embedder",
    "open_follower",
    "open_foreign",
    "open_log",
    "open_store",
    "source_of",
]


def open_log(settings: Settings) -> Log:
    """Kafka. Connects on first use; close it when done.

    Raises: ConfigurationError if a certificate or the password can not be read.
    """
    from streams.adapters.kafka_log import KafkaLog

    return KafkaLog(settings.kafka)


def open_control(settings: Settings, log: Log) -> ControlLog:
    """The control log, read on demand.

    Raises: ConfigurationError if a control key can not be read.
    """
    return ControlLog(log, settings.kafka.topics.control, keyring_of(settings))


def open_follower(settings: Settings, log: Log) -> Follower:
    """The control log, followed while its `async with` block runs.

    Raises: ConfigurationError if a control key can not be read.
    """
    return Follower(log, settings.kafka.topics.control, keyring_of(settings))


def keyring_of(settings: Settings) -> Keyring:
    """The control keys of the settings.

    Raises: ConfigurationError if one can not be read, or is too short.
    """
    control = settings.control
    valid = [("control.key", control.key), ("control.previous_key", control.previous_key)]
    return Keyring(
        keys=tuple(_key(name, secret) for name, secret in valid if secret is not None),
        retired=tuple(
            RetiredKey(_key(f"control.retired_keys[{index}].key", one.key), one.before)
            for index, one in enumerate(control.retired_keys)
        ),
        signed_from=control.signed_from,
    )


def _key(setting: str, secret: SecretRef) -> bytes:
    key = secret.read(setting).get_secret_value().encode()
    if len(key) < MIN_KEY_BYTES:
        raise ConfigurationError(
            setting,
            f"has {len(key)} bytes",
            f"use at least {MIN_KEY_BYTES}, such as `openssl rand -hex 32` prints",
        )
    return key


def open_store(settings: Settings) -> VectorStore:
    """Milvus. Close it when done.

    Raises: ConfigurationError if the token can not be read.
    """
    from streams.adapters.milvus_store import MilvusStore

    token = settings.milvus.token
    return MilvusStore(settings.milvus, token.read("milvus.token") if token else None)


def open_foreign(settings: Settings, collection: str, fields: ForeignFields) -> ForeignCollection:
    """A collection in the same Milvus that Hotswap did not make. Close it when done.

    Raises: ConfigurationError if the token can not be read.
    """
    from streams.adapters.foreign_collection import MilvusForeign

    token = settings.milvus.token
    secret = token.read("milvus.token") if token else None
    return MilvusForeign(settings.milvus, secret, collection, fields)


def open_embedder(
    settings: Settings, lane: str, fingerprint: Fingerprint | None = None
) -> Embedder:
    """The embedder of one of the lane's builds. Close it when done.

    Args:
        settings: say where the provider is, with which key, and how fast.
        lane: which one.
        fingerprint: what the build was pinned to, and so what is asked of the provider; None: what
            the settings ask for, which a new build would be pinned to.

    Raises: ConfigurationError if there is no such lane, its key can not be read, or the fingerprint
        is of another provider.
    """
    config = lane_config(settings, lane)
    if fingerprint is not None:
        config = pinned(config, lane, fingerprint)
    if isinstance(config, OllamaConfig):
        from streams.adapters.ollama_embedder import OllamaEmbedder

        return OllamaEmbedder(config)
    from streams.adapters.openai_embedder import OpenAIEmbedder

    return OpenAIEmbedder(config, config.api_key.read(f"lanes.{lane}.api_key"))


def lane_config(settings: Settings, lane: str) -> LaneConfig:
    """The lane's section.

    Raises: ConfigurationError if there is none.
    """
    config = settings.lanes.get(lane)
    if config is None:
        known = ", ".join(sorted(settings.lanes))
        raise ConfigurationError(f"lanes.{lane}", "there is no such lane", f"choose from: {known}")
    return config


def open_connect(settings: Settings) -> Connect:
    """Kafka Connect. Close it when done.

    Raises: ConfigurationError if the password or the authority's file can not be read.
    """
    from streams.adapters.connect import ConnectClient

    return ConnectClient(settings.connect)


def open_database(settings: Settings) -> Database:
    """The database that the connector reads, by the connector's settings. Close it when done.

    Connects on first use, from where Hotswap runs: the connector's host name must be known here.

    Raises: ConfigurationError if it is no Postgres, psycopg is not installed, or an entry of
        [connect.config] or the password is missing or can not be read.
    """
    plugin = settings.connect.config.get("connector.class") or POSTGRES
    if plugin != POSTGRES:
        raise ConfigurationError(
            'connect.config."connector.class"',
            f"the database behind {plugin} can not be read itself",
            f"only that of {POSTGRES} can; go without what asks the database",
        )
    if find_spec("psycopg") is None:
        raise ConfigurationError(
            "the source database",
            "reading it needs a package that is not installed: psycopg",
            "pip install 'hotswap[postgres]'",
        )
    from streams.adapters.postgres_connection import connection_parameters
    from streams.adapters.postgres_database import PostgresDatabase

    secrets = {
        name: ref.read(f'connect.secrets."{name}"')
        for name, ref in settings.connect.secrets.items()
        if name.startswith("database.")
    }
    return PostgresDatabase(*connection_parameters(settings.connect.config, secrets))


def source_of(config: SourceConfig) -> Source:
    """A source as the normaliser needs it."""
    return Source(
        name=config.name,
        key=config.key,
        template=Template.parse(config.text),
        metadata=config.metadata,
    )
