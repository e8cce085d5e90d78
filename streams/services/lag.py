"""How many records a role still has to do."""

import asyncio

from streams.config import Settings
from streams.core.role_names import NORMALISE
from streams.ports import Log

__all__ = ["lag_of_role"]


async def lag_of_role(log: Log, settings: Settings, role: str) -> dict[str, int]:
    """`topic/partition` → records that the role's group has not committed yet.

    Raises: TransientError, ConfigurationError.
    """
    topics = (
        [source.topic for source in settings.sources]
        if role == NORMALISE
        else [settings.kafka.topics.documents]
    )
    lag: dict[str, int] = {}
    for topic in topics:
        ends, committed = await asyncio.gather(
            log.ends(topic), log.committed(settings.group(role), topic)
        )
        lag |= {f"{topic}/{p}": end - committed.get(p, 0) for p, end in sorted(ends.items())}
    return lag
