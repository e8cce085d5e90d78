"""The one table from aiokafka's errors to `streams.errors`.

Decides what an error means for Hotswap; knows neither topics' purposes nor retries.
"""

import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from aiokafka import errors as kafka

from streams.errors import ConfigurationError, HotswapError, InputRefused, TransientError

__all__ = ["kafka_errors", "translate"]

_REMEDIES: Final[tuple[tuple[type[Exception], str], ...]] = (
    (
        ssl.SSLCertVerificationError,
        "give the broker's authority in kafka.ssl_cafile, and a host name its certificate holds",
    ),
    (ssl.SSLError, "check kafka.security_protocol and the kafka.ssl_ settings"),
    (kafka.SaslAuthenticationFailed, "check kafka.sasl_username and kafka.sasl_password"),
    (kafka.AuthenticationFailedError, "check kafka.sasl_username and kafka.sasl_password"),
    (kafka.UnsupportedSaslMechanismError, "check kafka.sasl_mechanism"),
    (kafka.AuthenticationMethodNotSupported, "check kafka.sasl_mechanism"),
    (kafka.IllegalSaslStateError, "check kafka.security_protocol: the broker asks for no login"),
    (kafka.TopicAuthorizationFailedError, "grant this user the topic"),
    (kafka.GroupAuthorizationFailedError, "grant this user the consumer group"),
    (kafka.ClusterAuthorizationFailedError, "grant this user Create and IdempotentWrite"),
    (kafka.UnknownTopicOrPartitionError, "run `hotswap init`"),
    (kafka.InvalidTopicError, "use letters, digits, '.', '_' and '-' in the topic's name"),
    (kafka.InvalidPartitionsError, "ask for at least one partition"),
    (kafka.InvalidReplicationFactorError, "set kafka.topics.replication_factor to what it has"),
    (kafka.InvalidConfigurationError, "ask for topic settings that this broker knows"),
    (kafka.PolicyViolationError, "ask for what the cluster's policy allows"),
    (kafka.IncompatibleBrokerVersion, "use a broker of version 2.1 or later"),
    (kafka.UnrecognizedBrokerVersion, "use a broker of version 2.1 or later"),
    (kafka.UnsupportedVersionError, "use a broker of version 2.1 or later"),
)
"""Errors that stay until an operator acts, each with what to do. The first match counts."""

_REFUSED: Final = (
    kafka.MessageSizeTooLargeError,
    kafka.RecordListTooLargeError,
    kafka.RecordTooLargeError,
    kafka.InvalidTimestampError,
)
"""Errors about the record itself."""


def translate(error: Exception, subject: str) -> HotswapError:
    """What an error of aiokafka means; `subject` says what was being done, and to what.

    Whatever is not in the tables may pass by itself: a broker that is down, a leader that
    moves, a coordinator that loads, an answer that came too late.
    """
    # Some of aiokafka's errors carry the connection instead of words.
    wordless = isinstance(error, kafka.KafkaError) and any(
        not isinstance(argument, str) for argument in error.args
    )
    text = type(error).__name__ if wordless else str(error) or type(error).__name__
    for known, remedy in _REMEDIES:
        if isinstance(error, known):
            return ConfigurationError(subject, text, remedy)
    if isinstance(error, _REFUSED):
        return InputRefused(f"{subject}: {text}")
    return TransientError(f"{subject}: {text}")


@contextmanager
def kafka_errors(subject: str) -> Iterator[None]:
    """Raise this package's errors in place of aiokafka's.

    Raises: ConfigurationError, InputRefused, TransientError.
    """
    try:
        yield
    except (kafka.KafkaError, kafka.ConsumerStoppedError, OSError, EOFError) as error:
        raise translate(error, subject) from error
