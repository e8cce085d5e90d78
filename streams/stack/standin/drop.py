"""Cutting a connection from inside a request, which ASGI has no word for.

`DroppableProtocol` is uvicorn's own HTTP protocol that hands the connection down to the
application; `drop` ends it without an answer, `hang` never answers.
"""

import asyncio
import socket
import struct
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from uvicorn.protocols.http.h11_impl import H11Protocol

__all__ = ["DroppableProtocol", "drop", "hang"]

_KEY = "hotswap.transport"


class DroppableProtocol(H11Protocol):
    """Puts the transport of each connection into the scope of its requests."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Wrap the application, for this connection."""
        super().connection_made(transport)
        inner = self.app

        async def app(scope: Any, receive: Any, send: Any) -> None:  # noqa: ANN401
            scope[_KEY] = transport
            await inner(scope, receive, send)

        self.app = app


async def drop(request: Request, *, reset: bool) -> Response:
    """End the connection: with a reset (RST), or as a program that died would (EOF)."""
    transport: asyncio.Transport = request.scope[_KEY]
    if reset:
        own: socket.socket = transport.get_extra_info("socket")
        # Closing without lingering sends RST (socket(7)).
        own.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    transport.abort()
    return await hang(request)


async def hang(request: Request) -> Response:
    """Wait until the client is gone; what is returned reaches nobody."""
    while (await request.receive())["type"] != "http.disconnect":
        continue
    return Response(status_code=499)
