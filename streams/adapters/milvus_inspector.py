"""Looks at a Milvus server without changing anything: its version, and what collections are.

Beside `MilvusStore`, which makes collections, indexes and loads them as it compares.
"""

from pydantic import SecretStr

from schemas import Fingerprint
from streams.adapters.milvus_collections import found_collection
from streams.adapters.milvus_connection import MilvusConnection
from streams.adapters.milvus_schema import drift
from streams.adapters.milvus_version import server_version
from streams.config import MilvusConfig

__all__ = ["MilvusInspector"]


class MilvusInspector:
    """Implements `streams.services.preflight.milvus.Inspector`. Close it when done."""

    def __init__(self, config: MilvusConfig, token: SecretStr | None) -> None:
        self._connection = MilvusConnection(config, token)
        self._timeout = config.timeout_seconds

    async def version(self) -> str:
        """The server's version, as it tells it; empty if it has no call for it (Milvus Lite).

        Raises: TransientError, ConfigurationError, LaneHalted.
        """
        return await self._connection.read(lambda client: server_version(client, self._timeout))

    async def compare(self, collection: str, pinned: Fingerprint) -> bool:
        """Compare a collection's fields and fingerprint; False if there is none.

        Raises: DriftError that names every difference; TransientError.
        """
        found = await self._connection.read(
            lambda client: found_collection(client, collection, self._timeout), collection
        )
        if found is not None:
            drift(collection, pinned, found)
        return found is not None

    async def close(self) -> None:
        """Close the connection."""
        await self._connection.close()
