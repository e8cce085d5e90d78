"""Running an application on uvicorn until it is told to stop, and then finishing its answers."""

import asyncio
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import uvicorn
from starlette.types import ASGIApp

__all__ = ["run"]

_KEEP_ALIVE_SECONDS = 75
"""Longer than clients and proxies keep an idle connection: it should be they who close it."""


class _Server(uvicorn.Server):
    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave signals to the caller: uvicorn would end the process by the same signal."""
        yield


async def run(
    app: ASGIApp,
    listening: socket.socket,
    *,
    stop: asyncio.Event,
    vital: asyncio.Future[Any],
    drain_seconds: int,
) -> None:
    """Serve until `stop` is set, or until `vital` fails; then drain.

    Args:
        app: what to serve.
        listening: where; closed in the end.
        stop: set it to end.
        vital: without it there is no point; that it is done without an error changes nothing.
        drain_seconds: how long requests under way may take after that.

    Raises: what `vital` raised.
    """
    server = _Server(
        uvicorn.Config(
            app,
            lifespan="off",
            ws="none",
            log_config=None,
            access_log=False,
            proxy_headers=False,
            server_header=False,
            timeout_keep_alive=_KEEP_ALIVE_SECONDS,
            timeout_graceful_shutdown=drain_seconds,
        )
    )
    serving = asyncio.create_task(server.serve([listening]))
    stopped = asyncio.create_task(stop.wait())
    try:
        ends: set[asyncio.Future[Any]] = {serving, stopped}
        await asyncio.wait(ends | {vital}, return_when=asyncio.FIRST_COMPLETED)
        if vital.done() and vital.exception() is None:
            await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
    finally:
        stopped.cancel()
        server.should_exit = True
        await serving
    if vital.done():
        vital.result()
