"""A lane's share of the provider's requests and tokens per minute."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Final

from streams.core.allowance import Allowance, Amount
from streams.core.tokens import TokenRatio, believed

__all__ = ["Budget", "Share"]

_BURST_SECONDS: Final = 5.0
"""So much of a minute's budget may be spent at once."""
_CALL_SECONDS: Final = 2.0
"""So much of it may be kept for one call. A call keeps what it can take at the most until it has
told what it took, about a quarter; what is kept is out of reach for all others."""
_KEPT_TIMES: Final = 4
_LOOK_SECONDS: Final = 0.2
_ONE: Final = Amount(1, 1)

_Asked = Sequence[tuple[Allowance, Amount]]


class Budget:
    """Requests and tokens per minute, scaled by the share of partitions a worker has.

    A worker uses budget * its partitions / all partitions, so that the workers of a lane
    together never spend more than the provider allows.

    What texts take is guessed at first, and then learned from what the provider tells. A new
    process begins with the guess.

    Args:
        requests_per_minute: None: no limit.
        tokens_per_minute: None: no limit.
        clock: seconds.
    """

    def __init__(
        self,
        requests_per_minute: int | None = None,
        tokens_per_minute: int | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._per_minute = (requests_per_minute, tokens_per_minute)
        self._allowances = tuple(map(_allowance, self._per_minute))
        self._clock = clock
        self._fraction = 1.0
        self._turn = asyncio.Lock()
        self._ratio = TokenRatio()

    def share(self, fraction: float) -> None:
        """Use this fraction (0 … 1) of the whole budget from now on.

        Without a share nothing is held up: there is nothing to send, and `check` tells so.
        """
        self._fraction = fraction
        for allowance, whole in zip(self._allowances, self._per_minute, strict=True):
            if allowance is not None and whole is not None and fraction > 0:
                allowance.resize(whole * fraction, self._clock())

    def call_size(self, call_tokens: int | None) -> int | None:
        """How large a call may be, by `most_tokens` of its texts; None: as large as one likes.

        So that it likely has no more than `call_tokens`, and does not keep too much of a minute's
        tokens. Where only few requests are allowed they have to be larger: n of them that take x
        at the most and a quarter of that in truth need room for (n - 1) x / 4 + x.
        """
        requests, tokens = self._per_minute
        sizes = [] if call_tokens is None else [call_tokens / self._ratio.per_byte]
        if tokens is not None and self._fraction > 0:
            least = 0.0
            if requests is not None:
                least = 60 * _KEPT_TIMES / (requests * self._fraction + _KEPT_TIMES - 1)
            sizes.append(tokens * self._fraction * max(_CALL_SECONDS, min(60.0, least)) / 60)
        return max(1, int(min(sizes))) if sizes else None

    @asynccontextmanager
    async def spend(
        self, inputs: Sequence[str], check: Callable[[], None] = lambda: None
    ) -> AsyncIterator[Callable[[int], None]]:
        """Wait until one request with these inputs fits; it is under way within the block.

        Args:
            inputs: as they are sent.
            check: called while waiting; may raise.

        Yields: whom to tell the tokens that the provider counted. Where it tells none, what the
            call is likely to have taken counts; of a call that failed, the most that it can have.
        """
        amount = self._ratio.amount(inputs)
        asked = [
            (allowance, each)
            for allowance, each in zip(self._allowances, (_ONE, amount), strict=True)
            if allowance is not None
        ]
        await self._begin(asked, check)
        told: list[int] = []
        took = amount.most
        try:
            yield told.append
            took = amount.likely
        finally:
            if told:
                took = believed(amount, sum(told))
                self._ratio.learn(amount, took)
            for allowance, each in asked:
                allowance.end(each, 1 if each is _ONE else took, self._clock())

    async def _begin(self, asked: _Asked, check: Callable[[], None]) -> None:
        async with self._turn:  # whoever came first goes first, however large the call is
            while (seconds := self._wait(asked)) > 0:
                await asyncio.sleep(min(seconds, _LOOK_SECONDS))
                check()
            for allowance, amount in asked:
                allowance.begin(amount)

    def _wait(self, asked: _Asked) -> float:
        if self._fraction <= 0:
            return 0.0
        now = self._clock()
        return max((allowance.wait(amount, now) for allowance, amount in asked), default=0.0)


class Share:
    """One worker's fraction of what its lane may spend.

    Its partitions / all partitions / the lane's builds: builds that are filled beside each other
    ask the same provider, and together must not spend more than it allows.

    Args:
        partitions: of `documents`, all of them.
        builds: gives how many builds of the lane there are now.
        tell: told the fraction (0 … 1) whenever it is another one.
    """

    def __init__(
        self, partitions: int, builds: Callable[[], int], tell: Sequence[Callable[[float], None]]
    ) -> None:
        self._all = partitions
        self._builds = builds
        self._tell = tell
        self._mine = partitions
        self._fraction = 1.0

    def of_partitions(self, count: int) -> None:
        """This worker has so many partitions now."""
        self._mine = count
        self.of_builds()

    def of_builds(self) -> None:
        """There may be another number of builds now."""
        fraction = self._mine / self._all / self._builds()
        if fraction != self._fraction:
            self._fraction = fraction
            for tell in self._tell:
                tell(fraction)


def _allowance(per_minute: int | None) -> Allowance | None:
    return None if per_minute is None else Allowance(per_minute, _BURST_SECONDS)
