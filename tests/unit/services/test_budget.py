"""A lane keeps to what its provider allows, and uses it."""

import asyncio
from functools import partial

import pytest

from streams.adapters.memory_embedder import MemoryEmbedder
from streams.config import OpenAIConfig, SecretRef
from streams.errors import LanePaused, MalformedVector, TransientError
from streams.services.budget import Budget
from streams.services.embedding import BatchEmbedder
from streams.services.gate import Pace


class Clock:
    """Time that passes only while all sleep."""

    def __init__(self, monkeypatch) -> None:
        self.now = 0.0
        self._let_others_go = partial(asyncio.sleep, 0)
        monkeypatch.setattr(asyncio, "sleep", self._sleep)

    async def _sleep(self, seconds: float) -> None:
        self.now += seconds
        await self._let_others_go()

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch) -> Clock:
    return Clock(monkeypatch)


def go_on() -> None:
    """The lane works."""


TEXT = "x" * 998  # with the two marks around it 1,000 tokens at the most


async def call(budget: Budget, told: int | None, *, inputs: int = 1) -> None:
    async with budget.spend([TEXT] * inputs, go_on) as tell:
        if told is not None:
            tell(told)


async def test_without_limits_nothing_waits(clock):
    budget = Budget(clock=clock)
    for _ in range(1_000):
        await call(budget, 1_000_000)
    assert clock.now == 0.0
    assert budget.call_size(None) is None


async def test_what_the_provider_tells_counts_and_not_the_guess(clock):
    budget = Budget(tokens_per_minute=60_000, clock=clock)
    for _ in range(100):
        await call(budget, 200)
    assert clock.now == pytest.approx(20 - 5, abs=0.5)


async def test_a_provider_that_tells_nothing_is_taken_to_count_three_bytes_each(clock):
    budget = Budget(tokens_per_minute=60_000, clock=clock)
    for _ in range(60):
        await call(budget, None)
    assert clock.now == pytest.approx(20 - 5, abs=0.5)


async def test_a_provider_that_tells_nonsense_is_not_believed_below_ten_bytes_each(clock):
    budget = Budget(tokens_per_minute=60_000, clock=clock)
    for _ in range(200):
        await call(budget, 1)
    assert clock.now == pytest.approx(20 - 5, abs=0.5)


async def test_of_a_call_that_failed_the_most_counts(clock):
    budget = Budget(tokens_per_minute=60_000, clock=clock)
    for _ in range(20):
        with pytest.raises(TransientError):
            async with budget.spend([TEXT], go_on):
                raise TransientError("no answer")
    assert clock.now == pytest.approx(20 - 5, abs=1.5)


async def test_requests_have_a_limit_of_their_own(clock):
    budget = Budget(requests_per_minute=60, tokens_per_minute=60_000_000, clock=clock)
    for _ in range(20):
        await call(budget, 1)
    assert clock.now == pytest.approx(20 - 5, abs=1.5)


async def test_whoever_waits_is_told_when_the_lane_is_paused(clock):
    budget = Budget(tokens_per_minute=600, clock=clock)
    await call(budget, 600)

    def paused() -> None:
        if clock.now >= 1.0:
            raise LanePaused("upgrade")

    with pytest.raises(LanePaused):
        async with budget.spend([TEXT], paused):
            raise AssertionError("it must not begin")
    assert clock.now < 2.0


async def test_who_is_told_to_stop_waiting_leaves_nothing_behind(clock):
    budget = Budget(tokens_per_minute=60_000, clock=clock)
    for _ in range(5):
        await call(budget, 1_000)

    def paused() -> None:
        raise LanePaused("upgrade")

    for _ in range(10):
        with pytest.raises(LanePaused):
            async with budget.spend([TEXT] * 5, paused):
                raise AssertionError("it must not begin")
    began = clock.now
    await call(budget, 1_000)
    assert clock.now - began < 1.0


