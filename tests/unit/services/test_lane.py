"""One lane over an in-memory store and log: what is stored is what `documents` says."""

from collections.abc import Sequence
from itertools import count

import pytest

from schemas import BuildStarted, DeadLetter, Document
from streams.adapters.memory_embedder import MemoryEmbedder
from streams.adapters.memory_log import MemoryLog
from streams.adapters.memory_store import MemoryStore
from streams.config import OllamaConfig, TopicsConfig
from streams.core.dead_letters import LETTER_HEADER
from streams.core.text import content_hash
from streams.errors import InputRefused, LaneHalted, OwnershipLost, TransientError
from streams.ports import LogRecord, NewRecord, Row, TopicSpec
from streams.services.budget import Budget
from streams.services.embedding import BatchEmbedder
from streams.services.gate import Pace
from streams.services.lane import Lane, LaneParts

COLLECTION = "documents_l_00000000_1"


def owned() -> None:
    """The partition is ours."""


class World:
    """A lane with its surroundings in memory."""

    def __init__(self) -> None:
        self.log, self.store, self.embedder = MemoryLog(), MemoryStore(), MemoryEmbedder(4)
        self.now = 0.0
        self.offsets = count()

    async def start(self) -> "World":
        for name in ("documents", "dead-letters"):
            await self.log.create(TopicSpec(name, 1, 1, {}))
        await self.store.create(COLLECTION, await self.embedder.identify())
        self.lane = await self.new_lane()
        return self

    async def new_lane(self) -> Lane:
        build = BuildStarted(
            id="1",
            by="t",
            lane="l",
            build=1,
            collection=COLLECTION,
            fingerprint=await self.embedder.identify(),
            documents_partitions=1,
        )
        limits = OllamaConfig.model_validate(
            {"provider": "ollama", "hosts": ["http://h:1"], "model": "m"}
        )
        parts = LaneParts(
            store=self.store,
            log=self.log,
            embedder=self.embedder,
            batch=BatchEmbedder(self.embedder, limits, Budget(), Pace(lambda: None)),
            topics=TopicsConfig(),
            record_bytes=10_000,
            now_ms=lambda: 0,
            monotonic=lambda: self.now,
        )
        return Lane(build, parts)

    def record(self, id_: str, text: str | None, views: int = 0) -> LogRecord:
        value = (
            text
            and Document(
                id=id_,
                source="articles",
                key={"id": id_},
                text=text,
                content_hash=content_hash(text),
                metadata={"views": views},
                position="1",
            ).encode()
        )
        return LogRecord("documents", 0, next(self.offsets), id_.encode(), value or None)

    async def process(self, *records: LogRecord) -> None:
        await self.lane.process(records, owned)

    async def ids(self) -> dict[str, int]:
        return {row.id: row.version async for page in self.store.scan(COLLECTION) for row in page}

    async def letters(self) -> list[DeadLetter]:
        return [
            DeadLetter.decode(dict(record.headers)[LETTER_HEADER])
            async for page in self.log.read("dead-letters")
            for record in page
        ]


@pytest.fixture
async def world() -> World:
    return await World().start()


async def test_documents_are_stored_under_their_ids_with_their_versions(world):
    await world.process(world.record("a/1", "one"), world.record("a/2", "two"))
    assert await world.ids() == {"a/1": 0, "a/2": 1}


async def test_a_replay_of_unchanged_documents_makes_no_embedding_call(world):
    records = [world.record("a/1", "one"), world.record("a/2", "two")]
    await world.process(*records)
    calls = world.embedder.calls
    await world.process(*records)
    assert world.embedder.calls == calls
    assert world.lane.counters["settled"] == 2


async def test_a_change_of_metadata_alone_reuses_the_stored_vector(world):
    await world.process(world.record("a/1", "one", views=1))
    before = await world.store.vectors(COLLECTION, ["a/1"])
    calls = world.embedder.calls
    await world.process(world.record("a/1", "one", views=2))
    assert world.embedder.calls == calls
    assert await world.ids() == {"a/1": 1}
    (hit,) = await world.store.search(COLLECTION, before["a/1"], 1)
    assert hit.metadata == {"views": 2}


async def test_two_changes_of_one_id_in_a_batch_leave_one_row(world):
    """Milvus may keep both rows of an upsert that names an id twice."""
    await world.process(world.record("a/1", "one"), world.record("a/1", "two"))
    assert await world.ids() == {"a/1": 1}
    assert await world.store.count(COLLECTION) == 1


async def test_an_older_record_that_comes_again_does_not_overwrite_a_newer_row(world):
    old, new = world.record("a/1", "old"), world.record("a/1", "new")
    await world.log.append(
        [NewRecord("documents", record.key, record.value) for record in (old, new)]
    )
    await world.process(new)
    await world.process(old)
    assert await world.ids() == {"a/1": 1}


async def test_a_delete_removes_the_row_and_an_older_create_does_not_bring_it_back(world):
    create, delete = world.record("a/1", "one"), world.record("a/1", None)
    await world.process(create)
    await world.process(delete)
    assert await world.ids() == {}
    await world.process(create, delete)
    assert await world.ids() == {}


async def test_one_refused_document_is_dead_lettered_and_the_others_are_stored(world):
    world.embedder.refuses = lambda text: text == "bad"
    await world.process(
        world.record("a/1", "good"), world.record("a/2", "bad"), world.record("a/3", "fine")
    )
    assert set(await world.ids()) == {"a/1", "a/3"}
    (letter,) = await world.letters()
    assert (letter.stage, letter.reason, letter.document_id) == (
        "embed:l",
        "refused_by_embedder",
        "a/2",
    )


