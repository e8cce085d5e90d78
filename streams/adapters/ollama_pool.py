"""Which of several Ollama hosts gets the next call, and which sit out.

A host that fails sits on the bench, for longer after each failure in a row. It comes back
with a single call, and only after it has shown that it still is what the lane was pinned to:
a host that was reinstalled meanwhile must not mix its vectors with the others'.
Knows no embedding: what is done with a host is the caller's.
"""

import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

from streams.adapters.ollama_host import Holding, Identity
from streams.errors import HotswapError, InputRefused, LaneHalted, TransientError

__all__ = ["Host", "OllamaPool", "describe_differences"]


class Host(Protocol):
    """What the pool itself asks of a host."""

    url: str

    async def look(self) -> Holding:
        """What the host holds now, within seconds. Raises: TransientError, LaneHalted."""
        ...


T = TypeVar("T")
H = TypeVar("H", bound=Host)

_FIRST_PAUSE, _LONGEST_PAUSE = 1.0, 60.0
"""Seconds on the bench after the first failure, and at most."""


@dataclass(slots=True, eq=False)
class Seat(Generic[H]):
    """A host, how busy it is and how it has been doing."""

    host: H
    busy: int = 0
    failures: int = 0
    benched_until: float = 0.0
    proven: bool = False

    def rank(self, now: float) -> tuple[int, float]:
        """Lower is chosen first."""
        if self.failures == 0:
            return 1, self.busy
        if now < self.benched_until:
            return 3, self.benched_until
        # Before the healthy ones, or it would never get its one call to come back with.
        return (0, self.benched_until) if self.busy == 0 else (2, self.busy)


class OllamaPool(Generic[H]):
    """Spreads calls over hosts. Attributes: identity: what the hosts were last found to be."""

    def __init__(self, hosts: Sequence[H], clock: Callable[[], float] = time.monotonic) -> None:
        self._seats = [Seat(host) for host in hosts]
        self._clock = clock
        self.identity: Identity | None = None

    def agreed(self, answers: Sequence[Identity | HotswapError]) -> Identity:
        """Judge what all hosts said of themselves, in their order, and remember it.

        Hosts that can not be reached now are benched and prove themselves later.

        Raises:
            LaneHalted: a host lacks the model, or two differ.
            TransientError: no host answered.
        """
        found: dict[str, Identity] = {}
        failed: dict[str, HotswapError] = {}
        for seat, answer in zip(self._seats, answers, strict=True):
            if isinstance(answer, LaneHalted):
                raise answer
            if isinstance(answer, Identity):
                found[seat.host.url] = answer
                _recover(seat)
            else:
                failed[seat.host.url] = answer
                self._bench(seat)
        if not found:
            raise _all_failed(failed)
        identities = list(found.values())
        if any(identity != identities[0] for identity in identities):
            raise LaneHalted(
                "the hosts of this lane differ; make them equal, or give them lanes of their own\n"
                + _table(found)
            )
        self.identity = identities[0]
        return self.identity

    async def run(self, work: Callable[[H], Awaitable[T]]) -> T:
        """Do `work` on the best host; on the next best if that one fails.

        Raises:
            InputRefused: from the first host that answered so.
            LaneHalted: every host asks for an operator.
            TransientError: every host failed; names each with its error.
        """
        failed: dict[str, HotswapError] = {}
        left = list(self._seats)
        while left:
            now = self._clock()
            seat = min(left, key=lambda each: each.rank(now))
            left.remove(seat)
            seat.busy += 1
            try:
                if not seat.proven:
                    await self._prove(seat)
                result = await work(seat.host)
            except InputRefused:
                _recover(seat)
                raise
            except (TransientError, LaneHalted) as error:
                failed[seat.host.url] = error
                self._bench(seat)
            else:
                _recover(seat)
                return result
            finally:
                seat.busy -= 1
        raise _all_failed(failed)

    async def _prove(self, seat: Seat[H]) -> None:
        holding = await seat.host.look()
        if self.identity is not None and holding != self.identity.holding:
            now = Identity(holding, self.identity.dimensions)
            raise LaneHalted(describe_differences(seat.host.url, self.identity, now))

    def _bench(self, seat: Seat[H]) -> None:
        seat.proven = False
        now = self._clock()
        if seat.failures and now < seat.benched_until:
            return  # Calls that fail together are one failure.
        seat.benched_until = now + min(_FIRST_PAUSE * 2.0**seat.failures, _LONGEST_PAUSE)
        seat.failures += 1


def describe_differences(url: str, pinned: Identity, now: Identity) -> str:
    """What is no longer as it was on one host."""
    before, after = pinned.listed(), now.listed()
    changed = "; ".join(
        f"{name} was {before[name]!r}, is {after[name]!r}"
        for name in before
        if before[name] != after[name]
    )
    return f"{url} is not what this lane was pinned to: {changed}"


def _recover(seat: Seat[H]) -> None:
    seat.failures = 0
    seat.proven = True


def _table(found: dict[str, Identity]) -> str:
    rows = {url: identity.listed() for url, identity in found.items()}
    names = next(iter(rows.values()))
    return "\n".join(
        f"  {name}: " + ", ".join(f"{url} has {row[name]!r}" for url, row in rows.items())
        for name in names
        if len({row[name] for row in rows.values()}) > 1
    )


def _all_failed(failed: dict[str, HotswapError]) -> HotswapError:
    message = "\n".join(str(error) for error in failed.values())
    if all(isinstance(error, LaneHalted) for error in failed.values()):
        return LaneHalted(message)
    return TransientError(message)
