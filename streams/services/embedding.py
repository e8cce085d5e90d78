"""Texts to vectors, through one embedder, within a lane's limits.

Whatever has been embedded is kept until it is stored, so that a call that fails half-way
through a batch never makes the other half be bought again.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence

import numpy as np
import numpy.typing as npt

from streams.config.lanes import LaneLimits
from streams.core.batch import split_calls
from streams.core.tokens import most_tokens
from streams.errors import HotswapError, InputRefused, LaneHalted, TransientError
from streams.ports import Embedder
from streams.services.budget import Budget
from streams.services.gate import Pace
from streams.services.isolation import isolate

__all__ = ["BatchEmbedder", "Vector"]

Vector = npt.NDArray[np.float32]

_CANARY = "A short plain sentence that any embedding model accepts."


class BatchEmbedder:
    """Embeds the texts of a batch in calls that keep to the lane's limits."""

    def __init__(self, embedder: Embedder, limits: LaneLimits, budget: Budget, pace: Pace) -> None:
        self._embedder = embedder
        self._limits = limits
        self._budget = budget
        self._pace = pace
        self._turns = asyncio.Semaphore(limits.concurrency)
        self._kept: dict[str, Vector | InputRefused] = {}
        self.calls = 0
        self.embedded = 0

    async def embed(
        self, texts: Mapping[str, str], check: Callable[[], None]
    ) -> dict[str, Vector | InputRefused]:
        """Embed texts under their content hashes; a text that is refused gets its refusal.

        Args:
            texts: content hash → text.
            check: called before every call of the embedder; raises if there must be none.

        Raises:
            TransientError, LaneHalted, and whatever `check` raises: what was embedded until
                then is kept and not embedded again by the next call.
        """
        wanted = [name for name in texts if name not in self._kept]
        calls = split_calls(
            [most_tokens(self._sent(texts[name])) for name in wanted],
            call_inputs=min(self._limits.call_inputs, self._pace.portion() or len(wanted)),
            call_tokens=self._budget.call_size(getattr(self._limits, "call_tokens", None)),
        )
        outcomes = await asyncio.gather(
            *(
                self._call({name: texts[name] for name in wanted[call.start : call.stop]}, check)
                for call in calls
            ),
            return_exceptions=True,
        )
        failures = [outcome for outcome in outcomes if isinstance(outcome, BaseException)]
        if failures:
            raise _gravest(failures)
        return {name: self._kept[name] for name in texts}

    def forget(self) -> None:
        """Let go of what was kept: it is stored."""
        self._kept.clear()

    async def _call(self, texts: Mapping[str, str], check: Callable[[], None]) -> None:
        """Embed these texts in one call, or in several that are as small as queries need."""
        names = list(texts)

        async def attempt(some: Sequence[str]) -> Sequence[Vector]:
            return await self._attempt(some, check)

        async def confirm() -> None:
            await self._confirm(check)

        while names:
            async with self._turns:
                some = names[: self._pace.inputs()]
                answers = await isolate([texts[name] for name in some], attempt, confirm=confirm)
            self._kept.update(zip(some, answers, strict=True))
            del names[: len(some)]

    async def _attempt(self, texts: Sequence[str], check: Callable[[], None]) -> Sequence[Vector]:
        await self._pace.spend(len(texts), check)
        async with self._budget.spend([*map(self._sent, texts)], check) as told:
            check()
            self.calls += 1
            with self._pace.call():
                vectors = await self._embedder.embed(texts, on_tokens=told)
        self.embedded += len(texts)
        return list(vectors)

    def _sent(self, text: str) -> str:
        return self._limits.document_template.replace("{text}", text)

    async def _confirm(self, check: Callable[[], None]) -> None:
        """Make sure that the embedder works at all before a document is blamed.

        A crashed model runner answers 400 or nonsense to good texts, too.
        """
        try:
            await self._attempt([_CANARY], check)
        except InputRefused as error:
            raise TransientError(
                f"the embedder refuses even a plain sentence, so no document is blamed: {error}"
            ) from error


def _gravest(failures: list[BaseException]) -> BaseException:
    """The one failure to tell: what is not ours, then what halts, then what may pass."""

    def rank(failure: BaseException) -> int:
        if not isinstance(failure, HotswapError):
            return 0
        return 1 if isinstance(failure, LaneHalted) else 2

    return min(failures, key=rank)
