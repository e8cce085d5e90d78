"""Verify finds what is wrong with a lane, and nothing that is not."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import replace

import numpy as np
import pytest

from schemas import Document, Finding, Fingerprint, Reason, Verdict, VerifyReport
from streams.adapters.memory_log import MemoryLog
from streams.adapters.memory_store import MemoryStore
from streams.adapters.partitioning import partition_of
from streams.config import TopicsConfig
from streams.core.dead_letters import dead_letter_record
from streams.core.text import content_hash
from streams.errors import ConfigurationError, DriftError, TransientError
from streams.ports import LogRecord, NewRecord, Row, ScannedRow, TopicSpec
from streams.services import findings
from streams.services.verification import Phase, Progress, verify

TOPICS = TopicsConfig(documents_partitions=3, dead_letters_partitions=1)
PINNED = Fingerprint(provider="memory", model="m", dimensions=4)
GROUP = "hotswap-embed-ollama"
COLLECTION = "documents_ollama"
UNIT = np.full(4, 0.5, dtype=np.float32)


class Lane:
    """Documents, and a lane that follows them only where a test says so."""

    def __init__(self) -> None:
        self.log = MemoryLog()
        self.store = MemoryStore()
        self.progress: list[Progress] = []
        self.places: dict[str, tuple[int, int]] = {}

    async def setup(self) -> "Lane":
        await self.log.create(TopicSpec(TOPICS.documents, 3, 1, {"cleanup.policy": "compact"}))
        await self.log.create(TopicSpec(TOPICS.dead_letters, 1, 1))
        await self.store.create(COLLECTION, PINNED)
        return self

    async def document(self, id_: str, text: str | None) -> tuple[int, int]:
        """Append a document, or its delete, without telling the lane."""
        value = None if text is None else _document(id_, text).encode()
        (place,) = await self.log.append([NewRecord(TOPICS.documents, id_.encode(), value)])
        self.places[id_] = place
        return place

    async def row(self, id_: str, text: str, **other: object) -> None:
        """Write the row that belongs to the newest document, but for `other`."""
        shard, version = self.places.get(id_, (0, 0))
        row = Row(
            id=id_,
            embedding=UNIT,
            source="s",
            key={"id": id_},
            shard=shard,
            version=version,
            content_hash=content_hash(text),
            metadata={},
            text_bytes=len(text),
            embedded_at=0,
        )
        await self.store.upsert(COLLECTION, [replace(row, **other)])  # type: ignore[arg-type]

    async def both(self, id_: str, text: str) -> None:
        await self.document(id_, text)
        await self.row(id_, text)

    async def caught_up(self) -> None:
        self.log.commit(GROUP, TOPICS.documents, await self.log.ends(TOPICS.documents))

    async def dead_letter(self, id_: str, stage: str = "embed:ollama") -> None:
        partition, offset = self.places[id_]
        original = LogRecord(TOPICS.documents, partition, offset, id_.encode(), b"{}")
        letter = dead_letter_record(
            TOPICS.dead_letters,
            original,
            stage=stage,
            reason=Reason.REFUSED_BY_EMBEDDER,
            detail="",
            document_id=id_,
            max_bytes=100_000,
        )
        await self.log.append([letter])

    async def verified(self, **more: object) -> VerifyReport:
        await self.caught_up()
        return await self.verify(**more)

    async def verify(self, **more: object) -> VerifyReport:
        asked = {
            "lane": "ollama",
            "collection": COLLECTION,
            "fingerprint": PINNED,
            "group": GROUP,
            "topics": TOPICS,
            "log": self.log,
            "store": self.store,
            "wait_seconds": 0.0,
            "on_progress": self.progress.append,
        }
        return await verify(**asked | more)  # type: ignore[arg-type]


def _document(id_: str, text: str) -> Document:
    return Document(
        id=id_,
        source="s",
        key={"id": id_},
        text=text,
        content_hash=content_hash(text),
        position="1",
    )


@pytest.fixture
async def lane() -> Lane:
    lane = await Lane().setup()
    for number in range(30):
        await lane.both(f"s/{number:02}", f"text {number}")
    return lane


def found(report: VerifyReport) -> dict[str, int]:
    return {str(finding): count for finding, count in report.counts.items() if count}


def sampled(report: VerifyReport, finding: Finding) -> list[str]:
    return [sample.id for sample in report.samples[finding]]


async def test_a_lane_that_holds_every_document_is_clean(lane):
    report = await lane.verified()
    assert (report.verdict, found(report)) == (Verdict.CLEAN, {})
    assert (report.documents, report.rows, report.newer) == (30, 30, 0)
    assert [shard.shard for shard in report.shards] == [0, 1, 2]
    assert sum(shard.documents for shard in report.shards) == 30
    assert report.snapshot == await lane.log.ends(TOPICS.documents)


async def test_an_empty_lane_of_no_documents_is_clean():
    report = await (await Lane().setup()).verified()
    assert (report.verdict, report.documents, report.rows) == (Verdict.CLEAN, 0, 0)


async def test_every_kind_of_difference_is_found_and_named(lane):
    await lane.document("s/00", "changed")
    await lane.document("s/01", None)
    await lane.store.delete(COLLECTION, ["s/02"])
    await lane.row("s/03", "text 3", embedding=2 * UNIT)
    await lane.row("s/no-document", "x")
    report = await lane.verified()
    assert report.verdict is Verdict.DIFFERENT
    assert found(report) == {"missing": 1, "extra": 2, "stale": 1, "malformed": 1}
    assert sampled(report, Finding.MISSING) == ["s/02"]
    assert sorted(sampled(report, Finding.EXTRA)) == ["s/01", "s/no-document"]
    assert sampled(report, Finding.STALE) == ["s/00"]
    assert sampled(report, Finding.MALFORMED) == ["s/03"]
    assert report.reason == "1 missing, 2 extra, 1 stale, 1 malformed"
    (sample,) = report.samples[Finding.STALE]
    assert f"version {lane.places['s/00'][1]}, hash {content_hash('changed')}" == sample.expected
    assert f"hash {content_hash('text 0')}" in sample.found


async def test_the_same_lane_gives_the_same_report(lane):
    for number in range(0, 30, 2):
        await lane.store.delete(COLLECTION, [f"s/{number:02}"])
    one, two = await lane.verified(), await lane.verified()
    assert len(one.samples[Finding.MISSING]) == 10
    assert one.counts[Finding.MISSING] == 15
    assert one.samples == two.samples
    assert one.shards == two.shards


async def test_a_vector_of_other_dimensions_is_malformed(lane):
    row = lane.store._collections[COLLECTION].rows["s/07"]
    row["embedding"] = [1.0]
    assert found(await lane.verified()) == {"malformed": 1}
    assert found(await lane.verified(vectors=False)) == {}


async def test_a_row_in_another_shard_is_misplaced_and_its_document_not_missing(lane):
    home = lane.places["s/07"][0]
    await lane.row("s/07", "text 7", shard=(home + 1) % 3)
    assert found(await lane.verified()) == {"misplaced": 1}


async def test_a_row_of_a_shard_that_does_not_exist_is_misplaced(lane):
    await lane.row("s/07", "text 7", shard=99)
    report = await lane.verified()
    assert found(report) == {"misplaced": 1}
    assert report.samples[Finding.MISPLACED][0].found == "shard 99"


async def test_a_row_that_is_there_twice_is_a_duplicate(lane):
    report = await lane.verified(store=_Doubling(lane.store, "s/07", always=True))
    assert found(report) == {"duplicate": 1}


async def test_a_row_that_one_scan_met_twice_is_none(lane):
    report = await lane.verified(store=_Doubling(lane.store, "s/07", always=False))
    assert report.verdict is Verdict.CLEAN


class _Doubling(MemoryStore):
    """Shows one row twice, in one scan or in all of them."""

    def __init__(self, store: MemoryStore, id_: str, *, always: bool) -> None:
        self._collections = store._collections
        self._id = id_
        self._times = 10 if always else 1

    async def scan(
        self, collection: str, *, shard: int | None = None, vectors: bool = False
    ) -> AsyncIterator[Sequence[ScannedRow]]:
        async for page in super().scan(collection, shard=shard, vectors=vectors):
            again = [row for row in page if row.id == self._id and self._times > 0]
            self._times -= len(again)
            yield [*page, *again]


async def test_another_models_collection_is_told_with_its_differences(lane):
    pinned = PINNED.model_copy(update={"model": "other", "digest": "d"})
    report = await lane.verified(fingerprint=pinned)
    assert report.verdict is Verdict.DIFFERENT
    assert report.fingerprint_differences == {"model": ("other", "m"), "digest": ("d", "None")}
    assert found(report) == {"wrong_fingerprint": 30}


@pytest.mark.parametrize("how", ["never embedded", "older version left"])
async def test_a_dead_lettered_document_is_counted_apart(lane, how):
    if how == "never embedded":
        await lane.document("s/dead", "bad")
        await lane.dead_letter("s/dead")
    else:
        await lane.document("s/07", "bad")
        await lane.dead_letter("s/07")
    report = await lane.verified()
    assert report.verdict is Verdict.CLEAN
    assert found(report) == {"dead_lettered": 1}
    assert "1 document has a dead letter" in report.reason


async def test_a_dead_letter_of_an_older_version_excuses_nothing(lane):
    await lane.document("s/07", "bad")
    await lane.dead_letter("s/07")
    await lane.document("s/07", "good again")
    assert found(await lane.verified()) == {"stale": 1}


async def test_a_dead_letter_of_another_partition_excuses_nothing(lane):
    partition, offset = await lane.document("s/dead", "bad")
    lane.places["s/dead"] = ((partition + 1) % 3, offset)
    await lane.dead_letter("s/dead")
    assert found(await lane.verified()) == {"missing": 1}


@pytest.mark.parametrize("stage", ["embed:cloud", "normalise"])
async def test_a_dead_letter_of_another_stage_excuses_nothing(lane, stage):
    await lane.document("s/dead", "bad")
    await lane.dead_letter("s/dead", stage)
    assert found(await lane.verified()) == {"missing": 1}


async def test_a_dead_letter_does_not_excuse_a_row_that_should_not_be_there(lane):
    await lane.document("s/07", None)
    await lane.dead_letter("s/07")
    assert found(await lane.verified()) == {"extra": 1}


async def test_a_key_that_is_no_document_id_never_reaches_the_store(lane):
    await lane.log.append([NewRecord(TOPICS.documents, b'x" or 1==1', b"{}")])
    await lane.log.append([NewRecord(TOPICS.documents, b"\xff", b"{}")])
    report = await lane.verified()
    assert found(report) == {"missing": 2}


async def test_a_row_whose_id_is_no_document_id_is_extra(lane):
    rows = lane.store._collections[COLLECTION].rows
    rows["crafted"] = rows["s/07"] | {"id": 'x" or 1==1'}
    assert found(await lane.verified()) == {"extra": 1}


async def test_a_lane_that_lags_is_inconclusive_and_says_by_how_much(lane):
    await lane.caught_up()
    place = await lane.document("s/new", "n")
    report = await lane.verify()
    assert report.verdict is Verdict.INCONCLUSIVE
    assert report.lag == {place[0]: 1}
    assert report.shards == ()
    assert lane.progress[-1] == Progress(Phase.WAIT, 30, 31, {place[0]: 1})


async def test_a_lane_that_catches_up_in_time_is_compared(lane):
    await lane.document("s/new", "n")

    async def follow() -> None:
        await lane.row("s/new", "n")
        await lane.caught_up()

    class Following(MemoryLog):
        """Lets the lane finish after the first look at its offsets."""

        async def committed(self, group: str, topic: str) -> dict[int, int]:
            before = await super().committed(group, topic)
            await follow()
            return before

    lane.log.__class__ = Following
    report = await lane.verify(wait_seconds=30.0)
    assert report.verdict is Verdict.CLEAN
    assert report.documents == 31


async def test_a_group_can_not_commit_offsets_that_hold_no_record(lane):
    await lane.caught_up()
    await lane.document("s/00", "gone with retention")
    partition, offset = lane.places["s/00"]
    lane.log.expire(TOPICS.documents, {partition: offset + 1})
    for number in range(30):
        if lane.places[f"s/{number:02}"][0] == partition:
            await lane.store.delete(COLLECTION, [f"s/{number:02}"])
    report = await lane.verify()
    assert (report.verdict, report.lag) == (Verdict.CLEAN, {})


async def test_what_is_written_after_the_snapshot_is_left_out(lane):
    """A store in which the lane goes on working while it is scanned."""
    await lane.caught_up()

    class Working(MemoryStore):
        async def scan(
            self, collection: str, *, shard: int | None = None, vectors: bool = False
        ) -> AsyncIterator[Sequence[ScannedRow]]:
            if shard is None:
                await lane.document("s/00", "changed and written")
                await lane.row("s/00", "changed and written")
                await lane.document("s/01", "changed and not yet written")
                await lane.document("s/02", None)
                await lane.store.delete(COLLECTION, ["s/02"])
                await lane.document("s/03", None)
                await lane.document("s/new", "new and written")
                await lane.row("s/new", "new and written")
                await lane.document("s/newer", "new and not yet written")
            async for page in super().scan(collection, shard=shard, vectors=vectors):
                yield page

    lane.store.__class__ = Working
    report = await lane.verify()
    assert (report.verdict, found(report)) == (Verdict.CLEAN, {})
    assert report.newer == 3


async def test_a_row_that_only_claims_to_be_newer_is_found(lane):
    """Its version is another document's, which came after the snapshot."""
    await lane.caught_up()
    home = lane.places["s/07"][0]
    ends = await lane.log.ends(TOPICS.documents)
    await lane.row("s/07", "text 7", version=ends[home])
    await lane.row("s/stray", "stray", shard=home, version=ends[home])

    class Working(MemoryStore):
        async def scan(
            self, collection: str, *, shard: int | None = None, vectors: bool = False
        ) -> AsyncIterator[Sequence[ScannedRow]]:
            while (await lane.log.ends(TOPICS.documents)) == ends:
                await lane.log.append([NewRecord(TOPICS.documents, b"s/00", None, partition=home)])
            async for page in super().scan(collection, shard=shard, vectors=vectors):
                yield page

    lane.store.__class__ = Working
    report = await lane.verify()
    assert {"stale": 1, "extra": 1}.items() <= found(report).items()
    assert sampled(report, Finding.STALE) == ["s/07"]


