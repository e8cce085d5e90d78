"""What documents would have cost a lane that is retired: from the texts that changed lately.

Method: each record of `documents` with another text than the record before it of the same id is
one purchase; its tokens are estimated from its bytes, rather too many than too few; the sum over
a window is scaled to 30 days, if the window is a day or longer: documents do not change as evenly
as that from one hour to the next. Records that compaction has taken away are not counted. Neither
are queries, which are embedded and paid, too: nobody keeps account of all of them. Knows no
clock and no topic: records come in as values, in order within a shard.
"""

from dataclasses import dataclass
from typing import Final

import orjson

from streams.core.batch import estimated_tokens
from streams.core.estimate import cost

__all__ = ["MONTH_SECONDS", "Purchases", "Savings", "Window", "savings"]

MONTH_SECONDS: Final = 30 * 86_400
_MS: Final = 1000
_SHORTEST_SECONDS: Final = 86_400


@dataclass(slots=True)
class Window:
    """Purchases since a moment, in ms since the epoch."""

    since: int
    documents: int = 0
    tokens: int = 0

    def count(self, at: int, tokens: int) -> None:
        """Take one purchase into account, if it is not before the window."""
        if at >= self.since:
            self.documents += 1
            self.tokens += tokens


class Purchases:
    """Counts the records of `documents` that a lane would have bought.

    Args:
        now_ms: the end of the windows, ms since the epoch.
        complete_since: when the lane's writes ended, ms since the epoch.
    """

    def __init__(self, now_ms: int, complete_since: int) -> None:
        self._now = now_ms
        self._month = Window(now_ms - MONTH_SECONDS * _MS)
        self._complete = Window(max(complete_since, self._month.since))
        self._hashes: dict[bytes, str] = {}
        self._oldest = now_ms

    def begin_shard(self) -> None:
        """The next records are of another shard, so of other ids."""
        self._hashes.clear()

    def add(self, key: bytes | None, value: bytes | None, at: int) -> None:
        """Take one record into account; `at`: the broker's timestamp, ms since the epoch."""
        if key is None:
            return
        self._oldest = min(self._oldest, at)
        if value is None:
            self._hashes.pop(key, None)
            return
        try:
            document = orjson.loads(value)
            found, text = str(document["content_hash"]), str(document["text"])
        except (ValueError, KeyError, TypeError):
            return  # no document: nobody embeds it
        if self._hashes.get(key) == found:
            return
        self._hashes[key] = found
        tokens = estimated_tokens(text)
        self._month.count(at, tokens)
        self._complete.count(at, tokens)

    @property
    def window(self) -> Window:
        """The window to go by: 30 days, or since stage complete if the log is younger.

        A log that is younger than 30 days holds the first filling, which comes only once.
        """
        return self._month if self._oldest < self._month.since else self._complete


@dataclass(frozen=True, slots=True)
class Savings:
    """What is saved in 30 days on documents; what queries cost comes on top.

    Attributes:
        window_seconds: that was looked at.
        documents: that were bought in it, or would have been.
        tokens: of those, estimated, at most.
        price: for a million tokens; None if it is not configured.
        money: for the tokens; None without a price.
        monthly_tokens: scaled to 30 days; None if the window is shorter than a day.
        monthly: money in 30 days; None without a price, or if the window is shorter than a day.
    """

    window_seconds: float
    documents: int
    tokens: int
    price: float | None
    money: float | None
    monthly_tokens: int | None
    monthly: float | None


def savings(window: Window, now_ms: int, price: float | None) -> Savings:
    """Scale a window to 30 days, and put the price to it."""
    seconds = max(0.0, (now_ms - window.since) / _MS)
    months = MONTH_SECONDS / seconds if seconds >= _SHORTEST_SECONDS else None
    monthly = None if months is None else round(window.tokens * months)
    return Savings(
        window_seconds=seconds,
        documents=window.documents,
        tokens=window.tokens,
        price=price,
        money=None if price is None else cost(window.tokens, price),
        monthly_tokens=monthly,
        monthly=None if price is None or monthly is None else cost(monthly, price),
    )
