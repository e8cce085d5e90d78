"""A Faust app set up so that nothing is lost; one app, one group, one process per role."""

from collections.abc import Sequence

import faust
from faust.types.auth import CredentialsT
from faust.types.transports import TransportT

from streams.adapters.kafka_client import ssl_context
from streams.agents.transport import ChunkScheduler, LedgerTransport
from streams.config import KafkaConfig

__all__ = ["LedgerApp", "make_app"]


class LedgerApp(faust.App):
    """A Faust app whose consumer commits by `LedgerConsumer`'s arithmetic."""

    def _new_transport(self) -> TransportT:
        return LedgerTransport(self.conf.broker_consumer, self)

    def _create_directories(self) -> None:
        """Make none: nothing here is kept on disk."""


_FETCH_RECORDS = 1_000
_BUFFERED_CHUNKS = 16


def make_app(kafka: KafkaConfig, group: str) -> LedgerApp:
    """An app for one role, with the consumer group `group`."""
    return LedgerApp(
        group,
        broker=[f"kafka://{address}" for address in kafka.bootstrap.split(",")],
        broker_credentials=_credentials(kafka),
        store="memory://",
        web_enabled=False,
        topic_disable_leader=True,
        topic_allow_declare=False,
        key_serializer="raw",
        value_serializer="raw",
        consumer_auto_offset_reset="earliest",
        # A rebalance must not wait for a lane whose embedder is down; what is in
        # flight then is checked for ownership before it is written.
        stream_wait_empty=False,
        ConsumerScheduler=ChunkScheduler,
        stream_buffer_maxsize=_BUFFERED_CHUNKS,
        broker_max_poll_records=_FETCH_RECORDS,
        # A batch may stall for as long as the other side is away; the progress
        # watchdog ends a worker that is stuck for another reason.
        broker_max_poll_interval=2_000_000,
        broker_session_timeout=kafka.session_timeout_seconds,
        broker_request_timeout=max(90.0, kafka.session_timeout_seconds),
        broker_heartbeat_interval=max(1.0, kafka.session_timeout_seconds / 10),
        broker_rebalance_timeout=max(60.0, kafka.session_timeout_seconds),
        broker_commit_interval=1.0,
        broker_commit_livelock_soft_timeout=10**9,
        stream_processing_timeout=10**9,
    )


def _credentials(kafka: KafkaConfig) -> CredentialsT | None:
    tls = ssl_context(kafka) if kafka.security_protocol.endswith("SSL") else None
    if kafka.security_protocol.startswith("SASL"):
        assert kafka.sasl_password is not None  # noqa: S101 - KafkaConfig has checked it
        return faust.SASLCredentials(
            username=kafka.sasl_username,
            password=kafka.sasl_password.read("kafka.sasl_password").get_secret_value(),
            mechanism=kafka.sasl_mechanism,
            ssl_context=tls,
        )
    return faust.SSLCredentials(tls) if tls else None


def topic_of(app: LedgerApp, topics: Sequence[str]) -> faust.TopicT:
    """The channel over `topics`, keys and values as raw bytes."""
    return app.topic(*topics, key_serializer="raw", value_serializer="raw", value_type=bytes)
