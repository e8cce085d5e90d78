"""What a read of a topic covers: pure arithmetic on offsets, shared by all logs."""

from collections.abc import Mapping, Sequence

from streams.errors import ConfigurationError, DriftError

__all__ = ["plan_range"]


def plan_range(
    topic: str,
    *,
    begins: Mapping[int, int],
    ends: Mapping[int, int],
    since: Mapping[int, int] | None,
    until: Mapping[int, int] | None,
    partitions: Sequence[int] | None,
) -> dict[int, tuple[int, int]]:
    """Partition → (first offset, offset to stop before); partitions with nothing are left out.

    Args:
        topic: whose partitions these are.
        begins: partition → offset of the oldest record that the log still holds.
        ends: partition → offset that the next record will get.
        since: partition → offset to start at; absent ones start at their beginning.
        until: partition → offset to stop before; absent ones stop at their end.
        partitions: which to read; None: all.

    Raises:
        ConfigurationError: `partitions` names one that the topic does not have.
        DriftError: `until` lies beyond the end, or in a partition that is not there. Offsets
            never shrink, so the topic is not the one that `until` was taken from.
    """
    for partition in partitions or ():
        if partition not in ends:
            raise ConfigurationError(
                f"topic {topic}", f"has no partition {partition}, only {len(ends)}"
            )
    beyond: dict[str, tuple[object, object]] = {
        f"end of partition {partition}": (f"at least {stop}", ends.get(partition))
        for partition, stop in (until or {}).items()
        if stop > ends.get(partition, 0)
    }
    if beyond:
        raise DriftError(
            f"topic {topic}", beyond, "it was deleted and made again: start a new build"
        )
    plan = {}
    for partition in sorted(ends if partitions is None else set(partitions)):
        first = max(begins[partition], (since or {}).get(partition, 0))
        stop = (until or {}).get(partition, ends[partition])
        if first < stop:
            plan[partition] = (first, stop)
    return plan
