"""The order of runs: warm up, then reference and measured in turn.

A machine drifts while it works: it gets warm, and others use it. So a reference is taken
before, between and after the measured runs, and each of those is compared with the mean of the
two references next to it.
"""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from statistics import fmean, median
from typing import Protocol

from streams.bench.measure import Pair

__all__ = ["Progress", "Rates", "Run", "alternate"]


class Progress(Protocol):
    """Is told how far a bench is. Called from one thread at a time."""

    def begin(self, what: str, total: int) -> None:
        """A run of `total` documents begins."""
        ...

    def advance(self, count: int) -> None:
        """So many more are done."""
        ...


@dataclass(frozen=True, slots=True)
class Run:
    """Something that takes documents, or searches, and says how it did."""

    what: str
    rate: Callable[[int], Awaitable[float]]
    """Number of documents → such as documents per second. Can be called any number of times."""
    share: float = 1.0
    """How much of a run's documents this one takes; a slow reference needs fewer."""

    def takes(self, documents: int) -> int:
        """Its own number of documents, at least one."""
        return max(1, round(documents * self.share))


@dataclass(slots=True)
class Rates:
    """What each run said, in order: such as its documents per second."""

    measured: list[float] = field(default_factory=list)
    references: dict[str, list[float]] = field(default_factory=dict)

    def beside(self, what: str) -> list[Pair]:
        """Each measured run with the mean of this reference right before and right after it."""
        before_and_after = pairwise(self.references[what])
        return [
            Pair(rate, fmean(around))
            for rate, around in zip(self.measured, before_and_after, strict=True)
        ]

    @property
    def slowest(self) -> str:
        """The reference with the lowest median: the one that bounds the others."""
        return min(self.references, key=lambda what: median(self.references[what]))


async def alternate(
    measured: Run,
    references: Sequence[Run],
    progress: Progress,
    *,
    documents: int,
    warm_up: int,
    rounds: int,
) -> Rates:
    """Run references, measured, references, measured, …, references.

    Of several references every other turn is the other way round, so that what lies before and
    after a measured run is equally far away.

    Args:
        measured: what is judged.
        references: what it is judged against.
        progress: told of each run as it begins.
        documents: in each run.
        warm_up: documents in a first run of each, which does not count; 0: there is none.
        rounds: how often `measured` runs.
    """
    for run in (*references, measured) if warm_up else ():
        await _once(run, "warming up", warm_up, progress)
    rates = Rates(references={run.what: [] for run in references})
    for number in range(1, rounds + 2):
        for run in references if number % 2 else references[::-1]:
            rate = await _once(run, f"{number} of {rounds + 1}", documents, progress)
            rates.references[run.what].append(rate)
        if number <= rounds:
            rate = await _once(measured, f"{number} of {rounds}", documents, progress)
            rates.measured.append(rate)
    return rates


async def _once(run: Run, which: str, documents: int, progress: Progress) -> float:
    count = run.takes(documents)
    progress.begin(f"{run.what}, {which}", count)
    return await run.rate(count)
