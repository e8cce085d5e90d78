"""The database itself against `documents`, while both go on changing."""

import asyncio
from typing import Any

import orjson
import pytest

from schemas import Reason, SourceFinding, SourceReport, Verdict
from schemas.dead_letter import ResolutionKind
from streams.adapters.memory_database import MemoryDatabase
from streams.adapters.memory_log import MemoryLog
from streams.config import Settings
from streams.core.dead_letters import dead_letter_record
from streams.errors import ConfigurationError
from streams.ports import NewRecord, ReplicaIdentity, ReplicationSlot, Table, TopicSpec
from streams.services.control import ControlLog
from streams.services.dead_letters import find, resolve
from streams.services.normaliser import Normaliser
from streams.services.open import source_of
from streams.services.verify_source import SourcePhase, SourceProgress, _limits, verify_source

CONFIGURATION: dict[str, Any] = {
    "kafka": {"topics": {"documents_partitions": 3, "dead_letters_partitions": 1}},
    "sources": [
        {
            "name": "articles",
            "topic": "cdc.public.articles",
            "key": ["id"],
            "text": "{body}",
            "metadata": ["views", "gone"],
        },
        {
            "name": "parts",
            "topic": "cdc.public.parts",
            "key": ["book", "number"],
            "text": "{body}",
        },
    ],
    "lanes": {"ollama": {"provider": "ollama", "hosts": ["http://127.0.0.1:1"], "model": "m"}},
    "connect": {"config": {"database.hostname": "127.0.0.1"}},
}
SETTINGS = Settings.model_validate(CONFIGURATION)
GROUP = SETTINGS.group("normalise")
ARTICLES = Table(
    "public.articles",
    {"id": "integer", "body": "text", "views": "integer", "unused": "interval"},
    ("id",),
    ReplicaIdentity.DEFAULT,
    estimated_rows=10,
)
PARTS = Table(
    "public.parts",
    {"book": "text", "number": "integer", "body": "text"},
    ("number", "book"),
    ReplicaIdentity.DEFAULT,
)
DEFAULT_SLOT = ReplicationSlot("hotswap", active=True, plugin="pgoutput", behind_bytes=0)


class World:
    """Tables, their change topics, and a normaliser that works when it is told to."""

    def __init__(self) -> None:
        self.database = MemoryDatabase(
            {ARTICLES.name: (ARTICLES, []), PARTS.name: (PARTS, [])},
            slots={"hotswap": DEFAULT_SLOT},
        )
        self.now = 1_000
        self.log = MemoryLog(clock=self.tick)
        self.progress: list[SourceProgress] = []
        self.normalised: dict[str, int] = {}

    def tick(self) -> int:
        self.now += 1
        return self.now

    async def begin(self) -> "World":
        for topic, partitions in (("documents", 3), ("dead-letters", 1), ("control", 1)):
            await self.log.create(TopicSpec(topic, partitions, 1))
        for source in SETTINGS.sources:
            await self.log.create(TopicSpec(source.topic, 1, 1))
        return self

    def rows(self, table: str = "articles") -> list[dict[str, Any]]:
        return self.database.tables[f"public.{table}"][1]

    async def write(self, *numbers: int, body: Any = "Text", views: int = 0) -> None:
        """Insert or update articles, and have all of it done by the connector and normaliser."""
        for number in numbers:
            row = {"id": number, "body": body, "views": views, "unused": None}
            self.rows()[:] = [one for one in self.rows() if one["id"] != number] + [row]
            await self.publish(row)
        await self.normalise()

    async def publish(self, row: dict[str, Any] | None, number: int = 0) -> None:
        """The connector's event of an article; None: that it was deleted."""
        key = orjson.dumps({"id": row["id"] if row else number})
        origin = {"connector": "postgresql", "lsn": self.now, "ts_ms": self.now}
        event = {"op": "u" if row else "d", "before": None, "after": row, "source": origin}
        await self.log.append([NewRecord("cdc.public.articles", key, orjson.dumps(event))])

    async def normalise(self) -> None:
        normaliser = Normaliser(
            {source.topic: source_of(source) for source in SETTINGS.sources},
            self.log,
            ControlLog(self.log, "control"),
            topics=SETTINGS.kafka.topics,
            limits=_limits(SETTINGS),
            worker="w",
        )
        for source in SETTINGS.sources:
            done = self.normalised.get(source.topic, 0)
            async for page in self.log.read(source.topic, since={0: done}):
                await normaliser.process(page, lambda: None)
                self.normalised[source.topic] = page[-1].offset + 1
            self.log.commit(GROUP, source.topic, {0: self.normalised.get(source.topic, 0)})

    async def document(self, identifier: str, value: bytes | None) -> None:
        await self.log.append([NewRecord("documents", identifier.encode(), value)])

    async def verify(self, wait: float = 0.0, settings: Settings = SETTINGS) -> SourceReport:
        return await verify_source(
            settings, self.log, self.database, wait_seconds=wait, on_progress=self.progress.append
        )

    def when(self, call: str, *actions: Any, of: Any = None) -> None:
        """Run the next of `actions` each time before this method is called."""
        target = of or self.database
        real, waiting = getattr(target, call), list(actions)

        async def wrapped(*args, **options):
            if waiting:
                await waiting.pop(0)()
            return await real(*args, **options)

        setattr(target, call, wrapped)


