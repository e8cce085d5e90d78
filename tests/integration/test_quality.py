"""Quality on the real stack: what a good model keeps, a crippled one does not."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from schemas import Observation, QualityObservation, parse_observation
from streams.core.identity import document_id
from streams.core.text import clean, content_hash
from streams.ports import Row
from streams.services.open import open_embedder
from tests.integration.system import LANES, System

pytestmark = [pytest.mark.stack, pytest.mark.timeout(600)]

JUDGED = Path(__file__).parents[1] / "unit" / "quality" / "cranfield"
DOCUMENTS = 200
IN_A_CALL = 25
BUDGET_BYTES = 1_200
"""What the smallest model takes."""


def abstracts(fixtures: Path) -> dict[int, str]:
    """The first Cranfield documents: number → text."""
    documents = json.loads((fixtures / "cranfield" / "documents.json").read_text("utf-8"))
    return {
        document["id"]: clean(document["body"], BUDGET_BYTES).value
        for document in documents[:DOCUMENTS]
    }


async def fill(system: System, lane: str, texts: dict[int, str]) -> list[Row]:
    """Put the texts' vectors into the lane's collection, as its worker would."""
    filled = []
    embedder = open_embedder(system.settings, lane)
    try:
        numbers = list(texts)
        for start in range(0, len(numbers), IN_A_CALL):
            some = numbers[start : start + IN_A_CALL]
            vectors = await embedder.embed([texts[number] for number in some])
            rows = [
                Row(
                    id=document_id("articles", [number]),
                    embedding=vector,
                    source="articles",
                    key={"id": number},
                    shard=number % 3,
                    version=number,
                    content_hash=content_hash(texts[number]),
                    metadata={},
                    text_bytes=len(texts[number].encode()),
                    embedded_at=1,
                )
                for number, vector in zip(some, vectors, strict=True)
            ]
            await system.store.upsert(system.collection(lane), rows)
            filled += rows
    finally:
        await embedder.close()
    return filled


def judgments_of(system: System, texts: dict[int, str]) -> Path:
    """The judgments of these documents only."""
    heading, *lines = (JUDGED / "qrels.tsv").read_text("utf-8").splitlines()
    path = system.folder / "qrels.tsv"
    kept = [line for line in lines if int(line.split("\t")[1]) in texts]
    path.write_text("\n".join([heading, *kept]), encoding="utf-8")
    return path


async def quality(system: System, judgments: Path, out: str) -> dict[str, Any]:
    """What `hotswap quality` prints."""
    printed = await system.hotswap(
        "quality",
        *("--queries", str(JUDGED / "queries.jsonl")),
        *("--qrels", str(judgments)),
        *("--source", "articles", "--out", str(system.folder / out), "--json"),
    )
    result: dict[str, Any] = json.loads(printed)
    return result


async def observations(system: System) -> list[Observation]:
    """All that stands on `observations`."""
    records = await system.records(system.settings.kafka.topics.observations)
    return [parse_observation(record.value or b"") for record in records]


ONLY_QUALITY = """
[gate]
off = ["duration", "samples", "coverage", "lag", "dead-letters", "embedding", "embedding-source",
       "search", "search-source", "errors", "timeouts", "agreement"]
"""


async def gate(system: System, status: int) -> dict[str, Any]:
    """What `hotswap gate` makes of the newest quality."""
    printed = await system.hotswap("gate", "--json", "--dry-run", status=status)
    said: dict[str, Any] = json.loads(printed)
    judged: dict[str, dict[str, Any]] = {each["criterion"]: each for each in said["criteria"]}
    assert judged["quality"]["verdict"] == said["verdict"]
    return judged["quality"]


async def test_a_good_model_keeps_its_quality_and_a_crippled_one_clearly_does_not(
    system: System, fixtures: Path
):
    configuration = system.folder / "hotswap.toml"
    configuration.write_text(configuration.read_text("utf-8") + ONLY_QUALITY, encoding="utf-8")
    texts = abstracts(fixtures)
    judgments = judgments_of(system, texts)
    rows = {lane: await fill(system, lane, texts) for lane in LANES}
    good = await quality(system, judgments, "good")
    passed = await gate(system, status=0)

    vectors = [row.embedding for row in rows["ollama"]]
    shuffled = [
        replace(row, embedding=vector)
        for row, vector in zip(rows["ollama"], [*vectors[1:], vectors[0]], strict=True)
    ]
    await system.store.upsert(system.collection("ollama"), shuffled)
    crippled = await quality(system, judgments, "crippled")
    failed = await gate(system, status=1)

    for result in (good, crippled):
        assert result["compared"] > 50
        assert result["failures"] == []
        assert result["agreement"][0]["floor"]["value"] > 0.95
        assert result["sample"]["rows"] == DOCUMENTS
    kept, lost = (result["measures"][0]["retention"] for result in (good, crippled))
    assert lost["high"] < kept["low"], (lost, kept)
    assert lost["high"] < 0.5
    assert kept["low"] > 0.9

    assert (passed["verdict"], failed["verdict"]) == ("successful", "failed")
    for judged, found in ((passed, kept), (failed, lost)):
        assert judged["value"] == f"{100 * found['low']:.1f} to {100 * found['high']:.1f} %"
        assert judged["threshold"].endswith("95 %"), judged

    near = [result["sample"]["neighbours"] for result in (good, crippled)]
    assert near[0]["agreement"] > 2 * near[1]["agreement"]
    observed = [one for one in await observations(system) if isinstance(one, QualityObservation)]
    assert [one.retention for one in observed] == [kept["value"], lost["value"]]
    report = (system.folder / "good" / "report.md").read_text("utf-8")
    assert good["sentences"][0] in report
    assert good["target"]["fingerprint"]["model"] in report
