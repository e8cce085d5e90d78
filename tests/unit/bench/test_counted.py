"""A bench counts what a lane asks for its documents, and not what it asks to know the model."""

from streams.adapters.memory_embedder import MemoryEmbedder
from streams.bench.running import Counted
from streams.services.live_model import likeness, new_canaries


async def test_a_look_whether_the_model_is_the_same_does_not_count():
    counted = Counted(MemoryEmbedder())
    canaries = await new_canaries(counted)
    await counted.identify()
    assert await likeness(counted, canaries) is not None
    assert (counted.calls, counted.texts) == (0, 0)


async def test_documents_do():
    counted = Counted(MemoryEmbedder())
    await counted.embed(["one", "two"])
    assert (counted.calls, counted.texts) == (1, 2)