async def test_much_that_is_wrong_is_settled_lot_by_lot(lane, monkeypatch):
    monkeypatch.setattr(findings, "_MOST_WAITING", 4)
    differences: list[str] = []
    for number in range(12):
        await lane.store.delete(COLLECTION, [f"s/{number:02}"])
    for number in range(12, 24):
        await lane.row(f"s/{number}", "another text")
    report = await lane.verified(
        on_found=lambda suspects: differences.extend(suspect.id for suspect in suspects)
    )
    assert found(report) == {"missing": 12, "stale": 12}
    assert sorted(differences) == [f"s/{number:02}" for number in range(24)]


async def test_a_row_that_is_there_twice_and_once_stale_counts_once(lane):
    """Milvus may keep both rows of an id, and shows either when it is asked for it."""
    shard, version = lane.places["s/07"]
    right = ScannedRow("s/07", shard, version, content_hash("text 7"), UNIT)
    await lane.row("s/07", "older")

    class Both(MemoryStore):
        async def scan(
            self, collection: str, *, shard: int | None = None, vectors: bool = False
        ) -> AsyncIterator[Sequence[ScannedRow]]:
            async for page in super().scan(collection, shard=shard, vectors=vectors):
                yield [*page, right]

    lane.store.__class__ = Both
    assert found(await lane.verified()) == {"duplicate": 1}


