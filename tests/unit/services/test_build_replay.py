"""A replay mends a build beside its workers, and never puts something old over something new."""

import asyncio

import numpy as np
import pytest

from schemas import Document, Pause, Stage, StageSet
from streams.core.canaries import CANARY_TEXTS
from streams.core.text import content_hash
from streams.errors import LanePaused, TransientError
from streams.ports import NewRecord, Row
from streams.services.build_replay import Replay, ReplayProgress, replay_build
from streams.services.gate import LaneGate
from streams.services.lane import Lane
from tests.unit.services.build_world import BuildWorld


def record(number: int, text: str | None) -> NewRecord:
    id_ = f"articles/{number}"
    value = None
    if text is not None:
        value = Document(
            id=id_,
            source="articles",
            key={"id": number},
            text=text,
            content_hash=content_hash(text),
            position="1",
        ).encode()
    return NewRecord("documents", id_.encode(), value)


def older_row(number: int) -> Row:
    """What a worker that missed something would have left there."""
    id_, vector = f"articles/{number}", np.eye(16, dtype=np.float32)[0]
    return Row(id_, vector, "articles", {"id": number}, 0, 0, "0" * 32, {}, 1, 1)


class ReplayWorld(BuildWorld):
    async def write(self, texts: dict[int, str | None]) -> None:
        await self.log.append([record(number, text) for number, text in texts.items()])

    async def collection(self) -> str:
        return (await self.state()).lanes["ollama"].pinned.collection

    async def stored(self) -> dict[str, str]:
        """Id → content hash of all rows."""
        pages = self.store.scan(await self.collection())
        return {row.id: row.content_hash async for page in pages for row in page}

    async def replay(self, work: Lane | None = None, **options) -> Replay:
        build = (await self.state()).lanes["ollama"].pinned
        control = self.control()
        return await replay_build(
            self.settings,
            build,
            work or await self.work(1),
            self.log,
            gate=LaneGate(lambda: control.state, "ollama", build.build),
            control=control,
            **options,
        )

    def as_written(self, texts: dict[int, str]) -> dict[str, str]:
        return {f"articles/{number}": content_hash(text) for number, text in texts.items()}


@pytest.fixture
async def world(monkeypatch) -> ReplayWorld:
    """Twenty documents that a worker has stored, some in several versions, some deleted since."""
    monkeypatch.setenv("DB_PASSWORD", "hunter2")
    made = ReplayWorld()
    await made.init()
    await made.control().append(
        StageSet(id="s", by="ann", reason="a test", force=True, to=Stage.DUALWRITE)
    )
    await made.write({number: f"text {number}" for number in range(20)})
    await made.write({number: f"newer {number}" for number in range(5)})
    await made.write(dict.fromkeys(range(15, 20)))
    await made.fill_up(1)
    return made


WANTED = {n: f"newer {n}" if n < 5 else f"text {n}" for n in range(15)}


async def test_what_is_stored_as_it_should_be_costs_no_call_but_for_the_canaries(world):
    embedder = world.embedders["ollama"]
    calls, texts = embedder.calls, embedder.texts
    replayed = await world.replay()
    assert (embedder.calls, embedder.texts) == (calls + 1, texts + len(CANARY_TEXTS))
    assert replayed.counters["written"] == replayed.counters["deleted"] == 0
    assert await world.stored() == world.as_written(WANTED)


async def test_rows_that_are_missing_are_made_and_nothing_else_is_embedded(world):
    embedder = world.embedders["ollama"]
    texts = embedder.texts + len(CANARY_TEXTS)
    await world.store.delete(await world.collection(), ["articles/3", "articles/9"])
    replayed = await world.replay()
    assert (replayed.counters["written"], embedder.texts - texts) == (2, 2)
    assert await world.stored() == world.as_written(WANTED)


async def test_what_was_deleted_or_replaced_since_is_not_seen_even_for_a_moment(world):
    await world.store.delete(await world.collection(), [f"articles/{n}" for n in range(15)])
    real = world.store.upsert
    seen: set[tuple[str, int]] = set()

    async def upsert(collection, rows):
        seen.update((row.id, row.content_hash) for row in rows)
        await real(collection, rows)

    world.store.upsert = upsert
    await world.replay()
    assert dict(seen) == world.as_written(WANTED)
    assert len(seen) == len(WANTED)


async def test_what_the_workers_have_ahead_is_left_to_them(world):
    await world.write({30: "new", 2: "newest"})
    await world.store.delete(await world.collection(), ["articles/2", "articles/3"])
    await world.replay()
    stored = await world.stored()
    assert "articles/30" not in stored
    assert "articles/2" not in stored
    assert stored["articles/3"] == content_hash("newer 3")
    await world.fill_up(1)
    expected = WANTED | {30: "new", 2: "newest"}
    assert await world.stored() == world.as_written(expected)


