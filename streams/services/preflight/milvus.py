"""What a preflight sees of Milvus. It changes nothing there."""

from collections.abc import Mapping
from typing import Protocol

from schemas import BuildStarted, Fingerprint
from streams.config import Settings
from streams.core.preflight.facts import Drift, MilvusFacts
from streams.errors import DriftError

__all__ = ["Inspector", "look_at_milvus", "open_inspector"]


class Inspector(Protocol):
    """Looks at a vector store without changing anything."""

    async def version(self) -> str:
        """The server's version; empty if it does not tell."""
        ...

    async def compare(self, collection: str, pinned: Fingerprint) -> bool:
        """Compare a collection's fields and fingerprint; False if there is none.

        Raises: DriftError that names every difference.
        """
        ...

    async def close(self) -> None:
        """Let go of connections."""
        ...


def open_inspector(settings: Settings) -> Inspector:
    """Milvus. Close it when done.

    Raises: ConfigurationError if the token can not be read.
    """
    from streams.adapters.milvus_inspector import MilvusInspector  # noqa: PLC0415 (slow to load)

    token = settings.milvus.token
    return MilvusInspector(settings.milvus, token.read("milvus.token") if token else None)


async def look_at_milvus(settings: Settings, builds: Mapping[str, BuildStarted]) -> MilvusFacts:
    """The server's version, and the collection of each lane's serving build.

    Raises: TransientError, ConfigurationError.
    """
    inspector = open_inspector(settings)
    try:
        collections: dict[str, Drift | None] = {}
        for lane, build in builds.items():
            collections[lane] = await _compared(inspector, build)
        return MilvusFacts(
            version=await inspector.version(),
            names={lane: build.collection for lane, build in builds.items()},
            collections=collections,
        )
    finally:
        await inspector.close()


async def _compared(inspector: Inspector, build: BuildStarted) -> Drift | None:
    try:
        there = await inspector.compare(build.collection, build.fingerprint)
    except DriftError as error:
        return Drift(error.differences, error.remedy)
    return Drift({}, "") if there else None