async def test_a_missing_document_that_compaction_takes_meanwhile_is_left_out(lane):
    """It has a newer record, or compaction would have left it."""
    await lane.caught_up()
    await lane.store.delete(COLLECTION, ["s/07"])

    class Compacting(MemoryStore):
        async def scan(
            self, collection: str, *, shard: int | None = None, vectors: bool = False
        ) -> AsyncIterator[Sequence[ScannedRow]]:
            async for page in super().scan(collection, shard=shard, vectors=vectors):
                yield page
            await lane.document("s/07", "newer")
            await lane.document("s/00", "newer")
            lane.log.compact(TOPICS.documents)

    lane.store.__class__ = Compacting
    report = await lane.verify()
    assert (found(report), report.newer) == ({}, 1)


async def test_the_dead_letters_of_another_build_excuse_nothing(lane):
    await lane.document("s/dead", "bad")
    await lane.dead_letter("s/dead", "embed:ollama:2")
    assert found(await lane.verified()) == {"missing": 1}
    second = await lane.verified(build=2)
    assert (found(second), second.build) == ({"dead_lettered": 1}, 2)


async def test_what_a_scan_raises_ends_the_verification(lane):
    class Broken(MemoryStore):
        async def scan(
            self, collection: str, *, shard: int | None = None, vectors: bool = False
        ) -> AsyncIterator[Sequence[ScannedRow]]:
            async for page in super().scan(collection, shard=shard, vectors=vectors):
                yield page
                raise TransientError("Milvus is away")

    lane.store.__class__ = Broken
    with pytest.raises(TransientError, match="Milvus is away"):
        await lane.verified()


