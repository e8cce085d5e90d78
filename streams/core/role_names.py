"""What the stream roles are called, in consumer groups, reports and dead letters."""

from typing import Final

__all__ = ["NORMALISE", "embed_role_name"]

NORMALISE: Final = "normalise"

_FIRST_BUILD = 1


def embed_role_name(lane: str, build: int = _FIRST_BUILD) -> str:
    """The role that fills one build of a lane: `embed:<lane>`, then `embed:<lane>:2`.

    Each has a consumer group of its own, so that a new build begins at offset 0.
    """
    return f"embed:{lane}" if build == _FIRST_BUILD else f"embed:{lane}:{build}"
