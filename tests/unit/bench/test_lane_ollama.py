"""The Ollama lane and its reference take turns."""

from collections.abc import Sequence

import numpy as np

from streams.adapters.memory_embedder import MemoryEmbedder
from streams.bench.lane_ollama import BareLoop, TakingTurns
from streams.ports import OnTokens, Purpose, Vectors

TEXTS = [f"text {number}" for number in range(100)]


class Client:
    """Stands for Ollama's client. Attributes: calls: whose, and how many texts; seen: texts."""

    def __init__(self) -> None:
        self.calls: list[tuple[str, int]] = []
        self.seen: list[str] = []

    async def embed(self, model: str, texts: list[str], *, truncate: bool) -> None:
        assert (model, truncate) == ("m", False)
        self.calls.append(("loop", len(texts)))
        self.seen += texts


class Embedder(MemoryEmbedder):
    """The lane's; notes its calls among the client's."""

    def __init__(self, client: Client) -> None:
        super().__init__()
        self.client = client
        self.tokens = len

    async def embed(
        self,
        texts: Sequence[str],
        purpose: Purpose = Purpose.DOCUMENT,
        *,
        on_tokens: OnTokens | None = None,
    ) -> Vectors:
        self.client.calls.append(("lane", len(texts)))
        return await super().embed(texts, purpose, on_tokens=on_tokens)


def loop_over(client: Client, texts: Sequence[str] = TEXTS) -> BareLoop:
    return BareLoop(client, "m", texts)  # type: ignore[arg-type]


async def test_the_loop_does_the_same_texts_in_batches_of_32_however_the_lane_cuts_them():
    client = Client()
    loop = loop_over(client)
    turns = TakingTurns(Embedder(client), loop)
    for start, stop in ((0, 5), (5, 37), (37, 70), (70, 100)):
        await turns.embed(TEXTS[start:stop])
    await loop.finish()
    assert [count for who, count in client.calls if who == "loop"] == [32, 32, 32, 4]
    assert client.seen == TEXTS
    assert loop.done == 100


async def test_every_other_time_the_loop_goes_first():
    client = Client()
    turns = TakingTurns(Embedder(client), loop_over(client))
    for start in (0, 32, 64):
        await turns.embed(TEXTS[start : start + 32])
    assert [who for who, _ in client.calls] == ["loop", "lane", "lane", "loop", "loop", "lane"]


async def test_the_loops_clock_runs_only_while_it_is_its_turn():
    loop = loop_over(Client())
    await loop.keep_up(31)
    assert (loop.done, loop.seconds) == (0, 0.0)
    await loop.keep_up(1)
    assert loop.done == 32
    assert loop.seconds > 0


async def test_a_loop_that_has_done_everything_does_no_more():
    client = Client()
    loop = loop_over(client, TEXTS[:40])
    await loop.keep_up(500)
    assert loop.done == 40
    assert [count for _, count in client.calls] == [32, 8]


async def test_the_lane_gets_its_vectors_and_tokens_as_if_alone():
    client = Client()
    told: list[int] = []
    turns = TakingTurns(Embedder(client), loop_over(client))
    vectors = await turns.embed(TEXTS[:3], on_tokens=told.append)
    assert np.array_equal(vectors, await MemoryEmbedder().embed(TEXTS[:3]))
    assert told == [3 * len(TEXTS[0])]
