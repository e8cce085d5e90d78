"""The models that queries are embedded by: one opened embedder for each that a build has.

A build's model is opened and asked what it is as soon as the build is known, so that it is warm
long before reads come to it, and closed once no build has it and no request uses it any more.
Builds of one lane with equal fingerprints and canaries share one.
"""

import asyncio
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from types import TracebackType
from typing import Self

from schemas import BuildStarted, Fingerprint, PinnedModel
from streams.errors import HotswapError
from streams.ports import Embedder
from streams.services.serving.identity import Identity

__all__ = ["Models", "Opener"]

Opener = Callable[[str, Fingerprint], Embedder]
"""Lane and fingerprint → an embedder of that model; raises ConfigurationError."""

_Key = tuple[str, PinnedModel]


@dataclass(slots=True)
class _Model:
    embedder: Embedder
    identity: Identity
    watching: asyncio.Task[None]
    users: int = 0
    is_gone: bool = False


class Models:
    """The opened models; leave the context to close them.

    Args:
        opener: opens an embedder.
        identity_seconds: between two looks whether a model was replaced.
    """

    def __init__(self, opener: Opener, identity_seconds: float) -> None:
        self._opener = opener
        self._identity_seconds = identity_seconds
        self._models: dict[_Key, _Model] = {}
        self._closing: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for model in self._models.values():
            self._close(model)
        self._models.clear()
        await asyncio.gather(*self._closing)

    def keep(self, builds: Iterable[BuildStarted]) -> None:
        """Open the models of these builds, and let go of all others."""
        wanted = {_key(build): build for build in builds}
        for key in self._models.keys() - wanted.keys():
            model = self._models.pop(key)
            model.is_gone = True
            if not model.users:
                self._close(model)
        for build in wanted.values():
            # What keeps it from being opened is told to whoever asks for it.
            with suppress(HotswapError):
                self._open(build)

    @contextmanager
    def lent(self, build: BuildStarted) -> Iterator[tuple[Embedder, Identity]]:
        """The build's model, which stays open until the block ends.

        Raises: ConfigurationError if the settings do not lead to it.
        """
        model = self._open(build)
        model.users += 1
        try:
            yield model.embedder, model.identity
        finally:
            model.users -= 1
            if model.is_gone and not model.users:
                self._close(model)

    def identity(self, build: BuildStarted) -> Identity | None:
        """What is known of the build's live model; None if it is not open."""
        model = self._models.get(_key(build))
        return None if model is None else model.identity

    def _open(self, build: BuildStarted) -> _Model:
        model = self._models.get(_key(build))
        if model is None:
            embedder = self._opener(build.lane, build.fingerprint)
            identity = Identity(build, embedder, every_seconds=self._identity_seconds)
            model = _Model(embedder, identity, asyncio.create_task(identity.watch()))
            self._models[_key(build)] = model
        return model

    def _close(self, model: _Model) -> None:
        task = asyncio.create_task(_closed(model))
        self._closing.add(task)
        task.add_done_callback(self._closing.discard)


def _key(build: BuildStarted) -> _Key:
    return build.lane, build.pinned_model


async def _closed(model: _Model) -> None:
    model.watching.cancel()
    with suppress(asyncio.CancelledError):
        await model.watching
    await model.embedder.close()
