"""Milvus: the server inside the wheel `milvus-lite` 2.5.1, run as a TCP server of its own."""

import os
import signal
import socket
from importlib.util import find_spec
from pathlib import Path
from threading import Event

from streams.stack.errors import StackError
from streams.stack.home import Home
from streams.stack.part import Launch, Say

__all__ = ["Milvus"]

# Each look stands for itself: gRPC would share its growing waits between attempts.
_CHANNEL = {"grpc.use_local_subchannel_pool": 1}


class Milvus:
    """The vector database; one file, no password, loopback only."""

    name = "milvus"
    needs = ()
    ports = ("milvus",)
    stop = signal.SIGTERM
    patience = 10.0
    deadline = 60.0

    def fetch(self, say: Say, cancel: Event) -> None:
        """Nothing: the wheel holds everything."""

    def launch(self, home: Home) -> Launch:
        """Run the binary; it opens its file or makes it."""
        libraries = _libraries()
        port = home.port("milvus")
        path = os.pathsep.join(
            filter(None, (str(libraries), os.environ.get("LD_LIBRARY_PATH", "")))
        )
        return Launch(
            command=(
                str(libraries / "milvus"),
                str(home.data(self.name) / "milvus.db"),
                f"127.0.0.1:{port}",
                "ERROR",
            ),
            env={"LD_LIBRARY_PATH": path},
        )

    def missing(self, home: Home) -> str | None:
        """Nothing once it lists its collections."""
        return _missing(home.port("milvus"))


def _libraries() -> Path:
    wheel = find_spec("milvus_lite")
    if wheel is None or wheel.origin is None:
        raise StackError("milvus", "the package milvus-lite is not installed: make setup")
    folder = Path(wheel.origin).parent / "lib"
    if not (folder / "milvus").exists():
        raise StackError("milvus", "needs milvus-lite 2.5.1, the last with a server: make setup")
    return folder


def _missing(port: int) -> str | None:
    # pymilvus takes its time to notice that nobody listens, so look first.
    try:
        socket.create_connection(("127.0.0.1", port), timeout=2).close()
    except OSError as error:
        return f"port {port}: {error}"
    from pymilvus import MilvusClient  # noqa: PLC0415 - takes longer than all else here
    from pymilvus.exceptions import MilvusException  # noqa: PLC0415

    try:
        client = MilvusClient(
            f"http://127.0.0.1:{port}", timeout=5, dedicated=True, grpc_options=_CHANNEL
        )
        try:
            client.list_collections(timeout=5)
        finally:
            client.close()
    except MilvusException as error:
        return f"port {port}: {error}"
    return None
