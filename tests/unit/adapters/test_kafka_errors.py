import ssl

import pytest
from aiokafka import errors as kafka

from streams.adapters.kafka_errors import kafka_errors, translate
from streams.errors import ConfigurationError, InputRefused, TransientError


@pytest.mark.parametrize(
    ("error", "meaning"),
    [
        (kafka.KafkaConnectionError("no"), TransientError),
        (kafka.RequestTimedOutError(), TransientError),
        (kafka.NotLeaderForPartitionError(), TransientError),
        (kafka.GroupLoadInProgressError(), TransientError),
        (kafka.GroupCoordinatorNotAvailableError(), TransientError),
        (kafka.NotEnoughReplicasError(), TransientError),
        (kafka.NodeNotReadyError(), TransientError),
        (kafka.OutOfOrderSequenceNumber(), TransientError),
        (kafka.UnknownError(), TransientError),
        (kafka.ConsumerStoppedError(), TransientError),
        (ConnectionResetError(), TransientError),
        (TimeoutError(), TransientError),
        (kafka.SaslAuthenticationFailed("wrong"), ConfigurationError),
        (kafka.UnsupportedSaslMechanismError(), ConfigurationError),
        (kafka.TopicAuthorizationFailedError("documents"), ConfigurationError),
        (kafka.GroupAuthorizationFailedError("hotswap"), ConfigurationError),
        (kafka.UnknownTopicOrPartitionError(), ConfigurationError),
        (kafka.InvalidReplicationFactorError(), ConfigurationError),
        (ssl.SSLCertVerificationError("self-signed"), ConfigurationError),
        (kafka.MessageSizeTooLargeError(), InputRefused),
        (kafka.RecordListTooLargeError(), InputRefused),
    ],
    ids=lambda value: value.__name__ if isinstance(value, type) else type(value).__name__,
)
def test_every_error_of_kafka_has_one_meaning(error, meaning):
    assert type(translate(error, "doing it")) is meaning


def test_a_translated_error_says_what_was_done_and_keeps_its_cause():
    cause = kafka.UnknownTopicOrPartitionError()
    with pytest.raises(ConfigurationError, match=r"(?s)topic documents.*hotswap init") as caught:
        _raise_inside("topic documents", cause)
    assert caught.value.__cause__ is cause


def test_a_message_holds_no_object_of_the_library():
    error = translate(kafka.UnsupportedSaslMechanismError(object()), "Kafka at h:1")
    assert str(error).splitlines()[0] == "Kafka at h:1: UnsupportedSaslMechanismError"


def test_a_bug_is_not_taken_for_an_error_of_kafka():
    with pytest.raises(KeyError):
        _raise_inside("topic documents", KeyError("bug"))


def _raise_inside(subject, error):
    with kafka_errors(subject):
        raise error
