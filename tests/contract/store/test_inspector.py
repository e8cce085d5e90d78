"""Looking at a store: over Milvus, and over the one in memory that stands for it."""

import pytest

from streams.adapters.memory_store import MemoryStore
from streams.adapters.milvus_inspector import MilvusInspector
from streams.config import MilvusConfig
from streams.errors import DriftError, TransientError
from streams.services.preflight.milvus import Inspector
from tests.unit.preflight.systems import MemoryInspector


@pytest.fixture
async def inspector(store, uri):
    made: Inspector
    if isinstance(store, MemoryStore):
        made = MemoryInspector(store)
    else:
        made = MilvusInspector(MilvusConfig(uri=uri), None)
    yield made
    await made.close()


async def test_a_collection_as_pinned_is_found_so(inspector, collection, fingerprint):
    assert await inspector.compare(collection, fingerprint) is True


async def test_a_collection_that_is_absent_is_not_made(inspector, store, name, fingerprint):
    assert await inspector.compare(name, fingerprint) is False
    assert name not in await store.collections()


async def test_another_fingerprint_is_told_field_by_field(inspector, collection, fingerprint):
    other = fingerprint.model_copy(update={"digest": "e" * 64})
    with pytest.raises(DriftError) as raised:
        await inspector.compare(collection, other)
    assert raised.value.differences == {"digest": ("e" * 64, "d" * 64)}
    assert raised.value.remedy


async def test_a_server_without_a_call_for_it_tells_no_version(lite):
    inspector = MilvusInspector(MilvusConfig(uri=lite.uri), None)
    try:
        assert await inspector.version() == ""
    finally:
        await inspector.close()


async def test_a_server_that_is_away_is_an_error_that_may_pass():
    inspector = MilvusInspector(MilvusConfig(uri="http://127.0.0.1:1", timeout_seconds=1.0), None)
    try:
        with pytest.raises(TransientError):
            await inspector.version()
    finally:
        await inspector.close()
