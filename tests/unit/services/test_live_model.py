"""A live model is compared with a build's by what it says, and then by what it does."""

import pytest

from schemas import BuildStarted
from streams.adapters.memory_embedder import MemoryEmbedder
from streams.core.canaries import CANARY_TEXTS
from streams.errors import DriftError, TransientError
from streams.services.live_model import likeness, live_differences, new_canaries
from streams.services.reembedding import refuse_another_model


@pytest.fixture
def embedder() -> MemoryEmbedder:
    return MemoryEmbedder(64, document_template="passage: {text}", query_template="query: {text}")


async def begun(embedder: MemoryEmbedder) -> BuildStarted:
    return BuildStarted(
        id="1",
        by="t",
        lane="l",
        build=3,
        collection="c",
        fingerprint=await embedder.identify(),
        documents_partitions=1,
        canaries=await new_canaries(embedder),
    )


async def test_the_model_of_the_build_differs_in_nothing(embedder):
    build = await begun(embedder)
    assert await live_differences(build, embedder) == {}
    await refuse_another_model(build, embedder)


async def test_the_canaries_cost_one_call_and_are_embedded_as_documents(embedder):
    build = await begun(embedder)
    calls, texts = embedder.calls, embedder.texts
    found = await likeness(embedder, build.canaries)
    assert (embedder.calls, embedder.texts) == (calls + 1, texts + len(CANARY_TEXTS))
    assert found is not None
    assert found.cosine == pytest.approx(1.0, abs=1e-6)
    embedder.document_template = embedder.query_template
    assert await live_differences(
        build.model_copy(update={"fingerprint": await embedder.identify()}), embedder
    )


async def test_what_a_model_says_of_itself_is_enough_to_tell_it_apart(embedder):
    build = await begun(embedder)
    other = MemoryEmbedder(32, model="other")
    assert set(await live_differences(build, other)) >= {"model", "dimensions"}
    assert other.calls == 0


async def test_other_weights_are_told_apart_by_the_canary_that_is_farthest(embedder):
    build = await begun(embedder)
    embedder.weights = "others"
    ((name, (was, now)),) = (await live_differences(build, embedder)).items()
    assert name.startswith("cosine of canary '")
    assert was == 1.0
    assert abs(float(str(now))) < 0.5
    with pytest.raises(DriftError, match=r"(?s)lane l, build 3.*canary.*hotswap build start l"):
        await refuse_another_model(build, embedder)


async def test_an_embedder_that_refuses_plain_sentences_may_work_again_later(embedder):
    build = await begun(embedder)
    embedder.malforms = lambda _text: True
    with pytest.raises(TransientError, match="refuses even plain sentences"):
        await live_differences(build, embedder)
    embedder.malforms = None
    assert await live_differences(build, embedder) == {}