@pytest.fixture
async def world() -> World:
    return await World().begin()


def found(report: SourceReport, source: str = "articles") -> dict[str, list[str]]:
    (one,) = [each for each in report.sources if each.source == source]
    for finding, samples in one.samples.items():
        assert len(samples) == min(10, one.counts[finding])
    return {str(finding): [s.id for s in samples] for finding, samples in one.samples.items()}


async def test_tables_whose_documents_are_all_there_are_clean(world):
    await world.write(1, 2, 3)
    await world.write(4, body="  ")
    report = await world.verify()
    assert (report.verdict, found(report)) == (Verdict.CLEAN, {})
    articles, parts = report.sources
    assert (articles.table, articles.rows, articles.documents) == ("public.articles", 4, 3)
    assert (articles.without_text, parts.rows) == (1, 0)
    assert report.database == "a database in memory"


async def test_empty_tables_without_topics_are_clean(world):
    log = MemoryLog()
    for topic in ("documents", "dead-letters"):
        await log.create(TopicSpec(topic, 3, 1))
    world.log = log
    assert (await world.verify()).verdict is Verdict.CLEAN


async def test_every_difference_is_found_and_named(world):
    await world.write(*range(1, 8))
    world.rows()[0]["body"] = "Changed, and no event of it came"
    world.rows()[1]["views"] = 5
    world.rows()[2]["body"] = None
    del world.rows()[3]
    await world.document("articles/5", None)
    await world.document("articles/99", (await newest(world, "articles/6")))
    report = await world.verify()
    assert report.verdict is Verdict.DIFFERENT
    assert found(report) == {
        "missing": ["articles/5"],
        "extra": ["articles/3", "articles/4", "articles/99"],
        "stale": ["articles/1"],
        "metadata": ["articles/2"],
    }
    assert report.reason == (
        "1 row without a document, 3 documents without a row, 1 document of another text,"
        " 1 document with other metadata; 1 without text"
    )


async def newest(world, identifier: str) -> bytes:
    records = [r async for page in world.log.read("documents") for r in page]
    value = [r.value for r in records if r.key == identifier.encode()][-1]
    assert isinstance(value, bytes)
    return value


async def test_keys_of_several_columns_are_compared_in_the_sources_order(world):
    world.rows("parts").append({"book": "a|b", "number": 2, "body": "Text"})
    report = await world.verify()
    assert found(report, "parts") == {"missing": ["parts/a%7Cb|2"]}


async def test_documents_of_no_source_are_left_out_and_counted(world):
    await world.write(1)
    for identifier in ("older/1", "older/2", "article/1"):
        await world.document(identifier, await newest(world, "articles/1"))
    await world.document("older/2", None)
    report = await world.verify()
    assert (report.verdict, report.other_documents) == (Verdict.CLEAN, 2)


# Rows that can be no documents


