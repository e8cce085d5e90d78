"""What came of adopting a collection, in numbers that add up.

Rows of the original are adopted, already there, out of date, unusable, not taken, unmatched, or
of a document that several rows claim. Documents are bought that no row could be adopted for.
"""

import math
from dataclasses import dataclass

from streams.config import Settings
from streams.core.adoption import Proof, unpack
from streams.core.estimate import cost
from streams.ports import ForeignId
from streams.services.adopt_copy import Copied
from streams.services.adopt_proof import Proved
from streams.services.adopt_survey import Survey

__all__ = ["Adoption", "Taken", "summarise"]

_BYTES_OF_A_TOKEN = 3
"""As in `streams.core.batch.estimated_tokens`."""


@dataclass(frozen=True, slots=True)
class Taken:
    """From where to where: names of collections, the original's metric, the source.

    Attributes:
        stale_unseen: rows were adopted without a look at their text.
    """

    original: str
    metric: str
    collection: str
    source: str
    lane: str
    stale_unseen: bool
    dry_run: bool


@dataclass(frozen=True, slots=True)
class Adoption:
    """What came of it. Counts are of rows of the original, but for documents.

    Attributes:
        taken: from where to where.
        refused: why nothing was adopted, though there was something; empty otherwise.
        rows: in the original.
        adopted: written and read back; in a dry run, those that would be.
        already: the lane holds the document in that version or a newer one.
        unmatched: their id leads to no document of the source.
        unmatched_samples: at most ten of their ids.
        ambiguous: documents that several rows claim; none of those was adopted.
        out_of_date: of another text than the document's, as far as that was looked at.
        unusable: without a vector that can be scaled to length 1, or gone meanwhile.
        not_taken: refused by Milvus.
        documents: of the source.
        without_row: documents that the original has no row of.
        to_buy: documents that the lane's workers will embed.
        tokens: of those, estimated: three bytes each.
        price: for a million tokens; None if that is not configured.
        money: for the tokens; None without a price.
        proof: None if there was nothing to adopt.
        calls: embedding calls made, all of them for the proof.
        texts: texts in those calls.
    """

    taken: Taken
    refused: str
    rows: int
    adopted: int
    already: int
    unmatched: int
    unmatched_samples: tuple[ForeignId | None, ...]
    ambiguous: int
    out_of_date: int
    unusable: int
    not_taken: int
    documents: int
    without_row: int
    to_buy: int
    tokens: int
    price: float | None
    money: float | None
    proof: Proof | None
    calls: int
    texts: int

    @property
    def stale_rows(self) -> tuple[int, int] | None:
        """Between how many adopted rows may carry an older text's vector, at 95 %.

        None if their texts were compared, or nothing was adopted: then none do.
        """
        if not self.taken.stale_unseen or self.proof is None or not self.adopted:
            return None
        low, high = self.proof.interval
        below = len(self.proof.below)
        # Those of the sample are known and left out; the interval is about all the others too.
        return (
            max(0, math.floor(low * (self.adopted + below)) - below),
            max(0, math.ceil(high * (self.adopted + below)) - below),
        )


def summarise(
    settings: Settings,
    taken: Taken,
    found: Survey,
    *,
    proved: Proved | None,
    copied: Copied,
    refused: str,
) -> Adoption:
    """Add up what the parts have found and done."""
    there = found.paid | copied.adopted | copied.already
    to_buy = [unpack(held) for key, held in found.held.items() if key not in there]
    tokens = sum(-(-place.text_bytes // _BYTES_OF_A_TOKEN) for place in to_buy)
    price: float | None = getattr(settings.lanes[taken.lane], "price_per_million_tokens", None)
    matched = len(found.wanted) + len(found.already) + len(found.ambiguous)
    return Adoption(
        taken=taken,
        refused=refused,
        rows=found.rows,
        adopted=len(copied.adopted),
        already=len(found.already) + len(copied.already),
        unmatched=found.unmatched,
        unmatched_samples=tuple(found.unmatched_samples),
        ambiguous=len(found.ambiguous),
        out_of_date=copied.out_of_date,
        unusable=copied.unusable,
        not_taken=copied.refused,
        documents=len(found.held),
        without_row=len(found.held) - matched,
        to_buy=len(to_buy),
        tokens=tokens,
        price=price,
        money=None if price is None else cost(tokens, price),
        proof=None if proved is None else proved.proof,
        calls=0 if proved is None else proved.calls,
        texts=0 if proved is None else proved.texts,
    )
