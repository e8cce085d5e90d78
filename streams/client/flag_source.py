"""Where the flag comes from: a client or follower that is there, or a follower of one's own."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from streams.client.asynchronous import AsyncHotswap
from streams.client.blocking import Hotswap
from streams.client.configuration import Configuration
from streams.config import Settings
from streams.services import open as systems
from streams.services.follower import Follower
from streams.services.serving.control_view import ControlView, view_of

__all__ = ["FlagSource", "Following", "follow", "followed"]

Following = AsyncHotswap | Hotswap | Follower
"""What follows the control log already."""

FlagSource = Configuration | Following
"""What the flag can be read from."""


def followed(source: Following) -> ControlView:
    """The flag as `source` knows it."""
    return view_of(source) if isinstance(source, Follower) else source.control


@asynccontextmanager
async def follow(settings: Settings) -> AsyncIterator[ControlView]:
    """The flag, followed in the control log for as long as the `async with` block runs.

    Needs Kafka only. Nothing is waited for.

    Raises: ConfigurationError if a secret or a certificate can not be read.
    """
    log = systems.open_log(settings)
    try:
        async with systems.open_follower(settings, log) as follower:
            yield view_of(follower)
    finally:
        await log.close()