async def test_a_row_that_is_a_dead_letter_is_explained(world):
    await world.write(1, body=["a list"])
    await world.write(2)
    await world.write(2, body=["a list"])
    report = await world.verify()
    assert report.verdict is Verdict.CLEAN
    assert found(report) == {"dead_lettered": ["articles/1", "articles/2"]}
    assert "2 with a dead letter instead" in report.reason


async def test_a_row_that_can_be_no_document_and_is_no_dead_letter_is_missing(world):
    world.rows().append({"id": 1, "body": ["a list"], "views": 0, "unused": None})
    report = await world.verify()
    assert found(report) == {"missing": ["articles/1"]}
    (sample,) = report.sources[0].samples[SourceFinding.MISSING]
    assert sample.expected.startswith(f"a dead letter: {Reason.COLUMN_NOT_TEXT}")


async def test_a_row_whose_key_can_be_no_id_is_explained_by_the_letter_of_its_key(world):
    long = {"book": "x" * 600, "number": 1, "body": "Text"}
    other = {"book": "y" * 600, "number": 1, "body": "Text"}
    world.rows("parts").extend([long, other])
    key = orjson.dumps({"number": 1, "book": long["book"]})
    event = {"op": "c", "after": long, "source": {"connector": "postgresql", "lsn": 1}}
    await world.log.append([NewRecord("cdc.public.parts", key, orjson.dumps(event))])
    await world.normalise()
    report = await world.verify()
    (explained,) = found(report, "parts")["dead_lettered"]
    (missing,) = found(report, "parts")["missing"]
    assert (orjson.loads(explained)["book"][0], orjson.loads(missing)["book"][0]) == ("x", "y")


async def test_a_letter_explains_nothing_that_was_written_after_it(world):
    await world.write(1, body=["a list"])
    await world.write(1)
    world.rows()[0]["body"] = "Changed, and no event of it came"
    assert found(await world.verify()) == {"stale": ["articles/1"]}


@pytest.mark.parametrize(
    ("kind", "finding"),
    [(ResolutionKind.DISCARDED, "dead_lettered"), (ResolutionKind.REPLAYED, "missing")],
)
async def test_a_letter_that_was_put_back_explains_nothing(world, kind, finding):
    await world.write(1, body=["a list"])
    letter, record = (await find(world.log, "dead-letters", ["0-0"]))["0-0"]
    await resolve(world.log, "dead-letters", letter, record, kind, by="ann", reason="")
    assert found(await world.verify()) == {finding: ["articles/1"]}


# Meanwhile


async def test_a_normaliser_that_is_behind_leaves_the_verdict_open(world):
    await world.publish({"id": 1, "body": "Text", "views": 0, "unused": None})
    report = await world.verify()
    assert (report.verdict, report.sources) == (Verdict.INCONCLUSIVE, ())
    assert report.lag == {"cdc.public.articles/0": 1}
    assert world.progress[0] == SourceProgress(SourcePhase.WAIT, "", 0, 1)


async def test_a_row_that_comes_during_the_comparison_is_no_difference(world):
    await world.write(1)
    world.when("ends", nothing, nothing, nothing, lambda: world.write(2), of=world.log)
    world.when("lookup", lambda: world.write(3))
    report = await world.verify()
    assert (report.verdict, found(report)) == (Verdict.CLEAN, {})


async def nothing() -> None:
    pass


async def test_a_change_that_arrives_until_the_second_look_is_no_difference(world):
    await world.write(1, 2, 3)
    world.rows()[0]["body"] = "Changed"
    world.rows()[1]["views"] = 9
    gone = world.rows().pop()

    async def arrive() -> None:
        for row in world.rows():
            await world.publish(row)
        await world.publish(None, gone["id"])
        await world.normalise()

    world.when("lookup", arrive)
    assert (await world.verify()).verdict is Verdict.CLEAN


async def test_a_row_that_was_taken_back_until_the_second_look_is_no_difference(world):
    await world.write(1)
    world.rows()[0]["body"] = "Changed for a moment"

    async def take_back() -> None:
        world.rows()[0]["body"] = "Text"

    world.when("lookup", take_back)
    assert (await world.verify()).verdict is Verdict.CLEAN


