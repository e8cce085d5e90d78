"""A Milvus that is away, hangs, was killed or holds something else: told apart, never lost."""

import asyncio
import signal
import time

import pytest
from pydantic import SecretStr
from pymilvus import DataType, MilvusClient

from streams.adapters.milvus_store import MilvusStore
from streams.config import MilvusConfig
from streams.errors import ConfigurationError, DriftError, TransientError
from tests.contract.lite import LiteServer


@pytest.fixture
def own(tmp_path):
    """A server for one test to disturb."""
    server = LiteServer(tmp_path)
    server.start()
    yield server
    server.stop(signal.SIGKILL)


@pytest.fixture
async def impatient(own):
    store = MilvusStore(MilvusConfig(uri=own.uri, timeout_seconds=1.0), None)
    yield store
    await store.close()


@pytest.fixture
def bare(lite):
    client = MilvusClient(lite.uri, timeout=20, dedicated=True)
    yield client
    client.close()


async def test_a_milvus_that_is_not_there_is_transient_and_named():
    store = MilvusStore(MilvusConfig(uri="http://127.0.0.1:1", timeout_seconds=0.5), None)
    with pytest.raises(TransientError, match=r"127\.0\.0\.1:1"):
        await store.collections()
    await store.close()


async def test_a_killed_milvus_loses_nothing_and_is_used_again_once_it_is_back(
    own, impatient, name, fingerprint, row
):
    await impatient.create(name, fingerprint)
    await impatient.upsert(name, [row(f"a/{n}") for n in range(300)])
    own.stop(signal.SIGKILL)
    with pytest.raises(TransientError):
        await impatient.count(name)
    with pytest.raises(TransientError):
        await impatient.upsert(name, [row("a/1")])
    own.start()
    assert await impatient.count(name) == 300
    await impatient.upsert(name, [row("a/new")])
    assert set(await impatient.versions(name, ["a/1", "a/new"])) == {"a/1", "a/new"}
    assert len(await impatient.search(name, row().embedding, 3)) == 3


async def test_a_milvus_that_hangs_is_transient_in_time_and_blocks_nobody_else(
    own, impatient, name, fingerprint, row
):
    await impatient.create(name, fingerprint)
    own.freeze()
    began = time.monotonic()
    writing = asyncio.create_task(impatient.upsert(name, [row()]))
    longest = 0.0
    while not writing.done():
        before = time.monotonic()
        await asyncio.sleep(0.005)
        longest = max(longest, time.monotonic() - before)
    with pytest.raises(TransientError):
        await writing
    assert time.monotonic() - began < 5
    assert longest < 0.5
    own.thaw()
    await impatient.upsert(name, [row("a/2")])
    assert "a/2" in await impatient.versions(name, ["a/2"])


async def test_a_cancelled_write_is_over_when_the_cancellation_is(
    own, impatient, name, fingerprint, row
):
    await impatient.create(name, fingerprint)
    await impatient.upsert(name, [row("a/1", version=1)])
    own.freeze()
    writing = asyncio.create_task(impatient.upsert(name, [row("a/1", version=2)]))
    await asyncio.sleep(0)
    writing.cancel()
    await asyncio.wait([writing], timeout=0.2)
    assert not writing.done()
    own.thaw()
    with pytest.raises(asyncio.CancelledError):
        await writing
    seen = (await impatient.versions(name, ["a/1"]))["a/1"].version
    await impatient.upsert(name, [row("a/1", version=3)])
    assert seen in {1, 2}
    assert (await impatient.versions(name, ["a/1"]))["a/1"].version == 3


async def test_a_collection_of_somebody_else_is_drift(bare, milvus, name, fingerprint):
    bare.create_collection(name, dimension=4, timeout=20)
    with pytest.raises(DriftError, match="a fingerprint written by Hotswap"):
        await milvus.fingerprint(name)
    with pytest.raises(DriftError, match="a fingerprint written by Hotswap"):
        await milvus.create(name, fingerprint)


