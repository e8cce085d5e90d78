"""Every foreign collection, with the same rows in it."""

from collections.abc import AsyncIterator, Callable, Iterator
from itertools import count

import numpy as np
import pytest
from pymilvus import CollectionSchema, DataType, FieldSchema, MilvusClient

from streams.adapters.foreign_collection import MilvusForeign
from streams.adapters.memory_foreign import MemoryForeign
from streams.config import MilvusConfig
from streams.ports import ForeignCollection, ForeignFields, ForeignId, ForeignRow, ForeignShape
from tests.contract.lite import LITE, LiteServer

DIMENSIONS = 4
FIELDS = ForeignFields("doc", "vec", "body")
_names = count()

Rows = dict[ForeignId, tuple[list[float], str]]
Make = Callable[[Rows], ForeignCollection]


@pytest.fixture
def client(lite: LiteServer) -> Iterator[MilvusClient]:
    made = MilvusClient(lite.uri, timeout=10, dedicated=True)
    yield made
    made.close()


def fill(client: MilvusClient, rows: Rows, *, key: bool = True, metric: str = "IP") -> str:
    """A collection as others make one; its name. `key`: the ids are its primary key."""
    name = f"foreign_{next(_names)}"
    numbers = all(isinstance(id_, int) for id_ in rows)
    kind = {"dtype": DataType.INT64} if numbers else {"dtype": DataType.VARCHAR, "max_length": 600}
    fields = [
        FieldSchema(FIELDS.id, is_primary=key, **kind),
        FieldSchema(FIELDS.vector, DataType.FLOAT_VECTOR, dim=DIMENSIONS),
        FieldSchema("body", DataType.VARCHAR, max_length=600),
    ]
    if not key:
        fields.append(FieldSchema("auto", DataType.INT64, is_primary=True, auto_id=True))
    client.create_collection(name, schema=CollectionSchema(fields), timeout=10)
    index = client.prepare_index_params()
    index.add_index(FIELDS.vector, index_type="FLAT", metric_type=metric)
    client.create_index(name, index, timeout=10)
    client.load_collection(name, timeout=10)
    held = [{"doc": id_, "vec": vector, "body": text} for id_, (vector, text) in rows.items()]
    for start in range(0, len(held), 1_000):
        client.insert(name, held[start : start + 1_000], timeout=10)
    return name


@pytest.fixture(params=["memory", LITE])
async def make(request: pytest.FixtureRequest) -> AsyncIterator[Make]:
    """`make({1: ([1, 0, 0, 0], "text")})` gives a collection with one row."""
    made: list[ForeignCollection] = []

    def in_memory(rows: Rows) -> ForeignCollection:
        shape = ForeignShape(all(isinstance(id_, int) for id_ in rows), DIMENSIONS, "IP")
        held = [
            ForeignRow(id_, np.array(vector, dtype=np.float32), text)
            for id_, (vector, text) in rows.items()
        ]
        return MemoryForeign("old", shape, held)

    def in_milvus(rows: Rows) -> ForeignCollection:
        lite: LiteServer = request.getfixturevalue("lite")
        name = fill(request.getfixturevalue("client"), rows)
        return MilvusForeign(MilvusConfig(uri=lite.uri), None, name, FIELDS)

    def make(rows: Rows) -> ForeignCollection:
        made.append(in_memory(rows) if request.param == "memory" else in_milvus(rows))
        return made[-1]

    yield make
    for each in made:
        await each.close()


@pytest.fixture
async def opened(lite: LiteServer) -> AsyncIterator[Callable[..., MilvusForeign]]:
    """`opened(name, id="doc", …)`: the adapter over a collection of any sort."""
    made: list[MilvusForeign] = []

    def opened(name: str, **fields: str | None) -> MilvusForeign:
        wanted = ForeignFields(**{"id": "doc", "vector": "vec", "text": None} | fields)  # type: ignore[arg-type]
        made.append(MilvusForeign(MilvusConfig(uri=lite.uri), None, name, wanted))
        return made[-1]

    yield opened
    for each in made:
        await each.close()
