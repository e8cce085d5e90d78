"""An async context manager, held open on an event loop in a thread of its own.

For callers without an event loop. Knows nothing of what it holds.

The thread is a daemon and nothing waits for it when the interpreter ends: a program that forgot to
close its client ends all the same.
"""

import asyncio
import os
import threading
import warnings
from collections.abc import Callable, Coroutine
from concurrent.futures import Future
from contextlib import AbstractAsyncContextManager, suppress
from typing import Any, Generic, TypeVar

from streams.client.misuse import Misused

__all__ = ["Background"]

_BEGIN_SECONDS = 5.0

Held = TypeVar("Held")
Answer = TypeVar("Answer")


class Background(Generic[Held]):
    """Enters `manager` at once; what entering raises, this raises.

    Attributes:
        held: what the manager gave.
    """

    def __init__(self, manager: AbstractAsyncContextManager[Held]) -> None:
        self._closed = True
        self._process = os.getpid()
        self._lock = threading.Lock()
        self._stop = asyncio.Event()
        self._ended: Future[None] = Future()
        begun: Future[asyncio.Task[None]] = Future()
        opened: Future[Held] = Future()
        # Not a method: the thread must not keep alive what nobody else refers to.
        arguments = (manager, self._stop, begun, opened, self._ended)
        self._thread = threading.Thread(target=_hold, args=arguments, name="hotswap", daemon=True)
        try:
            self._thread.start()
            self._loop = begun.result().get_loop()
            self.held = opened.result()
        except BaseException:
            # An interruption comes anywhere, also before the thread could say what it holds.
            with suppress(TimeoutError):  # there is no thread
                if begun.exception(_BEGIN_SECONDS) is None:
                    self._give_up(begun.result(0))
            raise
        self._closed = False

    def run(self, call: Callable[[Held], Coroutine[Any, Any, Answer]]) -> Answer:
        """What `call` returns or raises, run on the loop while this thread waits.

        Raises: Misused if it would never return: see `check`.
        """
        self.check()
        with self._lock:  # or the loop could end between the check and the start
            self._check_open()
            future = asyncio.run_coroutine_threadsafe(call(self.held), self._loop)
        try:
            return future.result()
        finally:
            future.cancel()  # for a caller that was interrupted; once it is done, it is too late

    def check(self) -> None:
        """Pass if calls can be made from here.

        Raises: Misused: after the end, on the loop itself, or in a fork, which has no such thread.
        """
        self._check_open()
        if self._process != os.getpid():
            raise Misused("this client was opened before a fork; open one in each process")
        if self._thread is threading.current_thread():
            raise Misused("this client can not be waited for on its own event loop")

    def close(self) -> None:
        """Leave the manager, and end the thread; a second time, and in a fork, do nothing.

        Raises: what leaving raises; Misused on the loop itself.
        """
        if self._process != os.getpid():
            return
        with self._lock:
            if self._closed:
                return
            self.check()
            self._closed = True
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join()
        self._ended.result()

    def _give_up(self, holding: "asyncio.Task[None]") -> None:
        with suppress(RuntimeError):  # the loop has ended, unless the wait was interrupted
            holding.get_loop().call_soon_threadsafe(holding.cancel)
        self._thread.join()

    def _check_open(self) -> None:
        if self._closed:
            raise Misused("this client is closed")

    def __del__(self) -> None:
        if not self._closed and self._process == os.getpid():
            message = f"{self.held!r} was not closed"
            warnings.warn(message, ResourceWarning, stacklevel=2, source=self)
            self._loop.call_soon_threadsafe(self._stop.set)


def _hold(
    manager: AbstractAsyncContextManager[Held],
    stop: asyncio.Event,
    begun: "Future[asyncio.Task[None]]",
    opened: Future[Held],
    ended: Future[None],
) -> None:
    """Hold the manager open until `stop` is set, and say how that went."""

    async def hold() -> None:
        task = asyncio.current_task()
        assert task is not None  # noqa: S101 - this is one
        begun.set_result(task)
        async with manager as held:
            opened.set_result(held)
            await stop.wait()

    try:
        asyncio.run(hold())
    except BaseException as error:  # noqa: BLE001 - for whoever waits: for the opening or the end
        if not begun.done():
            begun.set_exception(error)
        (ended if opened.done() else opened).set_exception(error)
    else:
        ended.set_result(None)
