"""How many tokens a provider makes of texts: a cautious guess at first, then what it tells.

Only its tokenizer knows, so there are two figures. What a text is likely to take follows from
the calls before; a running ratio, since texts of one source are alike and change slowly. The most
that a text can take follows from its bytes alone, since a token stands for one byte at least.
"""

from collections.abc import Sequence
from typing import Final

from streams.core.allowance import Amount

__all__ = ["FIRST_GUESS", "LEAST", "TokenRatio", "believed", "most_tokens"]

FIRST_GUESS: Final = 1 / 3
"""Tokens of a byte: English prose comes to about 1/4, code and other scripts to about 1/3."""
LEAST: Final = 1 / 10
"""Tokens of a byte. An account that is lower is not believed: not every server counts."""
_MOST: Final = 1.0
_MARKS: Final = 2
"""Tokens that a model may put around a text."""
_MARGIN: Final = 1.1
_GUESSED_BYTES: Final = 20_000
"""Of told texts, that outweigh the first guess."""
_KEPT_BYTES: Final = 50_000
"""How far back the ratio looks."""


def most_tokens(text: str) -> int:
    """The most tokens that a text can take, with those that a model puts around it.

    Holds for tokenizers over bytes or characters, such as OpenAI's. One that first spells out
    a few compound characters may exceed it in a text that consists of them.
    """
    return len(text.encode()) + _MARKS


class TokenRatio:
    """Tokens of a byte in one lane's texts; learned anew by each process."""

    def __init__(self) -> None:
        self._bytes = float(_GUESSED_BYTES)
        self._tokens = _GUESSED_BYTES * FIRST_GUESS / _MARGIN

    @property
    def per_byte(self) -> float:
        """On the cautious side, between `LEAST` and 1."""
        return min(_MOST, max(LEAST, _MARGIN * self._tokens / self._bytes))

    def amount(self, texts: Sequence[str]) -> Amount:
        """What a call with these texts takes."""
        most = sum(map(most_tokens, texts))
        return Amount(most * self.per_byte, most)

    def learn(self, amount: Amount, took: float) -> None:
        """Take into account what a call was told to take; `amount` is what it began with."""
        kept = _KEPT_BYTES / (_KEPT_BYTES + amount.most)
        self._bytes = kept * self._bytes + amount.most
        self._tokens = kept * self._tokens + took


def believed(amount: Amount, told: int) -> float:
    """What to go by if a provider says that a call took so much."""
    return max(float(told), LEAST * amount.most)
