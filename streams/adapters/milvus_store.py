"""The vector store over Milvus.

Every call has a timeout, without which pymilvus would try 75 times. Collections are always
called by their physical names; aliases are cached by clients and may point elsewhere.
"""

from collections.abc import AsyncIterator, Iterator, Sequence
from itertools import islice
from typing import Any

import numpy as np
import numpy.typing as npt
from pydantic import SecretStr
from pymilvus import MilvusClient
from pymilvus.client.iterator import QueryIterator
from pymilvus.exceptions import MilvusException

from schemas import Fingerprint
from schemas.filter import Filter
from streams.adapters.milvus_collections import ensure_collection, found_collection, hnsw_m
from streams.adapters.milvus_connection import MilvusConnection
from streams.adapters.stored_rows import check_limit, encode_rows, in_requests, safe_ids
from streams.config import MilvusConfig
from streams.core.filters import expression
from streams.errors import InputRefused
from streams.ports import Hit, Row, ScannedRow, StoredVersion

__all__ = ["MilvusStore"]

_IDS_IN_A_CALL = 1_000
_PAGE, _PAGE_WITH_VECTORS = 8_000, 500
"""Rows in a page of a scan."""

_STRONG = "Strong"


class MilvusStore:
    """See the module, and `streams.ports.VectorStore`. Nothing is connected before it is used."""

    def __init__(self, config: MilvusConfig, token: SecretStr | None) -> None:
        self._connection = MilvusConnection(config, token)
        self._timeout = config.timeout_seconds
        self._dimensions: dict[str, int] = {}

    async def create(self, collection: str, fingerprint: Fingerprint) -> None:
        """See `streams.ports.VectorStore`. Also loads the collection, for searches."""
        await self._connection.write(
            lambda client: ensure_collection(client, collection, fingerprint, self._timeout),
            collection,
        )

    async def fingerprint(self, collection: str) -> Fingerprint | None:
        """See `streams.ports.VectorStore`."""
        found = await self._connection.read(
            lambda client: found_collection(client, collection, self._timeout), collection
        )
        return found.fingerprint if found else None

    async def collections(self) -> list[str]:
        """See `streams.ports.VectorStore`."""
        return sorted(
            await self._connection.read(
                lambda client: client.list_collections(timeout=self._timeout)
            )
        )

    async def versions(self, collection: str, ids: Sequence[str]) -> dict[str, StoredVersion]:
        """See `streams.ports.VectorStore`."""
        rows = await self._get(collection, ids, ["id", "version", "content_hash"])
        return {row["id"]: StoredVersion(row["version"], row["content_hash"]) for row in rows}

    async def vectors(
        self, collection: str, ids: Sequence[str]
    ) -> dict[str, npt.NDArray[np.float32]]:
        """See `streams.ports.VectorStore`."""
        rows = await self._get(collection, ids, ["id", "embedding"])
        return {row["id"]: np.asarray(row["embedding"], dtype=np.float32) for row in rows}

    async def upsert(self, collection: str, rows: Sequence[Row]) -> None:
        """See `streams.ports.VectorStore`. Of an id that comes twice, the last row is written.

        If it fails, some of the rows may have been written.
        """

        def write(client: MilvusClient) -> None:
            dimensions = self._dimensions_of(client, collection)
            for request in in_requests(encode_rows(rows, dimensions)):
                client.upsert(collection, request, timeout=self._timeout)

        if rows:
            await self._connection.write(write, collection)

    async def delete(self, collection: str, ids: Sequence[str]) -> None:
        """See `streams.ports.VectorStore`."""
        safe = safe_ids(ids)

        def delete(client: MilvusClient) -> None:
            for some in _chunks(safe):
                client.delete(collection, ids=some, timeout=self._timeout)

        await self._connection.write(delete, collection)

    async def scan(
        self, collection: str, *, shard: int | None = None, vectors: bool = False
    ) -> AsyncIterator[Sequence[ScannedRow]]:
        """See `streams.ports.VectorStore`. Pages are sorted by id, within and among them."""
        fields = ["id", "shard", "version", "content_hash"]

        def begin(client: MilvusClient) -> QueryIterator:
            # The iterator describes the collection without a timeout: not before a call with
            # one has passed, and without its 75 attempts.
            client.has_collection(collection, timeout=self._timeout)
            return client.query_iterator(
                collection,
                batch_size=_PAGE_WITH_VECTORS if vectors else _PAGE,
                filter="" if shard is None else f"shard == {int(shard)}",
                output_fields=[*fields, "embedding"] if vectors else fields,
                timeout=self._timeout,
                consistency_level=_STRONG,
                strict_float32=True,
                retry_times=1,
            )

        pages = await self._connection.read(begin, collection)
        try:
            while page := await self._connection.read(lambda _: _page(pages), collection):
                yield page
        finally:
            pages.close()

    async def search(
        self,
        collection: str,
        vector: npt.NDArray[np.float32],
        k: int,
        filter: Filter | None = None,  # noqa: A002 - the port's name
    ) -> list[Hit]:
        """See `streams.ports.VectorStore`. At most 16,384 hits."""
        check_limit(k)
        wanted = "" if filter is None else expression(filter)

        def search(client: MilvusClient) -> list[Hit]:
            dimensions = self._dimensions_of(client, collection)
            if vector.shape != (dimensions,):
                raise InputRefused(f"the vector has shape {vector.shape}, not ({dimensions},)")
            (hits,) = client.search(
                collection,
                data=[vector.tolist()],
                limit=k,
                filter=wanted,
                output_fields=["key", "metadata"],
                search_params={"metric_type": "COSINE"},
                timeout=self._timeout,
                consistency_level=_STRONG,
            )
            return [
                Hit(
                    hit["id"],
                    float(hit["distance"]),
                    hit["entity"]["key"],
                    hit["entity"]["metadata"],
                )
                for hit in hits
            ]

        return await self._connection.read(search, collection)

    async def count(self, collection: str) -> int:
        """See `streams.ports.VectorStore`."""
        (row,) = await self._connection.read(
            lambda client: client.query(
                collection,
                output_fields=["count(*)"],
                timeout=self._timeout,
                consistency_level=_STRONG,
            ),
            collection,
        )
        return int(row["count(*)"])

    async def hnsw_m(self) -> int | None:
        """See `streams.ports.VectorStore`."""
        return await self._connection.read(lambda client: hnsw_m(client, self._timeout))

    async def drop(self, collection: str) -> None:
        """See `streams.ports.VectorStore`."""
        await self._connection.write(
            lambda client: client.drop_collection(collection, timeout=self._timeout), collection
        )
        self._dimensions.pop(collection, None)

    async def close(self) -> None:
        """Wait for the calls under way, then close the connection."""
        await self._connection.close()

    async def _get(
        self, collection: str, ids: Sequence[str], fields: list[str]
    ) -> list[dict[str, Any]]:
        safe = safe_ids(ids)

        def get(client: MilvusClient) -> list[dict[str, Any]]:
            return [
                row
                for some in _chunks(safe)
                for row in client.get(
                    collection,
                    some,
                    output_fields=fields,
                    timeout=self._timeout,
                    consistency_level=_STRONG,
                    strict_float32=True,
                )
            ]

        return await self._connection.read(get, collection) if safe else []

    def _dimensions_of(self, client: MilvusClient, collection: str) -> int:
        known = self._dimensions.get(collection)
        if known is None:
            found = found_collection(client, collection, self._timeout)
            if found is None:
                raise MilvusException(100, f"collection {collection} not found")
            known = self._dimensions[collection] = found.fingerprint.dimensions
        return known


def _chunks(ids: list[str]) -> Iterator[list[str]]:
    rest = iter(ids)
    while some := list(islice(rest, _IDS_IN_A_CALL)):
        yield some


def _page(pages: QueryIterator) -> list[ScannedRow]:
    return [
        ScannedRow(
            row["id"],
            row["shard"],
            row["version"],
            row["content_hash"],
            np.asarray(row["embedding"], dtype=np.float32) if "embedding" in row else None,
        )
        for row in pages.next()
    ]
