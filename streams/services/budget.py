"""A lane's share of the provider's requests and tokens per minute."""

from collections.abc import Callable, Sequence

from aiolimiter import AsyncLimiter

__all__ = ["Budget", "Share"]

_WINDOW_SECONDS = 5.0
"""A minute's budget is handed out in portions of this length, so that no burst spends it."""


class Budget:
    """Requests and tokens per minute, scaled by the share of partitions a worker has.

    A worker uses budget * its partitions / all partitions, so that the workers of a lane
    together never spend more than the provider allows.
    """

    def __init__(
        self, requests_per_minute: int | None = None, tokens_per_minute: int | None = None
    ) -> None:
        self._per_minute = (requests_per_minute, tokens_per_minute)
        self._limiters = tuple(_limiter(rate, 1.0) for rate in self._per_minute)

    def share(self, fraction: float) -> None:
        """Use this fraction (0 … 1) of the whole budget from now on."""
        self._limiters = tuple(_limiter(rate, fraction) for rate in self._per_minute)

    async def spend(self, tokens: int) -> None:
        """Wait until one request of this many tokens fits."""
        for limiter, amount in zip(self._limiters, (1, tokens), strict=True):
            if limiter is not None:
                # One request may ask for more than a window holds; it then takes a whole one.
                await limiter.acquire(min(amount, limiter.max_rate))


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


def _limiter(per_minute: int | None, fraction: float) -> AsyncLimiter | None:
    if per_minute is None or fraction <= 0:
        return None
    portion = max(1.0, per_minute * fraction * _WINDOW_SECONDS / 60)
    return AsyncLimiter(portion, portion * 60 / (per_minute * fraction))
