"""`hotswap search`: one query in one lane."""
# ruff: noqa: PLC0415 (`hotswap --help` must not wait for libraries it does not use)

from contextlib import AsyncExitStack
from typing import TYPE_CHECKING, Annotated

import orjson
import typer

from streams.cli import output, session

if TYPE_CHECKING:
    from streams.config import Settings
    from streams.services.search import SearchResult

__all__ = ["command"]


def command(
    context: typer.Context,
    text: Annotated[str, typer.Argument(help="What to search for.")],
    lane: Annotated[str, typer.Option("--lane", "-l", help="The lane to search in.")],
    k: Annotated[int, typer.Option("-k", min=1, max=1000, help="How many hits.")] = 5,
    *,
    json: session.Json = False,
) -> None:
    """Find the documents nearest to TEXT in one lane's collection."""
    result = session.run(_search(session.settings(context), text, lane, k))
    if json:
        output.print_json(result)
        return
    rows = [(f"{hit.score:.4f}", hit.id, _brief(hit.metadata)) for hit in result.hits]
    console = output.console()
    console.print(output.table(("score", "id", "metadata"), rows, title=result.collection))
    console.print(
        f"{len(result.hits)} hits; embedding {1000 * result.embed_seconds:.0f} ms,"
        f" search {1000 * result.search_seconds:.0f} ms"
    )


def _brief(metadata: object, longest: int = 160) -> str:
    text = orjson.dumps(metadata).decode()
    return text if len(text) <= longest else f"{text[: longest - 1]}…"


async def _search(settings: "Settings", text: str, lane: str, k: int) -> "SearchResult":
    from streams.services.control import build_of
    from streams.services.open import (
        lane_config,
        open_control,
        open_embedder,
        open_log,
        open_store,
    )
    from streams.services.search import search

    async with AsyncExitStack() as exits:
        lane_config(settings, lane)
        log = open_log(settings)
        exits.push_async_callback(log.close)
        store = open_store(settings)
        exits.push_async_callback(store.close)
        state = await open_control(settings, log).refresh()
        embedder = open_embedder(settings, lane, build_of(state, lane).fingerprint)
        exits.push_async_callback(embedder.close)
        return await search(text, lane, k, state=state, embedder=embedder, store=store)