async def test_a_row_that_changes_while_its_document_stands_still_leaves_the_verdict_open(world):
    await world.write(1)
    world.rows()[0]["body"] = "Changed"

    async def change() -> None:
        world.rows()[0]["body"] += "!"

    world.when("lookup", change)
    report = await world.verify()
    assert (report.verdict, report.sources[0].unsettled) == (Verdict.INCONCLUSIVE, 1)


async def test_a_document_that_changes_while_its_row_stands_still_leaves_the_verdict_open(world):
    await world.write(1, 2)
    world.rows()[0]["body"] = "Changed"

    async def other() -> None:
        await world.document("articles/1", await newest(world, "articles/2"))

    world.when("lookup", other)
    report = await world.verify()
    assert (report.verdict, report.sources[0].unsettled) == (Verdict.INCONCLUSIVE, 1)


async def test_a_row_that_changes_faster_than_it_can_be_read_is_left_out(world):
    await world.write(1)
    world.rows()[0]["body"] = "Changed"

    async def change() -> None:
        await world.write(1, body=f"Changed at {world.now}")
        world.rows()[0]["body"] = "And again, its event not yet there"

    world.when("lookup", change)
    report = await world.verify()
    assert (report.verdict, report.sources[0].changing) == (Verdict.CLEAN, 1)


async def test_differences_are_looked_at_until_they_stand_still_or_go_away(world, monkeypatch):
    monkeypatch.setattr("streams.services.source_looks._PAUSE_SECONDS", 0.001)
    monkeypatch.setattr("streams.services.source_looks._STILL_SECONDS", 0.05)
    await world.write(1, 2)
    world.rows()[0]["body"] = world.rows()[1]["body"] = "Changed"

    async def arrive() -> None:
        await world.publish(world.rows()[0])
        await world.normalise()

    world.when("lookup", nothing, nothing, arrive)
    report = await world.verify(wait=60.0)
    assert found(report) == {"stale": ["articles/2"]}
    left = [one.done for one in world.progress if one.phase is SourcePhase.AGAIN]
    assert (left[0], left[-1]) == (0, 1)


async def test_a_row_that_changes_once_more_must_stand_still_anew(world, monkeypatch):
    monkeypatch.setattr("streams.services.source_looks._PAUSE_SECONDS", 0.001)
    loop = asyncio.get_running_loop()
    real, later = loop.time, [0.0]
    monkeypatch.setattr(loop, "time", lambda: real() + later[0])
    await world.write(1)
    world.rows()[0]["body"] = "Changed"

    async def change() -> None:
        world.rows()[0]["body"] = "Changed again, long after"
        later[0] += 11

    async def arrive() -> None:
        await world.publish(world.rows()[0])
        await world.normalise()

    world.when("lookup", nothing, change, nothing, arrive)
    assert (await world.verify(wait=60.0)).verdict is Verdict.CLEAN


async def test_a_letter_of_a_lane_explains_no_row(world):
    await world.write(1)
    world.rows()[0]["body"] = "Changed, and no event of it came"
    (record,) = [r async for page in world.log.read("documents") for r in page]
    letter = dead_letter_record(
        "dead-letters",
        record,
        stage="embed:ollama",
        reason=Reason.REFUSED_BY_EMBEDDER,
        detail="",
        document_id="articles/1",
        max_bytes=100_000,
    )
    await world.log.append([letter])
    assert found(await world.verify()) == {"stale": ["articles/1"]}


async def test_a_row_that_never_rests_does_not_hold_up_the_others(world, monkeypatch):
    monkeypatch.setattr("streams.services.source_looks._PAUSE_SECONDS", 0.001)
    monkeypatch.setattr("streams.services.source_looks._STILL_SECONDS", 0.05)
    await world.write(1, 2)
    world.rows()[0]["body"] = world.rows()[1]["body"] = "Changed"

    async def change() -> None:
        await world.write(1, body=f"Changed at {world.now}")
        world.rows()[-1]["body"] = f"And again at {world.now}, its event not yet there"

    world.when("lookup", *[change] * 10_000)
    report = await world.verify(wait=3_600.0)
    assert (report.sources[0].changing, found(report)) == (1, {"stale": ["articles/2"]})


