"""Every vector store, over an empty one for each test."""

import itertools
import os
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import numpy as np
import pytest

from schemas import Fingerprint
from streams.adapters.memory_store import MemoryStore
from streams.adapters.milvus_store import MilvusStore
from streams.config import MilvusConfig
from streams.ports import Row, VectorStore
from tests.contract.lite import LITE, LiteServer
from tests.contract.store.standalone import StandaloneServer

DIMENSIONS = 4

_names = itertools.count()


@pytest.fixture
async def milvus(lite: LiteServer) -> AsyncIterator[MilvusStore]:
    made = MilvusStore(MilvusConfig(uri=lite.uri), None)
    yield made
    await made.close()


MILVUS = os.environ.get("HOTSWAP_TEST_MILVUS", "")
"""Which whole Milvus to take as well: `wheel` starts the one inside the package `milvus`, anything
else is the URI of one that somebody has started, whose collections `documents_test_…` are dropped.
"""


@pytest.fixture(scope="session")
def standalone(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The URI of a whole Milvus."""
    if MILVUS != "wheel":
        yield MILVUS
        return
    server = StandaloneServer(tmp_path_factory.mktemp("standalone"))
    try:
        server.wait()
        yield server.uri
    finally:
        server.stop()


@pytest.fixture(params=["memory", LITE, *(["milvus"] if MILVUS else [])])
def kind(request: pytest.FixtureRequest) -> str:
    """Which store."""
    return str(request.param)


@pytest.fixture
def uri(request: pytest.FixtureRequest, kind: str) -> str | None:
    """Where the store is; None: in memory."""
    if kind == "memory":
        return None
    if kind == "milvus":
        return str(request.getfixturevalue("standalone"))
    lite: LiteServer = request.getfixturevalue("lite")
    return lite.uri


@pytest.fixture
async def store(kind: str, uri: str | None) -> AsyncIterator[VectorStore]:
    made: VectorStore = MemoryStore() if uri is None else MilvusStore(MilvusConfig(uri=uri), None)
    if kind == "milvus":
        await _drop_all(made)
    yield made
    await made.close()


async def _drop_all(store: VectorStore) -> None:
    for collection in await store.collections():
        if collection.startswith("documents_test_"):
            await store.drop(collection)


@pytest.fixture
def fingerprint() -> Fingerprint:
    return Fingerprint(
        provider="memory",
        model='m "quoted" é\\n',
        digest="d" * 64,
        dimensions=DIMENSIONS,
        query_template="query: {text}",
    )


@pytest.fixture
def name() -> str:
    """A collection that is not there yet."""
    return f"documents_test_{next(_names)}"


@pytest.fixture
async def collection(store: VectorStore, name: str, fingerprint: Fingerprint) -> str:
    """An empty collection."""
    await store.create(name, fingerprint)
    return name


@pytest.fixture
def row() -> Callable[..., Row]:
    """`row("a/1", version=3, …)` gives a row."""

    def make(identifier: str = "articles/1", **changes: Any) -> Row:
        values: dict[str, Any] = {
            "id": identifier,
            "embedding": np.array([1.0, 0.0, 0.0, 0.0], dtype=np.float32),
            "source": "articles",
            "key": {"id": 1},
            "shard": 0,
            "version": 1,
            "content_hash": "0" * 32,
            "metadata": {"title": "T"},
            "text_bytes": 10,
            "embedded_at": 1_700_000_000_000,
        }
        return Row(**values | changes)

    return make
