"""Measures of relevance, by the library ir-measures over trec_eval.

Loaded only when there are judgments, since the library belongs to the extra `quality`.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from streams.core.quality import Answer
from streams.core.query_files import Judgments

__all__ = ["measure_names", "relevance"]


def measure_names(k: int) -> tuple[str, str, str]:
    """The measures, as ir-measures calls them; the first is what retention is about."""
    return f"nDCG@{k}", f"R@{k}", f"RR@{k}"


def relevance(
    k: int, answers: Mapping[str, Answer], judged: Judgments
) -> dict[str, dict[str, float]]:
    """Query id → measure → value, for the queries that are both answered and judged.

    nDCG@k: gains as judged, discounted by log2 of the rank + 1, to the best order's (Järvelin
    and Kekäläinen, ACM TOIS 20, 2002). R@k: the share of the relevant documents that is in the
    top k. RR@k: one by the rank of the first relevant one, 0 below k; its mean is the MRR.
    Documents without a judgment are not relevant.

    Args:
        k: how many hits count.
        answers: query id → what a lane found.
        judged: the judgments.
    """
    import ir_measures  # noqa: PLC0415 (see the module)

    names = measure_names(k)
    both = [query for query in answers if query in judged]
    found: dict[str, dict[str, float]] = {query: dict.fromkeys(names, 0.0) for query in both}
    metrics = ir_measures.iter_calc(
        [ir_measures.parse_measure(name) for name in names],
        list(_judgments(ir_measures, judged, both)),
        list(_run(ir_measures, answers, both)),
    )
    for metric in metrics:
        found[metric.query_id][str(metric.measure)] = float(metric.value)
    return found


def _judgments(library: Any, judged: Judgments, queries: Sequence[str]) -> Iterator[Any]:  # noqa: ANN401 - an untyped module
    for query in queries:
        for document, score in judged[query].items():
            yield library.Qrel(query, document, score)


def _run(
    library: Any,  # noqa: ANN401 - an untyped module
    answers: Mapping[str, Answer],
    queries: Sequence[str],
) -> Iterator[Any]:
    for query in queries:
        for rank, document in enumerate(answers[query].ids):
            # Not the lane's own score: trec_eval sorts equal ones by id, and a lane does not.
            yield library.ScoredDoc(query, document, float(-rank))
