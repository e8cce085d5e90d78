"""What the numbers of a quality run mean, in plain sentences.

Decides the words, and how many digits they bear. Knows no terminal and no Markdown.
"""

import math

from streams.core.intervals import Estimate
from streams.core.quality import AgreementRow, MeasureRow

__all__ = ["NOT_COMPARABLE", "agreement_sentence", "interval", "per_cent", "retention_sentence"]

NOT_COMPARABLE = (
    "Scores (cosine similarities) of two models are not comparable: a threshold that an"
    " application sets for the one means nothing for the other."
)

_FEW = 30  # below it, a bootstrap interval is itself too narrow


def retention_sentence(row: MeasureRow, queries: int) -> str:
    """What the target keeps of the source's quality."""
    if row.retention is None:
        return (
            f"The source finds nothing relevant on {queries} queries ({row.measure} is 0), so"
            " there is nothing for the target to keep: look at the judgments and their ids."
        )
    said = (
        f"The target keeps {per_cent(row.retention.value)} (95 % interval"
        f" {interval(row.retention)}) of the source's {row.measure} on {_queries(queries)}."
    )
    if not math.isfinite(row.retention.high):
        return f"{said} The queries are too few for an upper end."
    few = (
        f" {_queries(queries)} are few: expect the next set to differ more."
        if queries < _FEW
        else ""
    )
    if row.retention.low <= 1 <= row.retention.high:
        return f"{said} The interval holds 100 %: no difference is proven.{few}"
    return (
        f"{said} The target is measurably {'worse' if row.retention.high < 1 else 'better'}.{few}"
    )


def agreement_sentence(row: AgreementRow, k: int, queries: int) -> str:
    """How alike the lanes answer, and what the noise floor says of it."""
    said = (
        f"Both lanes agree on {per_cent(row.lanes.value)} (95 % interval {interval(row.lanes)})"
        f" of the top {k} on {_queries(queries)}."
    )
    if row.floor is None:
        return f"{said} The source did not answer a second time, so there is no noise floor."
    return (
        f"{said} The source agrees with itself on {per_cent(row.floor.value)} when it is asked"
        " twice with the query embedded anew: that is the noise floor, and no other lane can be"
        " expected above it. What lies between is the change of model; whether it is for better"
        " or worse, only judgments of relevance can tell."
    )


def per_cent(share: float) -> str:
    """A share as a percentage without decimals, or with one where it would be rounded to 100."""
    if not math.isfinite(share):
        return "∞"
    whole = f"{100 * share:.0f}"
    if whole == "100" and abs(share - 1) > 1e-9:  # noqa: PLR2004 - rounding only
        return f"{100 * share:.1f} %"
    return f"{whole} %"


def interval(estimate: Estimate) -> str:
    """Both ends as percentages: 94 % and 99 % with a dash in between."""
    low, high = per_cent(estimate.low), per_cent(estimate.high)
    return f"{low.removesuffix(' %')}\N{EN DASH}{high}"


def _queries(count: int) -> str:
    return "1 query" if count == 1 else f"{count:,} queries"
