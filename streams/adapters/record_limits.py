"""Which records a topic takes, known before they are sent.

A broker that refuses a record breaks the sequence of an idempotent aiokafka producer: every
later record of that partition is refused as well. So what the topic's configuration rules
out is refused here, by the real log and the in-memory one alike.
"""

from streams.errors import ConfigurationError, InputRefused
from streams.ports import NewRecord, TopicSpec

__all__ = ["DEFAULT_MAX_MESSAGE_BYTES", "batch_bytes", "check_record"]

DEFAULT_MAX_MESSAGE_BYTES = 1_048_588
"""Kafka's own default of `max.message.bytes`."""

_BATCH_OVERHEAD = 61
_RECORD_OVERHEAD = 21
_LENGTH = 5
"""Bytes of a record batch's header, most bytes of a record's fixed fields and of a length.

Source: Kafka protocol, record batch format v2.
"""


def batch_bytes(record: NewRecord) -> int:
    """Most bytes that a batch holding this record alone can take on the wire."""
    size = _BATCH_OVERHEAD + _RECORD_OVERHEAD + 3 * _LENGTH
    size += len(record.key or b"") + len(record.value or b"")
    for name, value in record.headers:
        size += len(name.encode()) + len(value) + 2 * _LENGTH
    return size


def check_record(record: NewRecord, topic: TopicSpec) -> None:
    """Pass if the topic takes this record.

    Raises:
        InputRefused: too large, neither key nor value (aiokafka sends no such record), or
            without a key on a compacted topic.
        ConfigurationError: the topic has no such partition.
    """
    limit = int(topic.config.get("max.message.bytes", DEFAULT_MAX_MESSAGE_BYTES))
    size = batch_bytes(record)
    if size > limit:
        raise InputRefused(
            f"a record of {size} bytes is larger than topic {topic.name} takes"
            f" (max.message.bytes is {limit})"
        )
    if record.key is None and record.value is None:
        raise InputRefused(f"a record with neither key nor value can not go to topic {topic.name}")
    if record.key is None and "compact" in topic.config.get("cleanup.policy", "delete"):
        raise InputRefused(f"a record without a key can not go to the compacted topic {topic.name}")
    if record.partition is not None and not 0 <= record.partition < topic.partitions:
        raise ConfigurationError(
            f"topic {topic.name}",
            f"has no partition {record.partition}, only {topic.partitions}",
        )
