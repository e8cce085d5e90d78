"""A collection made by others becomes the cloud lane on real parts, and nothing is bought twice."""

import asyncio
import json
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx
import pytest
from pymilvus import CollectionSchema, DataType, FieldSchema, MilvusClient

from schemas import WorkerState
from streams.adapters.openai_embedder import OpenAIEmbedder
from streams.config import OpenAIConfig
from streams.core.canaries import CANARY_TEXTS
from streams.core.identity import document_id
from tests.integration.system import KEY, System
from tests.waiting import until

pytestmark = pytest.mark.stack

ROWS = 1_000
SAMPLE = 50
TEXT = "Article {} is about what stands under {}."
LOOK = Counter(inputs=1 + len(CANARY_TEXTS), calls=2)
"""What it takes to know the model: one word in a call, and the canaries in another."""


async def vectors_of(system: System, texts: list[str]) -> list[list[float]]:
    """What the cloud would have sold, by the same API."""
    config = system.settings.lanes["cloud"]
    assert isinstance(config, OpenAIConfig)
    embedder = OpenAIEmbedder(config, config.api_key.read(KEY))
    try:
        made = []
        for start in range(0, len(texts), 100):
            made += [v.tolist() for v in await embedder.embed(texts[start : start + 100])]
    finally:
        await embedder.close()
    return made


async def sold(system: System) -> Counter[str]:
    """Calls and inputs that the cloud has answered, by its own count."""
    url = system.endpoints.cloud_url.removesuffix("/v1")
    async with httpx.AsyncClient(base_url=url) as client:
        told = (await client.get("/admin/stats")).raise_for_status().json()
    return Counter(calls=told["calls"], inputs=told["inputs"])


@contextmanager
def original(system: System, rows: list[dict[str, object]]) -> Iterator[tuple[MilvusClient, str]]:
    """A collection with names, ids, lengths and a metric of its makers' own; its name."""
    client = MilvusClient(system.endpoints.milvus_uri, timeout=30, dedicated=True)
    name = f"{system.name}_original"
    try:
        make_original(client, name, rows)
        yield client, name
    finally:
        client.drop_collection(name, timeout=30)
        client.close()


def make_original(client: MilvusClient, name: str, rows: list[dict[str, object]]) -> None:
    first = rows[0]["vec"]
    assert isinstance(first, list)
    numbers = isinstance(rows[0]["article_no"], int)
    kind = {"dtype": DataType.INT64} if numbers else {"dtype": DataType.VARCHAR, "max_length": 64}
    fields = [
        FieldSchema("article_no", is_primary=True, **kind),
        FieldSchema("vec", DataType.FLOAT_VECTOR, dim=len(first)),
        FieldSchema("body", DataType.VARCHAR, max_length=1_000),
    ]
    client.create_collection(name, schema=CollectionSchema(fields), timeout=30)
    index = client.prepare_index_params()
    index.add_index("vec", index_type="FLAT", metric_type="IP")
    client.create_index(name, index, timeout=30)
    client.load_collection(name, timeout=30)
    for start in range(0, len(rows), 500):
        client.insert(name, rows[start : start + 500], timeout=30)


def dump(client: MilvusClient, name: str) -> tuple[Any, list[Any]]:
    """Schema and every byte of the rows."""
    rows = client.query(
        name,
        filter="",
        limit=5_000,
        output_fields=["article_no", "vec", "body"],
        consistency_level="Strong",
        strict_float32=True,
        timeout=30,
    )
    told = sorted((row["article_no"], bytes(row["vec"].tobytes()), row["body"]) for row in rows)
    return client.describe_collection(name, timeout=30), told


def adopting(name: str, *more: str) -> tuple[str, ...]:
    """The command, for the source lane; of the two sources one has to be named."""
    return (
        *("adopt", "--collection", name, "--id-field", "article_no", "--vector-field", "vec"),
        *("--source", "articles", *more, "--json"),
    )


