"""One search in one lane: embed the query as the lane's model wants it, ask its collection."""

import time
from collections.abc import Callable
from dataclasses import dataclass

from streams.errors import ConfigurationError, DriftError
from streams.migration.state import State
from streams.ports import Embedder, Hit, Purpose, VectorStore
from streams.services.control import build_of
from streams.services.live_model import live_differences
from streams.services.pinned import way_on

__all__ = ["SearchResult", "search"]


@dataclass(frozen=True, slots=True)
class SearchResult:
    """What a search found, nearest first, and how long its two parts took."""

    lane: str
    collection: str
    text: str
    hits: list[Hit]
    embed_seconds: float
    search_seconds: float


async def search(
    text: str,
    lane: str,
    k: int,
    *,
    state: State,
    embedder: Embedder,
    store: VectorStore,
    clock: Callable[[], float] = time.perf_counter,
) -> SearchResult:
    """The `k` documents of the lane nearest to `text`.

    Raises:
        ConfigurationError: the lane has no build yet, or the text is empty.
        DriftError: the live model is not the one that filled the lane.
        InputRefused, TransientError, LaneHalted: from the embedder or the store.
    """
    if not text.strip():
        raise ConfigurationError("TEXT", "is empty", "give the words to search for")
    build = build_of(state, lane)
    if differences := await live_differences(build, embedder):
        raise DriftError(
            f"lane {lane}, build {build.build}",
            differences,
            f"a query must be embedded by the model that embedded the documents: {way_on(lane)}",
        )
    started = clock()
    (vector,) = await embedder.embed([text], Purpose.QUERY)
    embedded = clock()
    hits = await store.search(build.collection, vector, k)
    return SearchResult(
        lane=lane,
        collection=build.collection,
        text=text,
        hits=hits,
        embed_seconds=embedded - started,
        search_seconds=clock() - embedded,
    )
