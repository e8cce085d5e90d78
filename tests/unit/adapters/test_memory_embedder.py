"""The embedder without a model: the same everywhere, counted, and failing on demand."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.adapters.memory_embedder import MemoryEmbedder
from streams.errors import InputRefused, LaneHalted, MalformedVector, TransientError

words = st.text(min_size=1).filter(lambda text: text.isprintable())


@given(words, words)
async def test_vectors_are_equal_exactly_when_the_texts_are(left, right):
    a, b = await MemoryEmbedder().embed([left, right])
    assert np.array_equal(a, b) == (left == right)


async def test_vectors_are_the_same_in_every_process():
    (vector,) = await MemoryEmbedder(4).embed(["hotswap"])
    assert vector == pytest.approx(VECTOR_OF_HOTSWAP, abs=1e-6)


VECTOR_OF_HOTSWAP = [-0.5826609, -0.0851194, -0.6147004, 0.5247898]


async def test_vectors_of_different_texts_are_nearly_orthogonal():
    vectors = await MemoryEmbedder(384).embed([f"text {n}" for n in range(1_000)])
    cosines = vectors @ vectors.T
    np.fill_diagonal(cosines, 0)
    assert np.abs(cosines).max() < 0.35
    assert cosines.std() == pytest.approx(384**-0.5, rel=0.1)


async def test_calls_and_texts_are_counted_also_when_they_fail():
    embedder = MemoryEmbedder()
    embedder.failures.extend([TransientError("away"), LaneHalted("no quota")])
    with pytest.raises(TransientError, match="away"):
        await embedder.embed(["a", "b"])
    with pytest.raises(LaneHalted, match="no quota"):
        await embedder.embed(["a"])
    await embedder.embed(["a", "b", "c"])
    await embedder.embed([])
    assert (embedder.calls, embedder.texts) == (3, 6)


async def test_a_refused_text_refuses_its_call():
    embedder = MemoryEmbedder()
    embedder.refuses = lambda text: text == "bad"
    with pytest.raises(InputRefused):
        await embedder.embed(["good", "bad"])
    assert len(await embedder.embed(["good"])) == 1


async def test_a_text_may_get_a_malformed_vector():
    embedder = MemoryEmbedder()
    embedder.malforms = lambda text: text == "bad"
    with pytest.raises(MalformedVector, match="vector 2 of 2"):
        await embedder.embed(["good", "bad"])


async def test_a_replaced_model_has_another_fingerprint():
    embedder = MemoryEmbedder(digest="one")
    before = await embedder.identify()
    embedder.digest = "two"
    assert before.differences(await embedder.identify()) == {"digest": ("one", "two")}


async def test_other_weights_show_in_the_vectors_alone():
    embedder = MemoryEmbedder(64)
    before, (vector,) = await embedder.identify(), await embedder.embed(["hotswap"])
    embedder.weights = "others"
    assert await embedder.identify() == before
    assert abs(float(vector @ (await embedder.embed(["hotswap"]))[0])) < 0.5
