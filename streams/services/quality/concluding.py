"""From answers to a result: measures, agreement and their intervals. Asks nothing and nobody."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from streams.core.intervals import RESAMPLES
from streams.core.quality import Answer, agreements, compare, measured
from streams.core.query_files import Judgments, TestQuery
from streams.services.quality.asking import Asked
from streams.services.quality.relevance import measure_names, relevance
from streams.services.quality.result import LaneResult, QualityResult
from streams.services.quality.sample import VectorSample

__all__ = ["Wanted", "conclude"]

_TOLD = 10
"""Failures of each lane that are named; the others are counted."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What to measure.

    Attributes:
        queries: to ask.
        judged: what is relevant to them; None: only compare the lanes with each other.
        k: hits of each query.
        sample: rows whose vectors to look at; 0: none.
        seed: of the sample and of the intervals.
        by: who asks.
        hotswap_version: of this program.
    """

    queries: Sequence[TestQuery]
    judged: Judgments | None
    k: int
    sample: int
    seed: int
    by: str
    hotswap_version: str


def conclude(
    wanted: Wanted,
    rounds: tuple[Asked, Asked, Asked],
    lanes: tuple[LaneResult, LaneResult],
    sample: VectorSample | None,
    *,
    asked: int,
    relevant: int | None,
    control_version: int,
    started: float,
) -> QualityResult:
    """Compare what the lanes answered in both rounds.

    Args:
        wanted: what was to be measured.
        rounds: the source's, the target's, and the source's second.
        lanes: source and target.
        sample: of the stored vectors.
        asked: queries that were asked.
        relevant: documents judged relevant to them; None without judgments.
        control_version: of the state whose builds were asked.
        started: `time.monotonic()` at the beginning.
    """
    first, second, again = rounds
    k, judged = wanted.k, wanted.judged
    measures = None
    if judged is not None:
        measures = (relevance(k, first.answers, judged), relevance(k, second.answers, judged))
    compared = compare(k, first.answers, second.answers, again.answers, measures)
    rng = np.random.default_rng(wanted.seed)
    return QualityResult(
        at=time.time_ns() // 1_000_000,
        by=wanted.by,
        hotswap_version=wanted.hotswap_version,
        control_version=control_version,
        seconds=time.monotonic() - started,
        seed=wanted.seed,
        resamples=RESAMPLES,
        k=k,
        queries=len(wanted.queries),
        unjudged=len(wanted.queries) - asked,
        compared=len(compared),
        floor_failed=sum(one.floor_overlap is None for one in compared),
        failures=(*first.failures[:_TOLD], *second.failures[:_TOLD]),
        relevant=relevant,
        source=lanes[0],
        target=lanes[1],
        measures=() if judged is None else measured(compared, measure_names(k), rng),
        agreement=agreements(compared, k, rng),
        score_noise=_score_noise(first.answers, again.answers),
        sample=sample,
        per_query=compared,
    )


def _score_noise(first: Mapping[str, Answer], again: Mapping[str, Answer]) -> float | None:
    differences = [
        abs(answer.scores[0] - again[query].scores[0])
        for query, answer in first.items()
        if answer.scores and query in again and again[query].scores
    ]
    return max(differences, default=None)
