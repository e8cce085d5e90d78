"""Whether a build's live model is the one that filled its collection, looked at now and then.

A look costs calls to the embedder, so requests go by the last one. In between, a model that
is replaced can go unnoticed for as long as the pause between two looks.
"""

import asyncio
import logging

from schemas import BuildStarted, Fingerprint
from streams.errors import DriftError, HotswapError
from streams.ports import Embedder
from streams.services.live_model import canary_differences
from streams.services.pinned import way_on

__all__ = ["Identity"]

_log = logging.getLogger(__name__)


class Identity:
    """What the model of a build, or of builds that share it, was when last looked at.

    Attributes:
        live: None until the embedder first answered; what it then made of the canaries is known,
            too.
        problem: what the last look met with; None if it went well.
    """

    def __init__(
        self,
        build: BuildStarted,
        embedder: Embedder,
        *,
        every_seconds: float,
        retry_seconds: float = 2.0,
    ) -> None:
        self._lane = build.lane
        self._fingerprint, self._canaries = build.pinned_model
        self._embedder = embedder
        self._every_seconds = every_seconds
        self._retry_seconds = min(retry_seconds, every_seconds)
        self._looked = asyncio.Event()
        self._moved: dict[str, tuple[object, object]] = {}
        self.live: Fingerprint | None = None
        self.problem: HotswapError | None = None

    async def watch(self) -> None:
        """Look again and again, until cancelled."""
        while True:
            try:
                await self.look()
            except HotswapError as error:
                if self.live is None:
                    _log.warning("lane %s does not say what it is: %s", self._lane, error)
            known = self.problem is None
            await asyncio.sleep(self._every_seconds if known else self._retry_seconds)

    async def look(self) -> Fingerprint:
        """Ask the live embedder what it is, and what it makes of the canaries.

        Raises: TransientError, LaneHalted.
        """
        try:
            live, moved = await self._embedder.identify(), {}
            if live == self._fingerprint:
                moved = await canary_differences(self._embedder, self._canaries)
        except HotswapError as error:
            self.problem = error
            raise
        else:
            self.live, self._moved, self.problem = live, moved, None
            return live
        finally:
            self._looked.set()

    async def check(self, build: BuildStarted) -> None:
        """Pass if the model, as last seen, is the build's. Waits for the first look only.

        Raises:
            DriftError: it is another one.
            TransientError, LaneHalted: it never said what it is.
        """
        if self.live is None:
            await self._looked.wait()
        if self.live is None:
            assert self.problem is not None  # noqa: S101 - a look ends in one or the other
            raise self.problem.with_traceback(None)
        if differences := self.differences(build):
            raise DriftError(
                f"lane {self._lane}, build {build.build}",
                differences,
                "a query must be embedded by the model that embedded the documents:"
                f" {way_on(self._lane)}",
            )

    def differences(self, build: BuildStarted) -> dict[str, tuple[object, object]]:
        """Field or canary → (the build's, the live one's); empty if they agree or none is known."""
        if self.live is None:
            return {}
        if self.live == build.fingerprint:
            return self._moved
        return build.fingerprint.differences(self.live)