async def test_a_normaliser_that_stops_meanwhile_leaves_the_verdict_open(world):
    await world.write(1)
    world.rows()[0]["body"] = "Changed"
    world.when("lookup", lambda: world.publish(world.rows()[0]))
    report = await world.verify()
    assert report.verdict is Verdict.INCONCLUSIVE
    assert report.lag == {"cdc.public.articles/0": 1}


@pytest.mark.parametrize(
    ("slot", "told"),
    [
        (None, "no replication slot hotswap"),
        (ReplicationSlot("hotswap", False, "pgoutput", 1), "slot hotswap is idle"),
        (ReplicationSlot("hotswap", False, "pgoutput", 1, lost=True), "no longer holds"),
    ],
)
async def test_a_connector_that_does_not_read_is_told_beside_what_differs(world, slot, told):
    world.database.slots = {"hotswap": slot} if slot else {}
    assert (await world.verify()).verdict is Verdict.CLEAN
    world.rows().append({"id": 1, "body": "New", "views": 0, "unused": None})
    assert told in (await world.verify()).reason


async def test_progress_is_told_of_every_phase(world):
    await world.write(1, 2)
    world.rows()[0]["body"] = "Changed"
    await world.verify()
    phases = list(dict.fromkeys(one.phase for one in world.progress))
    assert phases == list(SourcePhase)
    assert all(one.total is None or 0 <= one.done <= one.total for one in world.progress)
    assert SourceProgress(SourcePhase.ROWS, "articles", 2, 10) in world.progress


async def test_the_bar_of_the_documents_gets_to_its_end_over_what_compaction_has_taken(world):
    await world.write(*range(12))
    for partition in world.log._of("documents"):
        del partition.records[:-1]
    await world.verify()
    (*_, last) = [one for one in world.progress if one.phase is SourcePhase.DOCUMENTS]
    assert last.done == last.total == 12


async def test_rows_beyond_the_databases_estimate_have_no_total_until_they_are_read(world):
    await world.write(*range(11))
    world.rows("parts").append({"book": "a", "number": 1, "body": "Text"})
    await world.verify()
    told = [
        (one.source, one.done, one.total) for one in world.progress if one.phase is SourcePhase.ROWS
    ]
    assert told == [
        ("articles", 11, None),
        ("articles", 11, 11),
        ("parts", 1, None),
        ("parts", 1, 1),
    ]


# What can not be compared


def changed(**sources: Any) -> Settings:
    first, second = CONFIGURATION["sources"]
    return Settings.model_validate({**CONFIGURATION, "sources": [{**first, **sources}, second]})


@pytest.mark.parametrize(
    ("source", "told"),
    [
        ({"topic": "cdc.articles"}, r"sources\[0\]\.topic"),
        ({"topic": "cdc.public.others"}, r"articles: the database has no table 'public\.others'"),
        ({"key": ["body"]}, r"articles: body is not the primary key of public\.articles, id"),
        ({"text": "{title}"}, r"articles: public\.articles has no column 'title'"),
    ],
)
async def test_a_source_that_is_no_such_table_is_named(world, source, told):
    with pytest.raises(ConfigurationError, match=told):
        await world.verify(settings=changed(**source))


@pytest.mark.parametrize(
    ("entry", "value"),
    [
        ("time.precision.mode", "isostring"),
        ("binary.handling.mode", "hex"),
        ("transforms", "route"),
        ("converters", "mine"),
        ("column.mask.hash.SHA-256.with.salt.x", "public.articles.body"),
        ("column.exclude.list", "public.articles.unused"),
        ("snapshot.select.statement.overrides", "public.articles"),
    ],
)
async def test_an_entry_that_changes_what_events_hold_is_named(world, entry, value):
    settings = Settings.model_validate({**CONFIGURATION, "connect": {"config": {entry: value}}})
    with pytest.raises(ConfigurationError, match=entry.replace(".", r"\.")):
        await world.verify(settings=settings)


async def test_a_key_that_the_connector_is_told_to_use_may_be_another(world):
    settings = Settings.model_validate(
        {
            **CONFIGURATION,
            "sources": [{**CONFIGURATION["sources"][0], "key": ["views"]}],
            "connect": {"config": {"message.key.columns": r"public\.articles:views"}},
        }
    )
    assert (await world.verify(settings=settings)).verdict is Verdict.CLEAN
