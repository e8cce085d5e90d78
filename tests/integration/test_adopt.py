"""A collection made by others becomes the cloud lane on real parts, and nothing is bought twice."""

import asyncio
import json
from typing import Any

import pytest
from pymilvus import CollectionSchema, DataType, FieldSchema, MilvusClient

from schemas import WorkerState
from streams.adapters.openai_embedder import OpenAIEmbedder
from streams.config import OpenAIConfig
from tests.integration.system import KEY, System
from tests.waiting import until

pytestmark = pytest.mark.stack

ROWS = 1_000
SAMPLE = 50
TEXT = "Article {} is about what stands under {}."


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


def make_original(client: MilvusClient, name: str, rows: list[dict[str, object]]) -> None:
    """A collection with names, ids, lengths and a metric of its makers' own."""
    first = rows[0]["vec"]
    assert isinstance(first, list)
    fields = [
        FieldSchema("article_no", DataType.INT64, is_primary=True),
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


@pytest.mark.timeout(500)
async def test_a_thousand_rows_with_integer_ids_are_adopted_for_the_price_of_a_sample(
    system: System, tmp_path
):
    name = f"{system.name}_original"
    adopt = (
        *("adopt", "--collection", name, "--id-field", "article_no", "--vector-field", "vec"),
        *("--source", "articles", "--text-field", "body", "--sample", str(SAMPLE), "--json"),
    )
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
    client = MilvusClient(system.endpoints.milvus_uri, timeout=30, dedicated=True)
    try:
        bought = await vectors_of(system, texts)
        make_original(
            client,
            name,
            [
                {"article_no": number, "vec": [2.5 * x for x in vector], "body": text}
                for number, vector, text in zip(numbers, bought, texts, strict=True)
            ]
            + [{"article_no": 77_777, "vec": bought[0], "body": "of no article"}],
        )
        before = await asyncio.to_thread(dump, client, name)
        left = tmp_path / "unmatched.jsonl"
        found = json.loads(await system.hotswap(*adopt, "--unmatched", str(left)))
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
    finally:
        client.drop_collection(name, timeout=30)
        client.close()


async def documents_are(system: System, count: int) -> bool:
    return sum((await system.log.ends(system.settings.kafka.topics.documents)).values()) >= count
