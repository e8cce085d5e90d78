"""`hotswap serve`: search over HTTP."""
# ruff: noqa: PLC0415 (`hotswap --help` must not wait for libraries it does not use)

import asyncio
import logging
import signal
from typing import TYPE_CHECKING, Annotated

import typer

from streams.cli import output, session

if TYPE_CHECKING:
    from streams.config import Settings

__all__ = ["command"]

_DRAIN_MARGIN_SECONDS = 2


def command(
    context: typer.Context,
    host: Annotated[
        str | None, typer.Option(help="Address to listen on, instead of serve.host.")
    ] = None,
    port: Annotated[
        int | None,
        typer.Option(min=0, max=65_535, help="Port, instead of serve.port; 0 takes a free one."),
    ] = None,
) -> None:
    """Answer searches from the lane that the flag picks. Stop with Ctrl-C."""
    settings = session.settings(context)
    if not session.options(context).verbose:
        # Reads go on without Kafka; aiokafka would say fifty times a second that it is away.
        logging.getLogger("aiokafka").setLevel(logging.CRITICAL)
    given = {"host": host, "port": port}
    chosen = {name: value for name, value in given.items() if value is not None}
    serve = settings.serve.model_copy(update=chosen)
    session.run(_serve(settings.model_copy(update={"serve": serve})))


async def _serve(settings: "Settings") -> None:
    from streams.services.serving.opened import open_serving
    from streams.web.app import make_app
    from streams.web.listening import listen, token_for, url_of
    from streams.web.server import run

    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    with listen(settings.serve) as listening:
        token = token_for(settings.serve, listening)
        async with open_serving(settings) as serving:
            url = url_of(listening)
            output.console().print(f"listening on {url}\nthe API's page: {url}/docs")
            await run(
                make_app(serving, settings.serve, token),
                listening,
                stop=stop,
                vital=serving.first_fold,
                drain_seconds=int(settings.serve.total_seconds) + _DRAIN_MARGIN_SECONDS,
            )
