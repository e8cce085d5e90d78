"""Which partition a key belongs to, as every Kafka client with default settings decides it."""

from aiokafka.partitioner import murmur2

__all__ = ["partition_of"]


def partition_of(key: bytes, partitions: int) -> int:
    """The partition of `key` among `partitions`.

    Source: `org.apache.kafka.clients.producer.internals.BuiltInPartitioner.partitionForKey`,
    positive murmur2 modulo the number of partitions.
    """
    hashed: int = murmur2(key)
    return (hashed & 0x7FFFFFFF) % partitions