@pytest.mark.parametrize("late", ["newest", None])
async def test_a_worker_that_writes_meanwhile_is_not_overwritten(world, late):
    """The worst moment: a newer version is stored while an older one is about to be."""
    await world.store.delete(await world.collection(), ["articles/3"])
    real = world.store.upsert
    worker = await world.work(1)

    async def upsert(collection, rows):
        if any(row.id == "articles/3" for row in rows):
            world.store.upsert = real
            await world.write({3: late})
            await world.fill_up(1, worker)
        await real(collection, rows)

    world.store.upsert = upsert
    await world.replay()
    expected = {n: text for n, text in WANTED.items() if n != 3}
    if late is not None:
        expected[3] = late
    assert await world.stored() == world.as_written(expected)


async def test_a_cancelled_replay_looks_once_more_before_it_ends(world):
    await world.store.delete(await world.collection(), ["articles/3"])
    real, writing, go_on = world.store.upsert, asyncio.Event(), asyncio.Event()
    worker = await world.work(1)

    async def upsert(collection, rows):
        if any(row.id == "articles/3" for row in rows):
            world.store.upsert = real
            await world.write({3: "newest"})
            await world.fill_up(1, worker)
            await real(collection, rows)
            writing.set()
            await go_on.wait()
            return
        await real(collection, rows)

    world.store.upsert = upsert
    replaying = asyncio.create_task(world.replay())
    await writing.wait()
    replaying.cancel()
    await asyncio.sleep(0)
    go_on.set()
    with pytest.raises(asyncio.CancelledError):
        await replaying
    assert (await world.stored())["articles/3"] == content_hash("newest")


async def test_an_error_that_may_pass_is_waited_out(world):
    await world.store.delete(await world.collection(), ["articles/9"])
    world.embedders["ollama"].failures.append(TransientError("away"))
    await world.replay()
    assert await world.stored() == world.as_written(WANTED)


async def test_a_lane_that_is_to_rest_is_not_written(world):
    await world.store.delete(await world.collection(), ["articles/9"])
    await world.control().append(Pause(id="p", by="ann", lane="ollama", reason="new disk"))
    with pytest.raises(LanePaused, match="new disk"):
        await world.replay()
    assert "articles/9" not in await world.stored()


async def test_a_rehearsal_counts_what_a_replay_then_does_and_changes_nothing(world):
    """Rows that are missing, one that is out of date, one too many, and what is no document."""
    await world.log.append([NewRecord("documents", b"articles/40", b"no document")])
    await world.write({50: "text 9", 51: "text 9"})
    await world.fill_up(1)
    gone = ["articles/3", "articles/9", "articles/50", "articles/51"]
    await world.store.delete(await world.collection(), gone)
    await world.store.upsert(await world.collection(), [older_row(16), older_row(4)])
    embedder, stored = world.embedders["ollama"], await world.stored()
    texts, letters = embedder.texts, await world.log.ends("dead-letters")
    rehearsed = await world.replay(dry_run=True)
    assert embedder.texts == texts + len(CANARY_TEXTS), "it only looks which model answers"
    assert await world.log.ends("dead-letters") == letters
    assert await world.stored() == stored
    replayed = await world.replay()
    assert (rehearsed.rehearsed, replayed.rehearsed) == (True, False)
    counters = ("records", "written", "deleted", "rewritten", "settled", "embedded")
    for name in (*counters, "dead_lettered"):
        assert rehearsed.counters[name] == replayed.counters[name], name
    assert (replayed.counters["written"], replayed.counters["deleted"]) == (5, 1)
    assert 0 < replayed.counters["embedded"] <= 5
    assert replayed.counters["dead_lettered"] == 1


async def test_a_rehearsal_of_a_lane_that_rests_is_held_as_the_replay_would_be(world):
    await world.control().append(Pause(id="p", by="ann", lane="ollama", reason="new disk"))
    with pytest.raises(LanePaused, match="new disk"):
        await world.replay(dry_run=True)


async def test_progress_comes_to_its_end(world):
    seen: list[ReplayProgress] = []
    await world.replay(on_progress=seen.append)
    total = 2 * sum((await world.log.ends("documents")).values())
    assert seen[0] == ReplayProgress(0, total)
    assert seen[-1] == ReplayProgress(total, total)
    assert [at.done for at in seen] == sorted(at.done for at in seen)
