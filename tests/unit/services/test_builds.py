"""`init` starts one build for each lane, once, and never mixes two models or two logs."""

import pytest

from schemas import BuildStarted, Fingerprint
from streams.adapters.memory_embedder import MemoryEmbedder
from streams.adapters.memory_log import MemoryLog
from streams.adapters.memory_store import MemoryStore
from streams.core.canaries import CANARY_TEXTS
from streams.errors import DriftError, TransientError
from streams.services.builds import collection_name
from streams.services.control import ControlLog
from streams.services.live_model import live_differences
from streams.services.steps import Action
from streams.services.topics import own_topics
from tests.unit.services.init_world import World


@pytest.fixture
def world(monkeypatch) -> World:
    monkeypatch.setenv("DB_PASSWORD", "hunter2")
    return World()


async def test_a_lanes_collection_is_named_for_its_model_and_build(world):
    await world.init()
    build = (await world.builds())["cloud"]
    fingerprint = await world.embedders["cloud"].identify()
    assert build.fingerprint == fingerprint
    assert build.collection == f"documents_cloud_{fingerprint.short}_1"
    assert await world.store.fingerprint(build.collection) == fingerprint
    assert build.documents_partitions == 12
    assert build.by == "test"
    assert [canary.text for canary in build.canaries] == list(CANARY_TEXTS)
    assert (await live_differences(build, world.embedders["cloud"])) == {}


def test_no_two_lanes_models_or_builds_share_a_collection():
    one = Fingerprint(provider="memory", model="a", dimensions=2)
    two = Fingerprint(provider="memory", model="a", dimensions=3)
    names = [
        collection_name("documents", lane, fingerprint, build)
        for lane in ("cloud", "ollama")
        for fingerprint in (one, two)
        for build in (1, 2)
    ]
    assert len(set(names)) == len(names)


@pytest.mark.parametrize(
    ("change", "difference"),
    [
        ({"dimensions": 32, "model": "big"}, {"dimensions": (8, 32)}),
        ({"dimensions": 8, "model": "bigger"}, {"model": ("big", "bigger")}),
        ({"dimensions": 8, "model": "big", "digest": "b"}, {"digest": (None, "b")}),
    ],
)
async def test_a_model_that_changed_is_drift_that_says_what_changed(world, change, difference):
    await world.init()
    world.embedders["cloud"] = MemoryEmbedder(**change)
    before = await world.everything()
    with pytest.raises(DriftError) as caught:
        await world.init()
    assert caught.value.subject == "lane cloud, build 1"
    assert caught.value.differences == difference
    assert await world.everything() == before


async def test_a_crash_between_collection_and_announcement_is_harmless(world):
    fingerprint = await world.embedders["cloud"].identify()
    left_over = collection_name("documents", "cloud", fingerprint, 1)
    await world.store.create(left_over, fingerprint)
    steps = await world.init()
    assert steps["lane cloud"].action is Action.CREATED
    assert (await world.builds())["cloud"].collection == left_over


async def test_of_two_operators_who_start_the_same_build_the_first_counts(world):
    class Racing(MemoryStore):
        async def create(self, collection, fingerprint):
            await super().create(collection, fingerprint)
            if "cloud" in collection:
                await ControlLog(world.log, "control").append(rival(collection, fingerprint))

    def rival(collection: str, fingerprint: Fingerprint) -> BuildStarted:
        return BuildStarted(
            id="rival",
            by="rival",
            lane="cloud",
            build=1,
            collection=collection,
            fingerprint=fingerprint,
            documents_partitions=12,
        )

    world.store = Racing()
    steps = await world.init()
    assert steps["lane cloud"].action is Action.KEPT
    assert (await world.builds())["cloud"].id == "rival"


async def test_rows_without_a_build_are_left_alone_and_named(world):
    await world.init()
    collection = await world.fill("cloud")
    world.log = MemoryLog()
    with pytest.raises(DriftError) as caught:
        await world.init()
    assert caught.value.subject == f"collection {collection}"
    assert caught.value.differences == {"rows": (0, 1)}


async def test_a_lane_is_never_started_in_the_middle_of_documents(world):
    world.log.commit("hotswap-embed-cloud", "documents", {0: 5, 3: 2})
    with pytest.raises(DriftError) as caught:
        await world.init()
    assert caught.value.subject == "consumer group hotswap-embed-cloud"
    assert caught.value.differences == {"committed records of documents": (0, 7)}
    assert await world.store.collections() == []


async def test_documents_are_not_made_anew_under_lanes_that_were_filled_from_the_old(world):
    await world.init()
    builds = await world.builds()
    world.log = MemoryLog()
    await world.log.create(own_topics(world.settings)[1])
    for build in builds.values():
        await ControlLog(world.log, "control").append(build)
    with pytest.raises(DriftError) as caught:
        await world.init()
    assert caught.value.subject == "topic documents"
    assert await world.log.describe("documents") is None


async def test_a_collection_that_was_dropped_is_drift_and_not_made_anew(world):
    await world.init()
    collection = (await world.builds())["ollama"].collection
    await world.store.drop(collection)
    with pytest.raises(DriftError, match=collection):
        await world.init()
    assert collection not in await world.store.collections()


async def test_a_new_lane_is_added_beside_those_that_are_there(world):
    await world.init()
    lanes = {**world.settings.lanes, "third": world.settings.lanes["ollama"]}
    world.settings = world.settings.model_copy(update={"lanes": lanes})
    world.embedders["third"] = MemoryEmbedder(4)
    steps = await world.init()
    assert steps["lane third"].action is Action.CREATED
    assert steps["lane cloud"].action is Action.KEPT


async def test_an_embedder_that_does_not_answer_is_not_taken_for_another_model(world):
    class Away(MemoryEmbedder):
        async def identify(self):
            raise TransientError("away")

    world.embedders["ollama"] = Away()
    with pytest.raises(TransientError):
        await world.init()
    world.embedders["ollama"] = MemoryEmbedder(16)
    steps = await world.init()
    assert steps["lane cloud"].action is Action.KEPT
    assert steps["lane ollama"].action is Action.CREATED


async def test_a_build_is_not_announced_before_its_collection_is_there(world):
    class Refusing(MemoryStore):
        async def create(self, collection, fingerprint):
            raise TransientError(f"{collection}, {fingerprint.short}: not now")

    world.store = Refusing()
    with pytest.raises(TransientError):
        await world.init()
    assert await world.builds() == {}