async def test_a_row_that_was_only_late_is_no_difference(lane):
    """It comes between the scan and the second look."""
    await lane.document("s/late", "late")

    class Late(MemoryStore):
        async def versions(self, collection, ids):
            await lane.row("s/late", "late")
            return await super().versions(collection, ids)

    lane.store.__class__ = Late
    assert found(await lane.verified()) == {}


async def test_compaction_of_documents_changes_nothing(lane):
    for number in range(10):
        await lane.document(f"s/{number:02}", "newer")
        await lane.row(f"s/{number:02}", "newer")
    for number in range(10, 15):
        await lane.document(f"s/{number:02}", None)
        await lane.store.delete(COLLECTION, [f"s/{number:02}"])
    before = await lane.verified()
    lane.log.compact(TOPICS.documents, drop_tombstones=True)
    after = await lane.verified()
    assert before.verdict is after.verdict is Verdict.CLEAN
    assert before.documents == after.documents == 25


async def test_versions_beyond_the_end_of_the_log_mean_another_topic(lane):
    await lane.row("s/07", "text 7", version=10_000)
    with pytest.raises(DriftError, match=r"(?s)deleted and made again: start a new build"):
        await lane.verified()


async def test_another_number_of_partitions_means_another_topic(lane):
    with pytest.raises(DriftError, match=r"(?s)partitions: expected 12, found 3.*new build"):
        await lane.verified(topics=TopicsConfig(documents_partitions=12))


async def test_a_collection_that_is_not_there_is_named(lane):
    with pytest.raises(ConfigurationError, match="collection elsewhere: is absent"):
        await lane.verified(collection="elsewhere")


async def test_progress_ends_where_it_said_it_would(lane):
    report = await lane.verified()
    compared = [step for step in lane.progress if step.phase is Phase.COMPARE]
    assert compared[-1].done == compared[-1].total == sum(report.snapshot.values()) + 30
    assert [step.done for step in compared] == sorted(step.done for step in compared)


async def test_the_memory_log_and_the_lane_agree_on_the_shard(lane):
    assert all(partition_of(i.encode(), 3) == place[0] for i, place in lane.places.items())


async def test_a_report_survives_json(lane):
    await lane.store.delete(COLLECTION, ["s/02"])
    report = await lane.verified()
    assert VerifyReport.decode(report.encode()) == report
