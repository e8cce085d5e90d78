"""One connection to Milvus, its calls in threads of its own.

pymilvus' synchronous client blocks whoever calls it, and its asynchronous one has no
iterators. Knows no collection's content: what is called is the caller's.
"""

import asyncio
import logging
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Lock
from typing import TypeVar

from pydantic import SecretStr
from pymilvus import MilvusClient

from streams.adapters.milvus_errors import translated
from streams.config import MilvusConfig
from streams.errors import ConfigurationError

__all__ = ["MilvusConnection"]

# pymilvus logs each failed call with its traceback, although it raises it as well.
logging.getLogger("pymilvus").setLevel(logging.CRITICAL)

T = TypeVar("T")

_THREADS = 4

_CHANNEL = {
    # gRPC waits longer before each attempt to connect, up to two minutes, and shares the wait
    # among channels: after an outage the lane would stand still although Milvus is back.
    "grpc.initial_reconnect_backoff_ms": 100,
    "grpc.max_reconnect_backoff_ms": 1_000,
    "grpc.use_local_subchannel_pool": 1,
    # pymilvus pings every 10 s even when idle, which servers with gRPC's own limits answer by
    # hanging up. A call that gets no answer ends by its own timeout.
    "grpc.keepalive_permit_without_calls": 0,
}


class MilvusConnection:
    """See the module. Nothing is connected before the first call."""

    def __init__(self, config: MilvusConfig, token: SecretStr | None) -> None:
        self._config = config
        self._token = token.get_secret_value() if token else ""
        self._threads = ThreadPoolExecutor(_THREADS, thread_name_prefix="milvus")
        self._connecting = Lock()
        self._connected: MilvusClient | None = None

    async def read(self, call: Callable[[MilvusClient], T], collection: str = "") -> T:
        """Run `call` in a thread. `collection`: for error messages.

        Raises: the errors of `streams.errors` that `translated` makes.
        """
        return await asyncio.get_running_loop().run_in_executor(
            self._threads, self._in_thread, call, collection
        )

    async def write(self, call: Callable[[MilvusClient], None], collection: str) -> None:
        """Like `read`, but does not leave before the thread is done, cancelled or not.

        A thread can not be stopped. A writer that was cancelled must not find later that its
        rows came after those of whoever took over.
        """
        under_way = asyncio.ensure_future(self.read(call, collection))
        try:
            await asyncio.shield(under_way)
        except asyncio.CancelledError:
            await asyncio.wait([under_way])
            if not under_way.cancelled():
                under_way.exception()  # Looked at, or asyncio would complain.
            raise

    async def close(self) -> None:
        """Wait for the calls under way, then close the connection."""
        await asyncio.to_thread(self._close)

    def _close(self) -> None:
        self._threads.shutdown()
        if self._connected is not None:
            self._connected.close()

    def _in_thread(self, call: Callable[[MilvusClient], T], collection: str) -> T:
        with translated(self._config.uri, collection):
            return call(self._client())

    def _client(self) -> MilvusClient:
        with self._connecting:
            if self._connected is None:
                self._connected = self._connect()
            return self._connected

    def _connect(self) -> MilvusClient:
        config = self._config
        trust = {"server_pem_path": config.ca_file} if config.ca_file else {}
        try:
            return MilvusClient(
                config.uri,
                token=self._token,
                db_name=config.database,
                timeout=config.timeout_seconds,
                # Shared connections stay open after `close`.
                dedicated=True,
                grpc_options=_CHANNEL,
                **trust,
            )
        except OSError as error:
            raise ConfigurationError(
                "milvus.ca_file", f"{config.ca_file} can not be read ({error.strerror})"
            ) from error
