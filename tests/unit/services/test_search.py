"""A search embeds the query as the lane's model wants queries, and asks its collection."""

import numpy as np
import pytest

from schemas import BuildStarted, Canary
from streams.adapters.memory_embedder import MemoryEmbedder
from streams.adapters.memory_store import MemoryStore
from streams.errors import ConfigurationError, DriftError
from streams.migration.state import Build, LaneState, State
from streams.ports import Purpose, Row
from streams.services.live_model import new_canaries
from streams.services.search import search

COLLECTION = "documents_small_1"


@pytest.fixture
def embedder() -> MemoryEmbedder:
    return MemoryEmbedder(8, query_template="query: {text}", document_template="passage: {text}")


async def filled(
    embedder: MemoryEmbedder, *texts: str, canaries: tuple[Canary, ...] = ()
) -> tuple[State, MemoryStore]:
    """A lane whose rows were embedded as if they were queries, so that a query finds them."""
    fingerprint = await embedder.identify()
    store = MemoryStore()
    await store.create(COLLECTION, fingerprint)
    vectors = await embedder.embed(texts, Purpose.QUERY)
    await store.upsert(
        COLLECTION,
        [
            Row(f"s/{index}", vector, "s", {"id": index}, 0, index, "0" * 32, {}, 1, 1)
            for index, vector in enumerate(vectors)
        ],
    )
    build = BuildStarted(
        id="1",
        by="test",
        lane="small",
        build=1,
        collection=COLLECTION,
        fingerprint=fingerprint,
        documents_partitions=1,
        canaries=canaries,
    )
    return State(lanes={"small": LaneState({1: Build(build, since=0)}, serving=1)}), store


async def test_the_query_is_embedded_as_a_query(embedder):
    state, store = await filled(embedder, "red", "green")
    found = await search("green", "small", 1, state=state, embedder=embedder, store=store)
    (hit,) = found.hits
    assert hit.id == "s/1"
    assert hit.score == pytest.approx(1.0, abs=1e-5)
    as_document = (await embedder.embed(["green"]))[0]
    assert np.dot(as_document, (await store.vectors(COLLECTION, ["s/1"]))["s/1"]) < 0.99


async def test_both_parts_are_timed(embedder):
    state, store = await filled(embedder, "red")
    times = iter([10.0, 10.5, 12.0])
    found = await search(
        "red", "small", 1, state=state, embedder=embedder, store=store, clock=lambda: next(times)
    )
    assert (found.embed_seconds, found.search_seconds) == (0.5, 1.5)


@pytest.mark.parametrize("text", ["", " \n\t"])
async def test_an_empty_query_is_refused_before_anything_is_asked(embedder, text):
    state, store = await filled(embedder, "red")
    calls = embedder.calls
    with pytest.raises(ConfigurationError, match="is empty"):
        await search(text, "small", 1, state=state, embedder=embedder, store=store)
    assert embedder.calls == calls


async def test_a_lane_without_a_build_says_what_to_run(embedder):
    with pytest.raises(ConfigurationError, match="hotswap init"):
        await search("x", "small", 1, state=State(), embedder=embedder, store=MemoryStore())


async def test_a_model_that_was_replaced_is_not_asked(embedder):
    state, store = await filled(embedder, "red")
    embedder.digest = "another"
    calls = embedder.calls
    with pytest.raises(DriftError, match="digest"):
        await search("red", "small", 1, state=state, embedder=embedder, store=store)
    assert embedder.calls == calls


async def test_weights_that_were_swapped_under_the_same_name_find_nothing(embedder):
    state, store = await filled(embedder, "red", canaries=await new_canaries(embedder))
    assert (await search("red", "small", 1, state=state, embedder=embedder, store=store)).hits
    embedder.weights = "others"
    with pytest.raises(DriftError, match="canary"):
        await search("red", "small", 1, state=state, embedder=embedder, store=store)
