"""A small HTTP/1.1 server that answers exactly what a test wants, misbehaviour included."""

import asyncio
import json
import socket
import struct
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from enum import Enum, auto
from typing import Any


class Fault(Enum):
    """What a server may do instead of answering."""

    RESET = auto()
    """The connection is reset after the request was read."""
    HANG = auto()
    """Nothing ever comes."""
    DRIBBLE = auto()
    """An answer that comes byte by byte and never ends."""
    CUT = auto()
    """The connection is closed in the middle of the answer."""


@dataclass(frozen=True)
class Request:
    method: str
    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


@dataclass(frozen=True)
class Reply:
    """`body`: bytes as they are, anything else as JSON."""

    body: Any
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)

    def encode(self) -> bytes:
        body = self.body if isinstance(self.body, bytes) else json.dumps(self.body).encode()
        headers = {"content-type": "application/json", **self.headers}
        head = [f"HTTP/1.1 {self.status} Whatever", f"content-length: {len(body)}"]
        head += [f"{name}: {value}" for name, value in headers.items()]
        return "\r\n".join(head).encode() + b"\r\n\r\n" + body


Answer = Callable[[Request], Awaitable[Reply | Fault]]


@asynccontextmanager
async def serving(answer: Answer, port: int = 0) -> AsyncIterator[str]:
    """Serve on a port of loopback, and give the base URL."""
    busy: set[asyncio.Task[Any]] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        busy.add(task)
        try:
            while (request := await _read(reader)) is not None:
                reply = await answer(request)
                if isinstance(reply, Reply):
                    writer.write(reply.encode())
                    await writer.drain()
                else:
                    await _misbehave(reply, writer)
                    break
        except (ConnectionError, asyncio.CancelledError):
            pass  # The client went away, or the test is over.
        finally:
            busy.discard(task)
            writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", port)
    try:
        bound = server.sockets[0].getsockname()[1]
        yield f"http://127.0.0.1:{bound}"
    finally:
        server.close()
        for task in list(busy):
            task.cancel()
        await asyncio.gather(*busy, return_exceptions=True)


async def _read(reader: asyncio.StreamReader) -> Request | None:
    try:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
    except asyncio.IncompleteReadError:
        return None
    first, *lines = head.strip().split("\r\n")
    method, path, _ = first.split(" ")
    headers = {
        name.strip().lower(): value.strip()
        for name, _, value in (line.partition(":") for line in lines)
    }
    body = await reader.readexactly(int(headers.get("content-length", "0")))
    return Request(method, path, headers, body)


async def _misbehave(fault: Fault, writer: asyncio.StreamWriter) -> None:
    match fault:
        case Fault.RESET:
            # Linger 0: the kernel sends RST instead of FIN.
            sock = writer.get_extra_info("socket")
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            writer.transport.abort()
        case Fault.HANG:
            await asyncio.Event().wait()
        case Fault.DRIBBLE:
            writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 1000000\r\n\r\n")
            while True:
                writer.write(b" ")
                await writer.drain()
                await asyncio.sleep(0.01)
        case Fault.CUT:
            writer.write(b'HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\n{"data": [')
            await writer.drain()
