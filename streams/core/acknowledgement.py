"""How far a partition may be committed, given what was delivered and what is done.

Knows offsets only. Three things about a Kafka log shape it: compaction leaves gaps between
offsets, so a gap means nothing; a rebalance or a seek delivers offsets again; and a commit
that failed must be offered again although nothing new was done since.

Each operation is amortised O(1), whatever the gaps.
"""

from collections import deque

__all__ = ["Ledger"]


class Ledger:
    """Delivered offsets of one partition, in order, until they are done."""

    __slots__ = ("_committed", "_done", "_pending", "_position")

    def __init__(self) -> None:
        self._pending: deque[int] = deque()
        self._done: set[int] = set()
        self._position: int | None = None
        self._committed: int | None = None

    def __len__(self) -> int:
        """How many delivered offsets are not done or wait behind one that is not."""
        return len(self._pending)

    def deliver(self, offset: int) -> None:
        """Note that `offset` was handed out; offsets from there on will come (again)."""
        while self._pending and self._pending[-1] >= offset:
            # The consumer went back: what follows will be delivered again, and only
            # that delivery counts.
            self._done.discard(self._pending.pop())
        self._pending.append(offset)

    def acknowledge(self, offset: int) -> None:
        """Note that the effect of `offset` is durable. Unknown offsets change nothing."""
        pending = self._pending
        if not pending or offset < pending[0] or offset > pending[-1]:
            return
        self._done.add(offset)
        while pending and pending[0] in self._done:
            done = pending.popleft()
            self._done.discard(done)
            self._position = done + 1

    def committable(self) -> int | None:
        """The offset to commit: one past the last of an unbroken run of done ones.

        None if there is nothing to commit that was not committed before.
        """
        if self._position is None or self._position == self._committed:
            return None
        return self._position

    def committed(self, offset: int) -> None:
        """Note that the broker has confirmed a commit of `offset`."""
        self._committed = offset
