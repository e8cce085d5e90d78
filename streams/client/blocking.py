"""The client for code without an event loop: `AsyncHotswap` on a loop in a background thread."""

from types import TracebackType
from typing import Any, Self

from schemas import FeedbackAnswer, Filter, SearchResponse
from streams.client.asynchronous import AsyncHotswap
from streams.client.background import Background
from streams.client.configuration import Configuration
from streams.core.routing import Route
from streams.services.serving.control_view import ControlView

__all__ = ["Hotswap"]


class Hotswap:
    """Search, feedback and the flag, for any number of threads at once; made by `open`.

    Open one in each process, after it was forked. What an `AsyncHotswap` raises reaches the
    caller as it is; see there.
    """

    def __init__(self, background: Background[AsyncHotswap]) -> None:
        self._background = background

    @classmethod
    def open(cls, configuration: Configuration = None, *, wait_seconds: float = 30.0) -> Self:
        """An open client: use it in a `with` block, or close it.

        Arguments and errors: see `AsyncHotswap.open`.
        """
        return cls(Background(AsyncHotswap.open(configuration, wait_seconds=wait_seconds)))

    def search(
        self,
        text: str | None = None,
        *,
        vector_by: str | None = None,
        k: int = 10,
        filter: Filter | dict[str, Any] | None = None,  # noqa: A002 - its name in a request
        targeting_key: str | None = None,
        cohort: str | None = None,
    ) -> SearchResponse:
        """See `AsyncHotswap.search`."""
        return self._background.run(
            lambda hotswap: hotswap.search(
                text,
                vector_by=vector_by,
                k=k,
                filter=filter,
                targeting_key=targeting_key,
                cohort=cohort,
            )
        )

    def feedback(
        self, query_id: str, *, success: bool | None = None, clicked: int | None = None
    ) -> FeedbackAnswer:
        """See `AsyncHotswap.feedback`."""
        return self._background.run(
            lambda hotswap: hotswap.feedback(query_id, success=success, clicked=clicked)
        )

    def use_local_embeddings(
        self, targeting_key: str | None = None, cohort: str | None = None
    ) -> Route:
        """See `AsyncHotswap.use_local_embeddings`; answers in the calling thread."""
        self._background.check()
        return self._background.held.use_local_embeddings(targeting_key, cohort)

    def readiness(self) -> dict[str, Any]:
        """See `AsyncHotswap.readiness`."""
        return self._background.run(_readiness)

    @property
    def control(self) -> ControlView:
        """The flag as this process knows it; its functions may be called from any thread."""
        return self._background.held.control

    def close(self) -> None:
        """End the thread, once the calls under way are done; a second time, do nothing."""
        self._background.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


async def _readiness(hotswap: AsyncHotswap) -> dict[str, Any]:
    return hotswap.readiness()
