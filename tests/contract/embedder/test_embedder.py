"""What every embedder does, whoever the provider is."""

import asyncio

import numpy as np
import pytest

from streams.errors import InputRefused
from streams.ports import Purpose

TEXTS = ["a cat sat on the mat", "the price of copper rose", "braces {text} {0} {{}}", "é😀\u202e"]


def near(left, right, tolerance):
    return np.abs(left - right).max() <= tolerance


async def test_texts_become_contiguous_unit_vectors_of_the_fingerprints_dimensions(case):
    fingerprint = await case.embedder.identify()
    vectors = await case.embedder.embed(TEXTS)
    assert vectors.shape == (len(TEXTS), fingerprint.dimensions)
    assert vectors.dtype == np.float32
    assert vectors.flags.c_contiguous
    assert np.linalg.norm(vectors, axis=1) == pytest.approx(1.0, abs=1e-5)


async def test_it_is_the_same_each_time_it_is_asked_what_it_is(case):
    assert await case.embedder.identify() == await case.embedder.identify()


async def test_a_text_gets_the_same_vector_in_every_call(case):
    first, second = await case.embedder.embed(TEXTS[:1]), await case.embedder.embed(TEXTS[:1])
    assert near(first, second, case.tolerance)


async def test_vectors_come_in_the_order_of_the_texts(case):
    together = await case.embedder.embed(TEXTS)
    for position, text in enumerate(TEXTS):
        alone = await case.embedder.embed([text])
        assert near(alone[0], together[position], case.tolerance)


async def test_different_texts_get_different_vectors(case):
    vectors = await case.embedder.embed(TEXTS[:2])
    assert not near(vectors[0], vectors[1], 0.01)


async def test_no_texts_give_no_vectors_of_the_right_width_without_a_call(case):
    fingerprint = await case.embedder.identify()
    before = case.calls() if case.calls else 0
    vectors = await case.embedder.embed([])
    assert vectors.shape == (0, fingerprint.dimensions)
    assert vectors.dtype == np.float32
    assert case.calls is None or case.calls() == before


async def test_many_calls_at_once_each_get_their_own_answer(case):
    texts = [f"text number {number}" for number in range(12)]
    answers = await asyncio.gather(*(case.embedder.embed([text]) for text in texts))
    together = await case.embedder.embed(texts)
    assert near(np.vstack(answers), together, case.tolerance)


@pytest.mark.parametrize("bad", ["", "lone surrogate \ud800"])
async def test_a_text_that_is_empty_or_no_unicode_is_refused(case, bad):
    with pytest.raises(InputRefused):
        await case.embedder.embed(["good", bad])


async def test_one_refused_text_refuses_its_call_and_leaves_the_next_alone(case):
    with pytest.raises(InputRefused):
        await case.embedder.embed(["good", case.refused])
    assert len(await case.embedder.embed(["good"])) == 1


async def test_templates_stand_around_documents_and_queries(case):
    text = TEXTS[2]
    plain = await case.embedder.embed([f"D: {text}", f"Q: {text}"])
    document = await case.prefixed.embed([text], Purpose.DOCUMENT)
    query = await case.prefixed.embed([text], Purpose.QUERY)
    assert near(document[0], plain[0], case.tolerance)
    assert near(query[0], plain[1], case.tolerance)
    assert not near(document, query, 1e-3)


async def test_templates_are_part_of_the_fingerprint(case):
    plain, prefixed = await case.embedder.identify(), await case.prefixed.identify()
    assert set(plain.differences(prefixed)) == {"document_template", "query_template"}


async def test_a_call_tells_the_tokens_that_the_provider_counted(case):
    told: list[int] = []
    await case.embedder.embed(TEXTS, on_tokens=told.append)
    (tokens,) = told
    assert 0 < tokens <= sum(len(text.encode()) + 2 for text in TEXTS)


async def test_a_refused_call_tells_no_tokens(case):
    told: list[int] = []
    with pytest.raises(InputRefused):
        await case.embedder.embed(["good", case.refused], on_tokens=told.append)
    assert told == []
