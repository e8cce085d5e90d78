"""`hotswap init`: make what the workers rely on, or compare what is there."""
# ruff: noqa: PLC0415 (`hotswap --help` must not wait for libraries it does not use)

from contextlib import AsyncExitStack
from typing import TYPE_CHECKING, Annotated

import typer

from streams.cli import output, session

if TYPE_CHECKING:
    from streams.config import Settings
    from streams.services.steps import Step

__all__ = ["command"]


def command(
    context: typer.Context,
    *,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Change nothing; say what would be done.")
    ] = False,
    force: Annotated[
        bool,
        typer.Option("--force", help="Replace a connector that differs; restart a failed one."),
    ] = False,
    json: session.Json = False,
) -> None:
    """Make the topics, each lane's collection and the connector.

    Can be run again at any time: what is there is compared, and a difference is an error
    that names it.
    """
    steps = session.run(_initialise(session.settings(context), dry_run=dry_run, force=force))
    if json:
        output.print_json(steps)
        return
    rows = [(step.name, step.action, step.detail) for step in steps]
    output.console().print(output.table(("what", "done", "detail"), rows))


async def _initialise(settings: "Settings", *, dry_run: bool, force: bool) -> "list[Step]":
    from streams.services.initialise import initialise
    from streams.services.open import open_connect, open_embedder, open_log, open_store

    progress = output.messages()
    async with AsyncExitStack() as exits:
        log = open_log(settings)
        exits.push_async_callback(log.close)
        store = open_store(settings)
        exits.push_async_callback(store.close)
        connect = open_connect(settings)
        exits.push_async_callback(connect.close)
        embedders = {}
        for lane in settings.lanes:
            embedders[lane] = open_embedder(settings, lane)
            exits.push_async_callback(embedders[lane].close)
        with progress.status("looking at what is there") as spinner:
            return await initialise(
                settings,
                log,
                store,
                embedders,
                connect,
                dry_run=dry_run,
                force=force,
                by=session.operator(),
                on_step=lambda step: spinner.update(f"{step.name}: {step.action}"),
            )
