"""An async context manager, held open on an event loop in a thread of its own.

For callers without an event loop. Knows nothing of what it holds.
"""

import asyncio
import os
import threading
from collections.abc import Callable, Coroutine
from contextlib import AbstractAsyncContextManager, ExitStack
from typing import Any, Generic, TypeVar

from anyio.from_thread import start_blocking_portal

from streams.client.misuse import Misused

__all__ = ["Background"]

Held = TypeVar("Held")
Answer = TypeVar("Answer")


class Background(Generic[Held]):
    """Enters `manager` at once; what entering raises, this raises.

    Attributes:
        held: what the manager gave.
    """

    def __init__(self, manager: AbstractAsyncContextManager[Held]) -> None:
        self._lock = threading.Lock()
        self._closed = False
        self._process = os.getpid()
        with ExitStack() as exits:
            portal = exits.enter_context(start_blocking_portal(name="hotswap"))
            self._thread = portal.call(threading.get_ident)
            self._loop = portal.call(asyncio.get_running_loop)
            self.held = exits.enter_context(portal.wrap_async_context_manager(manager))
            self._exits = exits.pop_all()

    def run(self, call: Callable[[Held], Coroutine[Any, Any, Answer]]) -> Answer:
        """What `call` returns or raises, run on the loop while this thread waits.

        Raises: Misused if it would never return: see `check`.
        """
        with self._lock:  # or the loop could end between the check and the start
            self.check()
            future = asyncio.run_coroutine_threadsafe(call(self.held), self._loop)
        try:
            return future.result()
        finally:
            future.cancel()  # for a caller that was interrupted; once it is done, it is too late

    def check(self) -> None:
        """Pass if calls can be made from here.

        Raises: Misused: after the end, on the loop itself, or in a fork, which has no such thread.
        """
        if self._closed:
            raise Misused("this client is closed")
        if self._process != os.getpid():
            raise Misused("this client was opened before a fork; open one in each process")
        if self._thread == threading.get_ident():
            raise Misused("this client can not be waited for on its own event loop")

    def close(self) -> None:
        """Leave the manager, and end the thread; a second time, and in a fork, do nothing.

        Raises: what leaving raises; Misused on the loop itself.
        """
        with self._lock:
            if self._closed or self._process != os.getpid():
                return
            self.check()
            self._closed = True
        self._exits.close()
