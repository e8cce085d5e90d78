"""A new build stands beside the one that serves, and nothing else changes."""

import pytest

from schemas import Document
from streams.adapters.memory_embedder import MemoryEmbedder
from streams.core.canaries import CANARY_TEXTS, least_alike
from streams.core.text import content_hash
from streams.errors import ConfigurationError, DriftError, LaneHalted
from streams.migration.verdicts import Accepted, Rejected, Rejection
from streams.ports import NewRecord, Purpose, TopicSpec
from streams.services.builds import existing_build, find_build
from streams.services.steps import Action
from tests.unit.services.build_world import BuildWorld


@pytest.fixture
async def world(monkeypatch) -> BuildWorld:
    monkeypatch.setenv("DB_PASSWORD", "hunter2")
    made = BuildWorld()
    await made.init()
    return made


async def test_a_build_is_pinned_to_the_live_model_in_a_collection_of_its_own(world):
    started = await world.start(MemoryEmbedder(32, model="other"))
    lane = (await world.state()).lanes["ollama"]
    build = lane.builds[2].pinned
    assert isinstance(started.outcome.folded.verdict, Accepted)
    assert (build.fingerprint.model, build.fingerprint.dimensions) == ("other", 32)
    assert build.collection == f"documents_ollama_{build.fingerprint.short}_2"
    assert await world.store.fingerprint(build.collection) == build.fingerprint
    assert (build.by, build.reason, build.documents_partitions) == ("ann", "a test", 12)
    assert (lane.serving, sorted(lane.builds)) == (1, [1, 2])
    assert started.differences == {"model": ("small", "other"), "dimensions": (16, 32)}
    assert any("promote ollama 2" in line for line in started.next_steps)


async def test_a_build_pins_what_the_live_model_makes_of_the_canaries_as_documents(world):
    prefixed = MemoryEmbedder(32, model="other", document_template="passage: {text}")
    build = (await world.start(prefixed)).build
    assert [canary.text for canary in build.canaries] == list(CANARY_TEXTS)
    wanted = await prefixed.embed(CANARY_TEXTS, Purpose.DOCUMENT)
    assert least_alike(build.canaries, wanted).cosine == pytest.approx(1.0, abs=1e-6)
    pinned = (await world.state()).lanes["ollama"].builds[2].pinned
    assert pinned.canaries == build.canaries


async def test_a_build_is_the_way_on_after_weights_were_swapped(world):
    """Both builds say the same of themselves; each works with its own weights only."""
    embedder = world.embedders["ollama"]
    await world.log.append([NewRecord("documents", b"articles/1", document("articles/1"))])
    embedder.weights = "others"
    with pytest.raises(LaneHalted, match="hotswap build start ollama"):
        await world.fill_up(1)
    await world.start()
    builds = [one.pinned for one in (await world.state()).lanes["ollama"].builds.values()]
    assert builds[0].fingerprint == builds[1].fingerprint
    await world.fill_up(2)
    assert await world.store.count(builds[1].collection) == 1
    assert await world.store.count(builds[0].collection) == 0


def document(id_: str) -> bytes:
    return Document(
        id=id_,
        source="articles",
        key={"id": 1},
        text="T",
        content_hash=content_hash("T"),
        position="1",
    ).encode()


async def test_the_same_model_may_be_built_again(world):
    assert (await world.start()).differences == {}
    await world.start()
    lane = (await world.state()).lanes["ollama"]
    assert len({build.pinned.collection for build in lane.builds.values()}) == 3


async def test_a_dry_run_makes_nothing_and_says_what_would_be(world):
    before, embedder = await world.everything(), MemoryEmbedder(32, model="other")
    started = await world.start(embedder, dry_run=True)
    assert embedder.calls == 0
    assert started.outcome.rehearsed
    assert isinstance(started.outcome.folded.verdict, Accepted)
    assert await world.everything() == before


async def test_a_lane_that_init_never_saw_is_not_begun(world):
    with pytest.raises(ConfigurationError, match="hotswap init"):
        await BuildWorld(settings=world.settings, log=await _empty(), store=world.store).start()


async def _empty():
    log = BuildWorld().log
    await log.create(TopicSpec("control", 1, 1))
    return log


async def test_of_two_who_start_at_once_one_is_told_and_nothing_is_lost(world, monkeypatch):
    real = world.log.append

    async def lose_the_race(records):
        monkeypatch.setattr(world.log, "append", real)
        await world.start()
        return await real(records)

    monkeypatch.setattr(world.log, "append", lose_the_race)
    verdict = (await world.start()).outcome.folded.verdict
    assert isinstance(verdict, Rejected)
    assert verdict.rejection is Rejection.STALE
    lane = (await world.state()).lanes["ollama"]
    assert sorted(lane.builds) == [1, 2]
    assert await world.store.fingerprint(lane.builds[2].pinned.collection) is not None


async def test_a_build_never_begins_in_the_middle_of_documents(world):
    world.log.commit("hotswap-embed-ollama-2", "documents", {0: 5})
    with pytest.raises(DriftError, match="hotswap-embed-ollama-2"):
        await world.start()
    assert sorted((await world.state()).lanes["ollama"].builds) == [1]


async def test_an_empty_collection_of_a_start_that_was_cut_off_is_taken(world):
    fingerprint = await world.embedders["ollama"].identify()
    await world.store.create(f"documents_ollama_{fingerprint.short}_2", fingerprint)
    assert isinstance((await world.start()).outcome.folded.verdict, Accepted)


async def test_init_is_content_with_a_model_that_some_build_has(world):
    old, new = world.embedders["ollama"], MemoryEmbedder(32, model="other")
    world.embedders["ollama"] = new
    with pytest.raises(DriftError, match="hotswap build start ollama"):
        await world.init()
    await world.start(new)
    for embedder in (new, old):
        world.embedders["ollama"] = embedder
        step = (await world.init())["lane ollama"]
        assert step.action is Action.KEPT
        assert "build 2: collection" in step.detail


async def test_init_misses_the_collection_of_any_build(world):
    started = await world.start()
    await world.store.drop(started.build.collection)
    with pytest.raises(DriftError, match=started.build.collection):
        await world.init()


async def test_a_build_is_found_by_its_number_and_a_dropped_one_is_not(world):
    await world.start()
    state = await world.state()
    assert find_build(state, "ollama") == state.lanes["ollama"].pinned
    with pytest.raises(ConfigurationError, match="begins build 3"):
        find_build(state, "ollama", 3)
    lane = state.lanes["ollama"]
    left = {1: lane.builds[1]}
    dropped = state._replace(lanes={"ollama": lane._replace(builds=left)})
    assert find_build(dropped, "ollama", 2) is None
    with pytest.raises(ConfigurationError, match="was dropped"):
        existing_build(dropped, "ollama", 2)
