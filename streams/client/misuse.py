"""The error for calls that can not work, whatever the systems behind the client do."""

from streams.errors import HotswapError

__all__ = ["Misused"]


class Misused(HotswapError):
    """The client was called after it was closed, or from where a call would never return."""