@pytest.mark.parametrize(
    ("key", "value", "reason"),
    [
        (b"a/1", b"not json", "not_a_document"),
        (b"a/1", b'{"schema_version": 99}', "not_a_document"),
        (b'a/1" or 1==1', None, "not_a_document"),
        (b"\xff", None, "not_a_document"),
        (None, b"{}", "null_key"),
    ],
)
async def test_what_is_no_document_is_dead_lettered_and_nothing_else_is_touched(
    world, key, value, reason
):
    await world.process(world.record("a/9", "good"))
    bad = LogRecord("documents", 0, next(world.offsets), key, value)
    await world.process(bad, world.record("a/8", "good too"))
    assert set(await world.ids()) == {"a/8", "a/9"}
    assert [letter.reason for letter in await world.letters()] == [reason]


async def test_every_record_without_a_key_becomes_a_dead_letter_of_its_own(world):
    await world.process(*(LogRecord("documents", 0, offset, None, b"{}") for offset in (3, 4)))
    assert [letter.offset for letter in await world.letters()] == [3, 4]


async def test_a_document_of_an_unknown_version_is_dead_lettered_as_such(world):
    good = world.record("a/1", "one")
    newer = (good.value or b"").replace(b'"schema_version":1', b'"schema_version":2')
    await world.process(LogRecord("documents", 0, 7, b"a/1", newer))
    assert [letter.reason for letter in await world.letters()] == ["unknown_schema_version"]


async def test_a_document_under_another_key_is_dead_lettered(world):
    await world.process(LogRecord("documents", 0, 7, b"a/2", world.record("a/1", "one").value))
    assert [letter.reason for letter in await world.letters()] == ["key_mismatch"]
    assert await world.ids() == {}


async def test_nothing_is_written_by_a_worker_that_lost_its_partition(world):
    def lost() -> None:
        raise OwnershipLost("gone")

    with pytest.raises(OwnershipLost):
        await world.lane.process([world.record("a/1", "one")], lost)
    assert await world.ids() == {}


async def test_ownership_is_asked_for_before_each_part_of_a_write_that_is_refused(world):
    """Finding the one bad row of a large batch takes longer than losing a partition does."""
    upsert, refusals = world.store.upsert, []

    async def picky(collection: str, rows: Sequence[Row]) -> None:
        if any(row.id == "a/2" for row in rows):
            refusals.append(len(rows))
            raise InputRefused("the row is too large")
        await upsert(collection, rows)

    def lost_by_then() -> None:
        if refusals:
            raise OwnershipLost("gone")

    world.store.upsert = picky
    records = [world.record(f"a/{number}", f"text {number}") for number in range(4)]
    with pytest.raises(OwnershipLost):
        await world.lane.process(records, lost_by_then)
    assert refusals == [4]
    assert await world.ids() == {}


async def test_ownership_is_asked_for_between_the_upserts_and_the_deletes_of_a_batch(world):
    await world.process(world.record("a/1", "one"))
    upsert, upserts = world.store.upsert, []

    async def slow(collection: str, rows: Sequence[Row]) -> None:
        await upsert(collection, rows)
        upserts.append(len(rows))

    def lost_by_then() -> None:
        if upserts:
            raise OwnershipLost("gone")

    world.store.upsert = slow
    with pytest.raises(OwnershipLost):
        await world.lane.process(
            [world.record("a/2", "two"), world.record("a/1", None)], lost_by_then
        )
    assert set(await world.ids()) == {"a/1", "a/2"}


async def test_after_a_transient_error_the_same_records_are_not_embedded_again(world):
    records = [world.record("a/1", "one")]

    async def away(_collection: str, _rows: Sequence[Row]) -> None:
        raise TransientError("Milvus is away")

    upsert, world.store.upsert = world.store.upsert, away
    with pytest.raises(TransientError):
        await world.process(*records)
    world.store.upsert = upsert
    await world.process(*records)
    assert world.embedder.texts == 1
    assert await world.ids() == {"a/1": 0}


async def test_a_row_that_was_not_stored_as_written_is_found_by_the_read_back(world):
    async def forget(_collection: str, _rows: Sequence[Row]) -> None:
        """Answer well and store nothing."""

    world.store.upsert = forget
    with pytest.raises(TransientError, match="not stored as written"):
        await world.process(world.record("a/1", "one"))


async def test_a_row_that_the_store_refuses_is_dead_lettered_alone(world):
    upsert = world.store.upsert

    async def picky(collection: str, rows: Sequence[Row]) -> None:
        if any(row.id == "a/2" for row in rows):
            raise InputRefused("the row is too large")
        await upsert(collection, rows)

    world.store.upsert = picky
    await world.process(
        world.record("a/1", "x"), world.record("a/2", "y"), world.record("a/3", "z")
    )
    assert set(await world.ids()) == {"a/1", "a/3"}
    assert [letter.reason for letter in await world.letters()] == ["refused_by_store"]


async def test_a_model_that_was_replaced_under_a_running_lane_stops_it(world):
    await world.process(world.record("a/1", "one"))
    world.embedder.digest = "another"
    world.now += 60
    with pytest.raises(LaneHalted, match="digest"):
        await world.process(world.record("a/2", "two"))
    assert set(await world.ids()) == {"a/1"}


async def test_versions_beyond_the_end_of_the_log_stop_the_lane(world):
    """`documents` was deleted and made again: its offsets start anew."""
    newer = LogRecord("documents", 0, 500, b"a/1", world.record("a/1", "one").value)
    await world.process(newer)
    with pytest.raises(LaneHalted, match="made anew"):
        await world.process(world.record("a/1", "two"))