@pytest.mark.timeout(500)
async def test_a_thousand_rows_with_integer_ids_are_adopted_for_the_price_of_a_sample(
    system: System, tmp_path
):
    await system.hotswap("pause", "cloud", "--force", "--reason", "adopting a collection")
    await system.worker("normalise")
    await system.worker("embed:cloud")
    numbers = range(1, ROWS + 1)
    texts = [TEXT.format(number, number) for number in numbers]
    # Two texts have changed since the original was made: they are the lane's to buy.
    texts[4], texts[5] = "What article 5 said once.", "What article 6 said once."
    for start in range(1, ROWS + 1, 250):
        await system.write(range(start, start + 250), "Article {0} is about what stands under {0}.")
    await until(lambda: documents_are(system, ROWS), "all documents are there", 120)
    await system.until_state("embed:cloud", WorkerState.PAUSED)
    bought = await vectors_of(system, texts)
    rows = [
        {"article_no": number, "vec": [2.5 * x for x in vector], "body": text}
        for number, vector, text in zip(numbers, bought, texts, strict=True)
    ]
    rows.append({"article_no": 77_777, "vec": bought[0], "body": "of no article"})
    with original(system, rows) as (client, name):
        adopt = adopting(name, "--text-field", "body", "--sample", str(SAMPLE))
        before = await asyncio.to_thread(dump, client, name)
        left = tmp_path / "unmatched.jsonl"
        sold_before = await sold(system)
        found = json.loads(await system.hotswap(*adopt, "--unmatched", str(left)))
        assert await sold(system) - sold_before == LOOK + Counter(
            inputs=SAMPLE, calls=found["calls"]
        )
        assert (found["rows"], found["adopted"], found["out_of_date"]) == (ROWS + 1, ROWS - 2, 2)
        assert (found["unmatched"], found["to_buy"]) == (1, 2)
        assert found["texts"] == SAMPLE
        assert found["proof"]["share_below"] == 0.0
        assert left.read_text() == "77777\n"
        again = json.loads(await system.hotswap(*adopt))
        assert (again["adopted"], again["already"], again["to_buy"]) == (0, ROWS - 2, 2)
        assert await system.embedded("cloud") == 0
        await system.hotswap("resume", "cloud")
        await system.until_converged(["cloud"])
        assert await system.embedded("cloud") == 2
        await system.must_be_clean(["cloud"])
        assert await asyncio.to_thread(dump, client, name) == before


@pytest.mark.timeout(300)
async def test_rows_with_string_ids_are_adopted_under_the_keys_that_these_are(system: System):
    """Keys with what a filter has to quote, and what a document id has to encode."""
    await system.hotswap("pause", "cloud", "--force", "--reason", "adopting a collection")
    await system.sql("ALTER TABLE articles ALTER COLUMN id TYPE text")
    keys = [f'No. {number}/"ü" | \\' for number in range(20)]
    texts = [TEXT.format(key, key) for key in keys]
    await system.sql(
        "INSERT INTO articles (id, body) VALUES (%s, %s)", *zip(keys, texts, strict=True)
    )
    await system.worker("normalise")
    await until(lambda: documents_are(system, len(keys)), "all documents are there", 120)
    bought = await vectors_of(system, texts)
    rows: list[dict[str, object]] = [
        {"article_no": key, "vec": vector, "body": text}
        for key, vector, text in zip(keys, bought, texts, strict=True)
    ]
    rows.append({"article_no": "no such article", "vec": bought[0], "body": ""})
    with original(system, rows) as (client, name):
        before = await asyncio.to_thread(dump, client, name)
        sold_before = await sold(system)
        found = json.loads(await system.hotswap(*adopting(name, "--sample", "5")))
        assert await sold(system) - sold_before == LOOK + Counter(inputs=5, calls=1)
        assert (found["rows"], found["adopted"], found["unmatched"]) == (21, 20, 1)
        assert (found["to_buy"], found["unmatched_samples"]) == (0, ["no such article"])
        assert await system.ids("cloud") == {document_id("articles", [key]) for key in keys}
        await system.hotswap("resume", "cloud")
        await system.worker("embed:cloud")
        await system.until_converged(["cloud"])
        assert await system.embedded("cloud") == 0
        await system.must_be_clean(["cloud"])
        assert await asyncio.to_thread(dump, client, name) == before


async def documents_are(system: System, count: int) -> bool:
    return sum((await system.log.ends(system.settings.kafka.topics.documents)).values()) >= count