async def test_a_large_call_is_not_overtaken_for_ever(clock):
    budget = Budget(tokens_per_minute=60_000, clock=clock)
    order: list[str] = []

    async def one(name: str, inputs: int) -> None:
        async with budget.spend([TEXT] * inputs, go_on) as tell:
            order.append(name)
            tell(1_000 * inputs)

    await one("first", 5)
    await asyncio.gather(one("large", 12), *(one("small", 1) for _ in range(5)))
    assert order == ["first", "large", *["small"] * 5]


async def test_a_share_is_a_share_of_both_and_of_the_size_of_calls(clock):
    budget = Budget(requests_per_minute=6_000, tokens_per_minute=60_000, clock=clock)
    assert budget.call_size(None) == 2_000
    budget.share(0.25)
    assert budget.call_size(None) == 500
    for _ in range(20):
        await call(budget, 250)
    assert clock.now == pytest.approx(20, abs=1.5)  # no burst: others may have spent it


async def test_a_worker_without_partitions_is_not_held(clock):
    budget = Budget(tokens_per_minute=600, clock=clock)
    budget.share(0.0)
    for _ in range(100):
        await call(budget, 1_000)
    assert clock.now == 0.0


@pytest.mark.parametrize(("requests", "seconds"), [(None, 2), (3_000, 2), (57, 4), (1, 60)])
def test_where_few_requests_are_allowed_they_are_larger(requests, seconds):
    budget = Budget(requests_per_minute=requests, tokens_per_minute=600_000)
    assert budget.call_size(None) == 10_000 * seconds


async def test_the_most_tokens_of_a_call_are_turned_into_bytes_by_what_was_learned(clock):
    budget = Budget(clock=clock)
    assert budget.call_size(100_000) == pytest.approx(300_000, abs=1)
    for _ in range(100):
        await call(budget, 2_000, inputs=10)
    assert budget.call_size(100_000) == pytest.approx(500_000 / 1.1, rel=0.01)


def lane(embedder: MemoryEmbedder, budget: Budget, **given: object) -> BatchEmbedder:
    config = OpenAIConfig(
        provider="openai", model="m", dimensions=16, api_key=SecretRef(env="UNUSED")
    )
    return BatchEmbedder(embedder, config.model_copy(update=given), budget, Pace(lambda: None))


def texts(count: int) -> dict[str, str]:
    return {f"{n:032x}": f"{n:04}" + "é" * 497 for n in range(count)}


async def test_a_batch_is_sent_in_calls_that_the_budget_takes_and_told_to_it(clock):
    embedder = MemoryEmbedder()
    embedder.tokens = lambda text: len(text.encode()) // 2
    budget = Budget(tokens_per_minute=300_000, clock=clock)
    batch = lane(embedder, budget)
    for _ in range(5):
        await batch.embed(texts(100), go_on)
        batch.forget()
    assert embedder.calls == 5 * 10
    # 50,000 tokens each time, which is ten seconds' worth.
    assert clock.now == pytest.approx(5 * 10 - 5, abs=1.5)


async def test_what_stands_around_a_text_is_sent_and_counts(clock):
    embedder = MemoryEmbedder()
    budget = Budget(tokens_per_minute=300_000, clock=clock)
    around = "y" * 1_000 + "{text}"
    await lane(embedder, budget, document_template=around).embed(texts(100), go_on)
    assert embedder.calls == 20  # five to a call


async def test_malformed_vectors_are_paid_for(clock):
    embedder = MemoryEmbedder()
    embedder.tokens = lambda _text: 400
    embedder.malforms = lambda text: text.startswith("0000")
    budget = Budget(tokens_per_minute=24_000, clock=clock)
    made = await lane(embedder, budget, call_inputs=1).embed(texts(1), go_on)
    assert isinstance(made[f"{0:032x}"], MalformedVector)
    begins = clock.now
    async with budget.spend(["x" * 9_998], go_on):
        # It takes a whole burst of 2,000, and 800 are gone: for the text and the plain sentence.
        assert clock.now - begins == pytest.approx(2.0, abs=0.4)
