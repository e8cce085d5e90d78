"""Text: the one canonical form that all lanes embed.

In this order: NUL characters out, white space at both ends off, Unicode NFC, a cut to the
budget. Canonical text is a fixed point: cleaning it again changes nothing. Knows nothing of
templates or models; the budget is in bytes of UTF-8, since that is what is known of a text
before any model's tokenizer sees it.
"""

import hashlib
import unicodedata
from typing import NamedTuple

__all__ = ["MIN_BUDGET_BYTES", "Text", "clean", "content_hash"]

MIN_BUDGET_BYTES = 4
"""The longest UTF-8 form of one character: below it, a text could be cut to nothing."""

_NFC_SHRINKS_AT_MOST = 3  # three Hangul jamo, 9 bytes, make one syllable of 3
_LONGEST_CLUSTER = 64  # characters; a longer pile of marks is cut anywhere
_ZWJ = "\u200d"
_EXTENDING = frozenset({"Mn", "Me", "Mc"})
_EXTENDING_BLOCKS = (
    range(0x1160, 0x1200),  # Hangul vowels and final consonants
    range(0x1F3FB, 0x1F400),  # emoji skin tones
    range(0xE0020, 0xE0080),  # emoji tags
)


class Text(NamedTuple):
    """A canonical text.

    Attributes:
        value: empty if there is nothing to embed.
        cut_bytes: bytes of UTF-8 left out to keep within the budget.
    """

    value: str
    cut_bytes: int = 0


def clean(raw: str, budget_bytes: int) -> Text:
    """The canonical form of `raw` in at most `budget_bytes` bytes of UTF-8 (4 or more).

    A cut falls on the last white space in the last tenth of the budget, if there is one, and
    never inside a character or, within reason, inside a grapheme cluster.

    Raises: UnicodeEncodeError for a lone surrogate.
    """
    # NUL goes first: it would keep a letter and its accent from composing.
    value = raw.replace("\0", "").strip()
    if value.isascii():
        return Text(value) if len(value) <= budget_bytes else _cut(value, budget_bytes, 0)
    data = value.encode()
    # Putting marks in order takes quadratic time, so only what can count is normalised.
    enough = _NFC_SHRINKS_AT_MOST * (budget_bytes + _LONGEST_CLUSTER)
    left_out = 0
    if len(data) > enough:
        value = data[:enough].decode(errors="ignore")
        left_out = len(data) - len(value.encode())
    if not unicodedata.is_normalized("NFC", value):
        value = unicodedata.normalize("NFC", value)
    return _cut(value, budget_bytes, left_out)


def content_hash(text: str) -> str:
    """BLAKE2b-128 of a text in UTF-8, in hex: an equal text costs no second embedding."""
    return hashlib.blake2b(text.encode(), digest_size=16).hexdigest()


def _cut(value: str, budget_bytes: int, left_out: int) -> Text:
    data = value.encode()
    if len(data) <= budget_bytes:
        return Text(value, left_out)
    end = len(data[:budget_bytes].decode(errors="ignore"))
    if not value[end].isspace():
        tenth = range(end - 1, end - 1 - end // 10, -1)
        blank = next((place for place in tenth if value[place].isspace()), 0)
        end = blank or _cluster_start(value, end)
    kept = value[:end].rstrip()
    return Text(kept, left_out + len(data) - len(kept.encode()))


def _cluster_start(value: str, end: int) -> int:
    """The last place at or before `end` where a cut leaves clusters whole."""
    for place in range(end, max(0, end - _LONGEST_CLUSTER), -1):
        if not _joins(value, place):
            return place
    return end


def _joins(value: str, place: int) -> bool:
    """Whether the characters on both sides of `place` belong to one grapheme cluster.

    Those rules of UAX 29 that the standard library's tables can tell: marks, variation
    selectors, joiners, emoji modifiers and tags, Hangul jamo, flags.
    """
    before, after = value[place - 1], value[place]
    if after.isascii():
        return False
    code = ord(after)
    if _ZWJ in (before, after) or unicodedata.category(after) in _EXTENDING:
        return True
    if any(code in block for block in _EXTENDING_BLOCKS):
        return True
    if not (_is_flag_letter(before) and _is_flag_letter(after)):
        return False
    run = 1
    while run < place and _is_flag_letter(value[place - 1 - run]):
        run += 1
    return run % 2 == 1  # flags are pairs of letters, counted from the first


def _is_flag_letter(character: str) -> bool:
    return "\U0001f1e6" <= character <= "\U0001f1ff"