@pytest.mark.parametrize(
    "description", ['{"hotswap": 2, "fingerprint": {}}', '{"hotswap": 1}', "[]", "null", "{", "é"]
)
async def test_a_description_that_is_not_ours_is_drift(bare, milvus, name, description):
    schema = bare.create_schema(description=description)
    schema.add_field("id", DataType.VARCHAR, is_primary=True, max_length=512)
    schema.add_field("embedding", DataType.FLOAT_VECTOR, dim=4)
    bare.create_collection(name, schema=schema, timeout=20)
    with pytest.raises(DriftError, match="a fingerprint written by Hotswap"):
        await milvus.fingerprint(name)


async def test_other_fields_under_the_right_fingerprint_are_drift(bare, milvus, name, fingerprint):
    await milvus.create(name, fingerprint)
    description = bare.describe_collection(name, timeout=20)["description"]
    schema = bare.create_schema(description=description)
    schema.add_field("id", DataType.VARCHAR, is_primary=True, max_length=100)
    schema.add_field("embedding", DataType.FLOAT_VECTOR, dim=8)
    schema.add_field("extra", DataType.INT64)
    await milvus.drop(name)
    bare.create_collection(name, schema=schema, timeout=20)
    with pytest.raises(DriftError) as caught:
        await milvus.create(name, fingerprint)
    found = caught.value.differences
    assert found["field id"] == (
        "VARCHAR max_length=512 primary",
        "VARCHAR max_length=100 primary",
    )
    assert found["field embedding"] == ("FLOAT_VECTOR dim=4", "FLOAT_VECTOR dim=8")
    assert found["field version"] == ("INT64", "no such field")
    assert found["field extra"] == ("no such field", "INT64")


async def test_an_index_with_another_metric_is_drift(bare, milvus, name, fingerprint):
    await milvus.create(name, fingerprint)
    bare.release_collection(name, timeout=20)
    bare.drop_index(name, "embedding", timeout=20)
    index = bare.prepare_index_params()
    index.add_index("embedding", index_type="AUTOINDEX", metric_type="L2")
    bare.create_index(name, index, timeout=20, sync=False)
    with pytest.raises(DriftError) as caught:
        await milvus.create(name, fingerprint)
    assert caught.value.differences == {"metric of the index": ("COSINE", "L2")}


async def test_what_a_creator_that_died_half_way_left_is_finished(
    bare, milvus, name, fingerprint, row
):
    await milvus.create(name, fingerprint)
    bare.release_collection(name, timeout=20)
    bare.drop_index(name, "embedding", timeout=20)
    assert bare.list_indexes(name, timeout=20) == []
    await milvus.create(name, fingerprint)
    await milvus.upsert(name, [row()])
    assert len(await milvus.search(name, row().embedding, 1)) == 1


async def test_another_process_knows_the_collection_without_making_it(
    lite, milvus, name, fingerprint, row
):
    await milvus.create(name, fingerprint)
    other = MilvusStore(MilvusConfig(uri=lite.uri), SecretStr("user:password"))
    await other.upsert(name, [row()])
    assert await milvus.count(name) == 1
    await other.close()


async def test_a_certificate_file_that_is_not_there_names_the_setting(tmp_path):
    config = MilvusConfig(uri="https://127.0.0.1:1", ca_file=str(tmp_path / "none.pem"))
    store = MilvusStore(config, None)
    with pytest.raises(ConfigurationError, match=r"milvus\.ca_file: .*none\.pem"):
        await store.collections()
    await store.close()


async def test_an_address_that_pymilvus_does_not_understand_names_the_setting():
    config = MilvusConfig.model_construct(uri="ftp://milvus", timeout_seconds=1.0)
    store = MilvusStore(config, None)
    with pytest.raises(ConfigurationError, match=r"milvus\.uri"):
        await store.collections()
    await store.close()
