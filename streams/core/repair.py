"""What mending a lane's differences takes: suspects in, a plan out.

Decides which differences can be mended and how; knows neither log nor store. A row is always
written from its newest document, never from what the row holds, with one exception: a vector that
nothing speaks against is kept, so that it is not paid for again.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from schemas.document import is_document_id
from schemas.verify import Finding
from streams.core.verification import Suspect

__all__ = ["MOST_AT_ONCE", "Mend", "RepairPlan", "plan_repair"]

MOST_AT_ONCE: Final = 100_000
"""Differences that one repair mends; it holds them in memory. Another run goes on."""


class Mend(StrEnum):
    """What is done to a row."""

    WRITE = "write"
    """Written from its newest document; its vector is kept if it is of the same text."""
    EMBED = "embed"
    """Written from its newest document, with a new vector."""
    DELETE = "delete"


_MENDS: Final[Mapping[Finding, Mend]] = {
    Finding.MISSING: Mend.EMBED,
    Finding.EXTRA: Mend.DELETE,
    Finding.STALE: Mend.WRITE,
    # Of two rows nobody knows whose vector it is that a search meets.
    Finding.DUPLICATE: Mend.EMBED,
    Finding.MISPLACED: Mend.WRITE,
    Finding.MALFORMED: Mend.EMBED,
    Finding.WRONG_VECTOR: Mend.EMBED,
}


@dataclass(frozen=True, slots=True)
class RepairPlan:
    """What to do to which row.

    Attributes:
        mends: each with what is done to it.
        left: how many differences can not be mended, or not in this run.
        why_left: the reasons, in words.
    """

    mends: Sequence[tuple[Suspect, Mend]]
    left: int
    why_left: Sequence[str]

    def counts(self) -> dict[Finding, int]:
        """How many differences of each sort are mended."""
        found = Counter(suspect.finding for suspect, _ in self.mends)
        return {finding: found[finding] for finding in Finding if found[finding]}


def plan_repair(found: Sequence[Suspect], in_all: int) -> RepairPlan:
    """Plan to mend the differences of a verification.

    Args:
        found: at most `MOST_AT_ONCE` of them.
        in_all: how many there were.
    """
    unsafe = [suspect for suspect in found if not is_document_id(suspect.id)]
    mends = [
        (suspect, _MENDS[suspect.finding])
        for suspect in found
        if suspect.finding in _MENDS and is_document_id(suspect.id)
    ]
    why = []
    if unsafe:
        ids = "its id is" if len(unsafe) == 1 else "their ids are"
        why.append(
            f"{len(unsafe):,}: {ids} none of a document, and no filter may name such; such as"
            f" {unsafe[0].id[:80]!r}"
        )
    if in_all > len(found):
        why.append(f"{in_all - len(found):,}: one run mends {MOST_AT_ONCE:,}; run it again")
    return RepairPlan(mends, in_all - len(mends), why)
