"""A batch is embedded once, and one bad text is found without blaming good ones."""

import numpy as np
import pytest

from streams.adapters.memory_embedder import MemoryEmbedder
from streams.config import OllamaConfig
from streams.errors import InputRefused, LaneHalted, MalformedVector, TransientError
from streams.services.budget import Budget
from streams.services.embedding import BatchEmbedder
from streams.services.gate import Pace


def limits(**given: object) -> OllamaConfig:
    return OllamaConfig.model_validate(
        {"provider": "ollama", "hosts": ["http://h:1"], "model": "m", "call_inputs": 4, **given}
    )


def make(embedder: MemoryEmbedder, **given: object) -> BatchEmbedder:
    return BatchEmbedder(embedder, limits(**given), Budget(), Pace(lambda: None))


def go_on() -> None:
    """The lane works."""


def texts(count: int) -> dict[str, str]:
    return {f"{n:032x}": f"text number {n}" for n in range(count)}


async def test_every_text_gets_its_own_vector_in_calls_of_the_size_that_is_set():
    embedder = MemoryEmbedder()
    batch = make(embedder)
    made = await batch.embed(texts(10), go_on)
    expected = await MemoryEmbedder().embed(list(texts(10).values()))
    assert np.array_equal(np.stack([np.asarray(made[name]) for name in texts(10)]), expected)
    assert embedder.calls == 3


async def test_the_one_refused_text_is_found_and_the_others_get_their_vectors():
    embedder = MemoryEmbedder()
    embedder.refuses = lambda text: text.endswith(" 5")
    made = await make(embedder, call_inputs=16).embed(texts(16), go_on)
    refused = [name for name, answer in made.items() if isinstance(answer, InputRefused)]
    assert refused == [f"{5:032x}"]


async def test_a_malformed_vector_is_known_from_a_refusal():
    embedder = MemoryEmbedder()
    embedder.malforms = lambda text: text.endswith(" 2")
    made = await make(embedder).embed(texts(4), go_on)
    assert isinstance(made[f"{2:032x}"], MalformedVector)


async def test_a_sick_embedder_that_refuses_everything_blames_no_document():
    embedder = MemoryEmbedder()
    embedder.refuses = lambda _text: True
    with pytest.raises(TransientError, match="plain sentence"):
        await make(embedder).embed(texts(4), go_on)


async def test_what_was_embedded_before_a_failure_is_not_bought_again():
    embedder = MemoryEmbedder()
    batch = make(embedder)
    embedder.failures.append(TransientError("away"))
    with pytest.raises(TransientError):
        await batch.embed(texts(12), go_on)
    bought = embedder.texts
    await batch.embed(texts(12), go_on)
    assert embedder.texts == bought + 4


async def test_a_halt_is_told_before_what_may_pass():
    embedder = MemoryEmbedder()
    embedder.failures += [TransientError("away"), LaneHalted("no quota"), TransientError("away")]
    with pytest.raises(LaneHalted):
        await make(embedder, concurrency=3).embed(texts(12), go_on)


async def test_after_forgetting_a_text_is_embedded_anew():
    embedder = MemoryEmbedder()
    batch = make(embedder)
    await batch.embed(texts(1), go_on)
    batch.forget()
    await batch.embed(texts(1), go_on)
    assert embedder.texts == 2
