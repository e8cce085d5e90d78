"""What a preflight can say of money and time, from what its checks measured anyway.

By the arithmetic of a plan. Nothing is said before there are documents: the rate and the tokens
would be those of texts that the project brings along.
"""

from collections.abc import Iterator

from schemas.preflight import LaneEstimate
from streams.core.batch import ESTIMATED
from streams.core.estimate import backfill_hours, cost, total_tokens
from streams.core.preflight.judging import Facts

__all__ = ["estimates"]


def estimates(facts: Facts) -> Iterator[LaneEstimate]:
    """Of each lane whose rate could be measured, in the order of the lanes."""
    sample, documents = facts.sample, facts.documents
    if not sample.documents:
        return
    tokens = total_tokens(sample.tokens, sample.documents, documents)
    for lane, rate in facts.rates.items():
        if rate <= 0:
            continue
        price = facts.prices.get(lane)
        yield LaneEstimate(
            lane=lane,
            documents=documents,
            documents_per_second=rate,
            hours=backfill_hours(documents, rate),
            tokens=tokens,
            tokens_by=ESTIMATED,
            money=None if price is None else cost(tokens, price),
        )
