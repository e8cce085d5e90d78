"""Two lanes' answers to the same queries, set side by side: measures, agreement, intervals.

Decides which queries count, and what the numbers come to. A query counts for a comparison only
if both lanes answered it. Does not know how answers are judged: measures of relevance come in as
numbers. Scores of two models are not comparable, so they are described lane by lane and never
set against each other.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from streams.core.agreement import overlap_at, rank_biased_overlap, rank_correlation
from streams.core.intervals import Estimate, means_of, pairs_of

__all__ = [
    "AgreementRow",
    "Answer",
    "Compared",
    "MeasureRow",
    "Scores",
    "agreements",
    "compare",
    "measured",
    "scores_of",
]

_QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95)


@dataclass(frozen=True, slots=True)
class Answer:
    """What a lane found: document ids and their cosine similarities, nearest first."""

    ids: tuple[str, ...]
    scores: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Compared:
    """One query that both lanes answered.

    Attributes:
        query: its id.
        overlap: share of the top k that both lanes have in common.
        rank_biased_overlap: the same, with the top counting most.
        rank_correlation: Kendall's tau over the hits that both lanes found; None if those are
            fewer than two.
        floor_overlap: the source against itself; None if it did not answer a second time.
        floor_rank_biased_overlap: the same.
        floor_rank_correlation: the same; None also if there are fewer than two hits.
        source: measure → the source's value; empty without judgments.
        target: measure → the target's value.
    """

    query: str
    overlap: float
    rank_biased_overlap: float
    rank_correlation: float | None
    floor_overlap: float | None
    floor_rank_biased_overlap: float | None
    floor_rank_correlation: float | None
    source: Mapping[str, float]
    target: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class MeasureRow:
    """One measure of relevance over all compared queries.

    Attributes:
        retention: the target's mean to the source's; None if the source's is 0.
        better: queries for which the target's value is greater.
        equal: queries for which both are the same.
        worse: queries for which the target's value is smaller.
    """

    measure: str
    source: Estimate
    target: Estimate
    retention: Estimate | None
    better: int
    equal: int
    worse: int


@dataclass(frozen=True, slots=True)
class AgreementRow:
    """How alike answers are: of both lanes, and of the source asked twice (the noise floor)."""

    measure: str
    lanes: Estimate
    floor: Estimate | None


@dataclass(frozen=True, slots=True)
class Scores:
    """Cosine similarities of one lane's hits.

    Attributes:
        best: `p5` to `p95` over the queries, of each answer's first hit.
        last: the same, of its last hit.
    """

    best: Mapping[str, float]
    last: Mapping[str, float]


def compare(
    k: int,
    source: Mapping[str, Answer],
    target: Mapping[str, Answer],
    again: Mapping[str, Answer],
    measures: tuple[Mapping[str, Mapping[str, float]], Mapping[str, Mapping[str, float]]] | None,
) -> tuple[Compared, ...]:
    """Set the answers to each query side by side, in the source's order.

    Args:
        k: how many hits were asked for.
        source: query id → the source's answer; queries that failed are left out.
        target: the target's.
        again: the source's, asked a second time.
        measures: of source and target: query id → measure → value. None: no judgments.
    """
    of_source, of_target = measures if measures is not None else ({}, {})
    rows = []
    for query, first in source.items():
        if query not in target:
            continue
        overlap, rank_biased, correlation = _alike(k, first, target[query])
        floor = _alike(k, first, again[query]) if query in again else (None, None, None)
        rows.append(
            Compared(
                query=query,
                overlap=overlap,
                rank_biased_overlap=rank_biased,
                rank_correlation=correlation,
                floor_overlap=floor[0],
                floor_rank_biased_overlap=floor[1],
                floor_rank_correlation=floor[2],
                source=of_source.get(query, {}),
                target=of_target.get(query, {}),
            )
        )
    return tuple(rows)


def _alike(k: int, first: Answer, second: Answer) -> tuple[float, float, float | None]:
    return (
        overlap_at(k, first.ids, second.ids),
        rank_biased_overlap(first.ids, second.ids),
        rank_correlation(first.ids, second.ids),
    )


def measured(
    compared: Sequence[Compared], names: Sequence[str], rng: np.random.Generator
) -> tuple[MeasureRow, ...]:
    """Each measure over the queries.

    Raises: ValueError if there is no query.
    """
    source = np.array([[one.source[name] for name in names] for one in compared])
    target = np.array([[one.target[name] for name in names] for one in compared])
    return tuple(
        MeasureRow(
            measure=name,
            source=pair.source,
            target=pair.target,
            retention=pair.ratio,
            better=int((target[:, at] > source[:, at]).sum()),
            equal=int((target[:, at] == source[:, at]).sum()),
            worse=int((target[:, at] < source[:, at]).sum()),
        )
        for at, (name, pair) in enumerate(zip(names, pairs_of(target, source, rng), strict=True))
    )


def agreements(
    compared: Sequence[Compared], k: int, rng: np.random.Generator
) -> tuple[AgreementRow, ...]:
    """Overlap, rank-biased overlap and Kendall's tau, beside their noise floor.

    Tau and its floor are over the queries of which it says something; without any, there is no
    row of it.

    Raises: ValueError if there is no query.
    """
    names = (f"overlap@{k}", "RBO")
    lanes = means_of(np.array([(one.overlap, one.rank_biased_overlap) for one in compared]), rng)
    twice = [
        (one.floor_overlap, one.floor_rank_biased_overlap)
        for one in compared
        if one.floor_overlap is not None and one.floor_rank_biased_overlap is not None
    ]
    floors = means_of(np.array(twice), rng) if twice else (None, None)
    rows = tuple(map(AgreementRow, names, lanes, floors))
    ranked = [one for one in compared if one.rank_correlation is not None]
    tau = _mean_of([one.rank_correlation for one in ranked], rng)
    if tau is None:
        return rows
    floor = _mean_of([one.floor_rank_correlation for one in ranked], rng)
    return (*rows, AgreementRow("Kendall's tau", tau, floor))


def _mean_of(values: Sequence[float | None], rng: np.random.Generator) -> Estimate | None:
    known = [value for value in values if value is not None]
    return means_of(np.array(known)[:, np.newaxis], rng)[0] if known else None


def scores_of(answers: Mapping[str, Answer]) -> Scores:
    """How one lane's scores are spread; answers without a hit are left out."""
    some = [answer.scores for answer in answers.values() if answer.scores]
    return Scores(
        best=_quantiles([scores[0] for scores in some]),
        last=_quantiles([scores[-1] for scores in some]),
    )


def _quantiles(values: Sequence[float]) -> Mapping[str, float]:
    if not values:
        return {}
    found = np.quantile(values, _QUANTILES)
    return {
        f"p{round(100 * share)}": float(value)
        for share, value in zip(_QUANTILES, found, strict=True)
    }
