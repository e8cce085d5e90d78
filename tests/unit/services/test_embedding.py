"""A batch is embedded once, and one bad text is found without blaming good ones."""

import asyncio
from collections.abc import Callable, Sequence
from itertools import count
from typing import Any

import numpy as np
import pytest

from streams.adapters.memory_embedder import MemoryEmbedder
from streams.config import OllamaConfig
from streams.core.yielding import Calls
from streams.errors import InputRefused, LaneHalted, MalformedVector, TransientError
from streams.ports import OnTokens, Purpose, Vectors
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


class Sized(MemoryEmbedder):
    """Notes how many texts came in each call, and tells of each before it is answered."""

    def __init__(self, on_call: Callable[[int], None] = lambda _calls: None) -> None:
        super().__init__()
        self.sizes: list[int] = []
        self._on_call = on_call

    async def embed(
        self,
        texts: Sequence[str],
        purpose: Purpose = Purpose.DOCUMENT,
        *,
        on_tokens: OnTokens | None = None,
    ) -> Vectors:
        self.sizes.append(len(texts))
        self._on_call(len(self.sizes))
        return await super().embed(texts, purpose, on_tokens=on_tokens)


@pytest.mark.parametrize("concurrency", [1, 3])
async def test_calls_are_as_small_as_queries_need_from_the_next_call_on(concurrency):
    now = {"calls": Calls(4)}

    def slow(calls: int) -> None:
        if calls == 2:
            now["calls"] = Calls(1)
        elif calls == 6:
            now["calls"] = Calls(4)

    embedder = Sized(slow)
    pace = Pace(lambda: None, calls=lambda: now["calls"])
    batch = BatchEmbedder(embedder, limits(concurrency=concurrency), Budget(), pace)
    made = await batch.embed(texts(20), go_on)
    assert list(made) == list(texts(20))
    assert sum(embedder.sizes) == 20
    assert embedder.sizes[:6] == [4, 4, 1, 1, 1, 1]
    assert max(embedder.sizes[6:]) > 1
    assert batch.calls == len(embedder.sizes)


@pytest.mark.parametrize(("inputs", "sizes"), [(32, [3, 3, 2]), (2, [1, 1, 2, 2, 2])])
async def test_of_a_throttle_and_of_what_queries_leave_the_smaller_counts(inputs, sizes):
    embedder = Sized()
    ten_seconds_at_each_look = count(0.0, 10.0).__next__
    pace = Pace(lambda: 3.0, ten_seconds_at_each_look, calls=lambda: Calls(inputs))
    await BatchEmbedder(embedder, limits(), Budget(), pace).embed(texts(8), go_on)
    assert sorted(embedder.sizes) == sorted(sizes)


async def test_of_a_call_in_parts_what_was_embedded_is_kept():
    embedder = Sized(lambda calls: embedder.failures.extend([TransientError("x")] * (calls == 3)))
    batch = BatchEmbedder(embedder, limits(), Budget(), Pace(lambda: None, calls=lambda: Calls(1)))
    with pytest.raises(TransientError):
        await batch.embed(texts(4), go_on)
    await batch.embed(texts(4), go_on)
    assert len(embedder.sizes) == 3 + 2


async def test_no_more_calls_are_under_way_than_configured_in_whatever_parts():
    under_way, most = 0, 0

    class Slow(Sized):
        async def embed(self, texts: Sequence[str], *more: Any, **options: Any) -> Vectors:
            nonlocal under_way, most
            under_way += 1
            most = max(most, under_way)
            await asyncio.sleep(0)
            under_way -= 1
            return await super().embed(texts, *more, **options)

    pace = Pace(lambda: None, calls=lambda: Calls(2))
    await BatchEmbedder(Slow(), limits(concurrency=2), Budget(), pace).embed(texts(20), go_on)
    assert most == 2
