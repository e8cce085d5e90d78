"""The database itself against `documents`, with everything real in between."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from schemas import Document, SourceFinding, SourceReport, Verdict
from streams.config.load import load
from streams.ports import NewRecord
from streams.services.open import open_database
from streams.services.verify_source import verify_source
from tests.contract.database.spellings import PREPARE, SPELLINGS
from tests.integration.system import System, new_system
from tests.waiting import until

pytestmark = [pytest.mark.stack, pytest.mark.timeout(600)]

COLUMNS = {f"c{place}": type_ for place, (type_, _, _) in enumerate(SPELLINGS)}
SCALARS = [name for name, type_ in COLUMNS.items() if not type_.endswith("[]")]
SOURCE = """
[[sources]]
name = "typed"
topic = "cdc.{name}.typed"
key = ["id"]
text = "row {{id}}: {text}"
metadata = [{metadata}]
"""


@pytest.fixture
async def typed(stack, tmp_path: Path) -> AsyncIterator[System]:
    """A system with one more source: a table with a column of every type that is compared."""
    async with new_system(stack.endpoints(), tmp_path) as system:
        columns = ", ".join(f"{name} {type_}" for name, type_ in COLUMNS.items())
        await system.sql(
            PREPARE.format(schema=system.name)
            + f"CREATE TABLE typed (id integer PRIMARY KEY, {columns})"
        )
        path = tmp_path / "hotswap.toml"
        source = SOURCE.format(
            name=system.name,
            text=" ".join(f"{{{name}}}" for name in SCALARS),
            metadata=", ".join(f'"{name}"' for name in COLUMNS),
        )
        path.write_text(path.read_text() + source)
        system.settings = load(path)
        yield system


async def compare(system: System, wait: float = 60.0) -> SourceReport:
    database = open_database(system.settings)
    try:
        return await verify_source(
            system.settings,
            system.log,
            database,
            wait_seconds=wait,
            on_progress=lambda _progress: None,
        )
    finally:
        await database.close()


async def documents(system: System) -> dict[str, Document]:
    newest: dict[str, Document] = {}
    for record in await system.records(system.settings.kafka.topics.documents):
        identifier = (record.key or b"").decode()
        newest.pop(identifier, None)
        if record.value is not None:
            newest[identifier] = Document.decode(record.value)
    return newest


async def until_documents(system: System, *identifiers: str) -> dict[str, Document]:
    found: dict[str, Document] = {}

    async def there() -> bool:
        found.clear()
        found.update(await documents(system))
        return found.keys() >= set(identifiers)

    await until(there, f"documents hold {identifiers}", 90, every=0.25)
    return found


async def test_a_row_of_every_type_is_its_document_from_the_snapshot_and_from_the_stream(
    typed: System,
):
    places = ", ".join(["%s"] * (1 + len(SPELLINGS)))
    insert = f"INSERT INTO typed VALUES ({places})"  # noqa: S608 - placeholders only
    values = [value for _, value, _ in SPELLINGS]
    await typed.sql(insert, (1, *values), (2, *(None for _ in values)))
    await typed.init()
    await typed.worker("normalise")
    await until_documents(typed, "typed/1", "typed/2")
    await typed.sql(insert, (3, *values))
    found = await until_documents(typed, "typed/3")

    report = await compare(typed)
    assert report.verdict is Verdict.CLEAN, report.model_dump_json(indent=2)
    (result,) = [one for one in report.sources if one.source == "typed"]
    assert (result.rows, result.documents) == (3, 3)
    spelt = [spelt for _, _, spelt in SPELLINGS]
    for identifier in ("typed/1", "typed/3"):
        assert list(found[identifier].metadata.values()) == spelt


async def test_planted_damage_is_found_while_the_tables_go_on_changing(system: System):
    await system.write(range(1, 41))
    await system.sql("INSERT INTO parts VALUES (repeat('x', 600), 1, 'Its key is too long')")
    await system.worker("normalise")
    found = await until_documents(system, *(f"articles/{n}" for n in range(1, 41)))

    async def letters() -> bool:
        return len(await system.letters()) == 1

    await until(letters, "the part is a dead letter", 60)
    assert (await compare(system)).verdict is Verdict.CLEAN

    stop = asyncio.Event()

    async def go_on() -> None:
        number = 100
        while not stop.is_set():
            number += 1
            await system.write([number, 30], f"Written as {number}")
            await system.sql("DELETE FROM articles WHERE id = %s", (number - 5,))

    topic = system.settings.kafka.topics.documents
    damage = {
        "articles/1": None,
        "articles/2": found["articles/3"].model_copy(update={"id": "articles/2"}),
        "articles/4": found["articles/4"].model_copy(update={"metadata": {"views": 99}}),
        "articles/9000000": found["articles/4"].model_copy(update={"id": "articles/9000000"}),
    }
    await system.log.append(
        [
            NewRecord(topic, identifier.encode(), document.encode() if document else None)
            for identifier, document in damage.items()
        ]
    )
    writing = asyncio.create_task(go_on())
    try:
        report = await compare(system)
    finally:
        stop.set()
        await writing
    (articles, parts) = report.sources
    assert {
        finding: [one.id for one in samples] for finding, samples in articles.samples.items()
    } == {
        SourceFinding.MISSING: ["articles/1"],
        SourceFinding.EXTRA: ["articles/9000000"],
        SourceFinding.STALE: ["articles/2"],
        SourceFinding.METADATA: ["articles/4"],
    }, report.model_dump_json(indent=2)
    assert report.verdict is Verdict.DIFFERENT
    assert parts.counts[SourceFinding.DEAD_LETTERED] == 1


async def test_a_connector_that_has_stopped_is_told_beside_the_rows_that_are_missing(
    system: System,
):
    await system.worker("normalise")
    await system.write([1])
    await until_documents(system, "articles/1")
    async with httpx.AsyncClient() as client:
        stop = f"{system.endpoints.connect_url}/connectors/{system.name}/stop"
        (await client.put(stop)).raise_for_status()
    database = open_database(system.settings)

    async def idle() -> bool:
        slot = await database.slot(f"{system.name}_slot")
        return slot is not None and not slot.active

    await until(idle, "nobody reads the slot", 60)
    await database.close()
    await system.write([2])
    report = await compare(system, wait=1.0)
    assert report.verdict is Verdict.DIFFERENT
    assert "is idle" in report.reason
    (articles, _) = report.sources
    assert [one.id for one in articles.samples[SourceFinding.MISSING]] == ["articles/2"]
