"""A Milvus collection that Hotswap did not make. Read only: no call in here writes.

Its field names come from people and its ids from other programs: ids reach a filter as
literals only (`streams.core.filters.literal`), names only after the schema was seen to have them.
"""

from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from difflib import get_close_matches
from typing import Any

import numpy as np
from pydantic import SecretStr
from pymilvus import DataType, MilvusClient
from pymilvus.client.iterator import QueryIterator
from pymilvus.client.types import LoadState
from pymilvus.exceptions import MilvusException

from streams.adapters.milvus_connection import MilvusConnection
from streams.adapters.milvus_errors import is_absent
from streams.config import MilvusConfig
from streams.core.filters import literal
from streams.errors import ConfigurationError
from streams.ports import ForeignFields, ForeignId, ForeignRow, ForeignShape

__all__ = ["MilvusForeign"]

_PAGE = 2_000
_CALL_BYTES = 8 * 1024 * 1024
"""Vectors in one answer stay well below the 64 MB that gRPC takes."""
_CALL_IDS = 500
_STRONG = "Strong"

_IDS = {DataType.INT64: True, DataType.VARCHAR: False}


class MilvusForeign:
    """See the module, and `streams.ports.ForeignCollection`."""

    def __init__(
        self, config: MilvusConfig, token: SecretStr | None, collection: str, fields: ForeignFields
    ) -> None:
        self._connection = MilvusConnection(config, token)
        self._timeout = config.timeout_seconds
        self._collection = collection
        self._fields = fields
        self._shape: ForeignShape | None = None

    @property
    def name(self) -> str:
        """See `streams.ports.ForeignCollection`."""
        return self._collection

    async def shape(self) -> ForeignShape:
        """See `streams.ports.ForeignCollection`."""
        if self._shape is None:
            self._shape = await self._connection.read(self._look, self._collection)
        return self._shape

    async def count(self) -> int:
        """See `streams.ports.ForeignCollection`."""
        (row,) = await self._connection.read(
            lambda client: client.query(
                self._collection,
                output_fields=["count(*)"],
                timeout=self._timeout,
                consistency_level=_STRONG,
            ),
            self._collection,
        )
        return int(row["count(*)"])

    async def ids(self) -> AsyncIterator[Sequence[ForeignId | None]]:
        """See `streams.ports.ForeignCollection`."""
        await self.shape()

        def begin(client: MilvusClient) -> QueryIterator:
            # See `MilvusStore.scan`: the iterator's own first call has no timeout.
            client.has_collection(self._collection, timeout=self._timeout)
            return client.query_iterator(
                self._collection,
                batch_size=_PAGE,
                filter="",
                output_fields=[self._fields.id],
                timeout=self._timeout,
                consistency_level=_STRONG,
                retry_times=1,
            )

        pages = await self._connection.read(begin, self._collection)
        try:
            while page := await self._connection.read(lambda _: pages.next(), self._collection):
                yield [row[self._fields.id] for row in page]
        finally:
            pages.close()

    async def rows(self, ids: Sequence[ForeignId]) -> list[ForeignRow]:
        """See `streams.ports.ForeignCollection`."""
        shape = await self.shape()
        literals = [found for each in dict.fromkeys(ids) if (found := _literal(each)) is not None]
        most = max(1, min(_CALL_IDS, _CALL_BYTES // (4 * shape.dimensions)))
        fields = [self._fields.id, self._fields.vector]
        if self._fields.text is not None:
            fields.append(self._fields.text)

        def read(client: MilvusClient) -> list[ForeignRow]:
            return [
                self._row(row)
                for some in _chunks(literals, most)
                for row in client.query(
                    self._collection,
                    filter=f"{self._fields.id} in [{', '.join(some)}]",
                    output_fields=fields,
                    timeout=self._timeout,
                    consistency_level=_STRONG,
                    strict_float32=True,
                )
            ]

        return await self._connection.read(read, self._collection) if literals else []

    async def close(self) -> None:
        """Wait for the calls under way, then close the connection."""
        await self._connection.close()

    def _row(self, row: Mapping[str, Any]) -> ForeignRow:
        text = None if self._fields.text is None else row.get(self._fields.text)
        return ForeignRow(
            row[self._fields.id],
            np.asarray(row[self._fields.vector], dtype=np.float32),
            text if isinstance(text, str) else None,
        )

    def _look(self, client: MilvusClient) -> ForeignShape:
        try:
            answer = client.describe_collection(self._collection, timeout=self._timeout)
        except MilvusException as error:
            if is_absent(error):
                raise self._absent(client) from error
            raise
        id_type = self._field("--id-field", self._fields.id, answer)
        if id_type["type"] not in _IDS:
            raise _wrong_type("--id-field", id_type, "INT64 or VARCHAR")
        vector = self._field("--vector-field", self._fields.vector, answer)
        if vector["type"] != DataType.FLOAT_VECTOR:
            raise _wrong_type("--vector-field", vector, "FLOAT_VECTOR")
        if self._fields.text is not None and not answer.get("enable_dynamic_field"):
            text = self._field("--text-field", self._fields.text, answer)
            if text["type"] != DataType.VARCHAR:
                raise _wrong_type("--text-field", text, "VARCHAR")
        self._check_loaded(client)
        return ForeignShape(
            numbers=_IDS[id_type["type"]],
            dimensions=int(vector["params"]["dim"]),
            metric=self._metric(client),
        )

    def _absent(self, client: MilvusClient) -> ConfigurationError:
        known = client.list_collections(timeout=self._timeout)
        close = get_close_matches(self._collection, known, n=3) or sorted(known)[:10]
        remedy = f"there are: {', '.join(close)}" if close else "this Milvus has none"
        return ConfigurationError(f"--collection {self._collection}", "is not there", remedy)

    def _field(self, option: str, name: str, answer: Mapping[str, Any]) -> Mapping[str, Any]:
        fields: dict[str, Mapping[str, Any]] = {field["name"]: field for field in answer["fields"]}
        if name not in fields:
            raise ConfigurationError(
                f"{option} {name}",
                f"collection {self._collection} has no such field",
                f"choose from: {', '.join(fields)}",
            )
        return fields[name]

    def _check_loaded(self, client: MilvusClient) -> None:
        state = client.get_load_state(self._collection, timeout=self._timeout).get("state")
        if state == LoadState.NotLoad:
            raise ConfigurationError(
                f"--collection {self._collection}",
                "is not loaded, so it can not be read",
                "load it; Hotswap changes nothing about a collection that is not its own",
            )

    def _metric(self, client: MilvusClient) -> str:
        names = client.list_indexes(
            self._collection, field_name=self._fields.vector, timeout=self._timeout
        )
        if not names:
            return ""
        found = client.describe_index(self._collection, names[0], timeout=self._timeout)
        return str((found or {}).get("metric_type", ""))


def _wrong_type(option: str, field: Mapping[str, Any], wanted: str) -> ConfigurationError:
    return ConfigurationError(
        f"{option} {field['name']}",
        f"is of type {DataType(field['type']).name}",
        f"name a field of type {wanted}",
    )


def _literal(value: ForeignId) -> str | None:
    try:
        return literal(value)
    except ValueError:
        return None


def _chunks(literals: Sequence[str], most: int) -> Iterator[Sequence[str]]:
    for start in range(0, len(literals), most):
        yield literals[start : start + most]
