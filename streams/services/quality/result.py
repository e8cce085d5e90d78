"""What a run of `hotswap quality` found, as values; and what of it the gate is told."""

import math
from collections.abc import Mapping
from dataclasses import dataclass

from schemas import Fingerprint, QualityObservation, QualitySide
from streams.core.quality import AgreementRow, Compared, MeasureRow, Scores
from streams.core.quality_words import NOT_COMPARABLE, agreement_sentence, retention_sentence
from streams.services.quality.asking import Failure
from streams.services.quality.sample import VectorSample

__all__ = ["LaneResult", "QualityResult", "observation"]


@dataclass(frozen=True, slots=True)
class LaneResult:
    """One lane, as it was asked.

    Attributes:
        rows: in its collection, counted before the first query.
        failed: queries that it did not answer.
        absent_relevant: documents judged relevant that it does not hold; None without judgments.
    """

    lane: str
    build: int
    collection: str
    fingerprint: Fingerprint
    rows: int
    failed: int
    absent_relevant: int | None
    scores: Scores


@dataclass(frozen=True, slots=True)
class QualityResult:
    """One run.

    Attributes:
        at: when it was finished, ms since the epoch.
        control_version: of the state whose builds were asked.
        resamples: of which each interval is made.
        queries: in the file.
        unjudged: of those, not asked, since no document is judged relevant to them.
        compared: of those asked, answered by both lanes.
        floor_failed: of those, not answered by the source a second time.
        failures: the first ten of each lane.
        relevant: documents judged relevant to queries that were asked; None without judgments.
        measures: empty without judgments; the first is what retention is about.
        score_noise: greatest difference of a best hit's score between the source's two rounds.
        sample: None if it was switched off, or there were too few rows.
    """

    at: int
    by: str
    hotswap_version: str
    control_version: int
    seconds: float
    seed: int
    resamples: int
    k: int
    queries: int
    unjudged: int
    compared: int
    floor_failed: int
    failures: tuple[Failure, ...]
    relevant: int | None
    source: LaneResult
    target: LaneResult
    measures: tuple[MeasureRow, ...]
    agreement: tuple[AgreementRow, ...]
    score_noise: float | None
    sample: VectorSample | None
    per_query: tuple[Compared, ...]

    @property
    def labelled(self) -> bool:
        """Whether there were judgments of relevance."""
        return bool(self.measures)

    @property
    def sentences(self) -> tuple[str, ...]:
        """What it means: the headline first."""
        alike = agreement_sentence(self.agreement[0], self.k, self.compared)
        if not self.labelled:
            return (alike,)
        return (retention_sentence(self.measures[0], self.compared), alike)

    @property
    def notes(self) -> tuple[str, ...]:
        """What whoever reads the numbers has to know."""
        found = [
            f"{lane.failed} queries were not answered by lane {lane.lane} and count for neither."
            for lane in (self.source, self.target)
            if lane.failed
        ]
        if self.unjudged:
            found.append(f"{self.unjudged} queries were left out: nothing is judged relevant.")
        if self.floor_failed:
            found.append(f"{self.floor_failed} queries have no noise floor: no second answer.")
        if uncorrelated := sum(one.rank_correlation is None for one in self.per_query):
            found.append(
                f"{uncorrelated} queries have fewer than two hits in common, so that Kendall's tau"
                " says nothing of them."
            )
        found += [
            f"{lane.absent_relevant} of {self.relevant} relevant documents are not in lane"
            f" {lane.lane}, and no search can find them there."
            for lane in (self.source, self.target)
            if lane.absent_relevant
        ]
        if self.sample is not None and self.sample.unusable:
            found.append(
                f"{self.sample.unusable} sampled rows hold a vector that is zero or not finite:"
                " run `hotswap verify`."
            )
        return (*found, NOT_COMPARABLE)


def observation(result: QualityResult) -> QualityObservation | None:
    """What the gate is told; None if the queries do not suffice for a number with two ends."""
    if result.labelled:
        first = result.measures[0]
        name, retention = first.measure, first.retention
        means: tuple[Mapping[str, float], Mapping[str, float]] = (
            {row.measure: row.source.value for row in result.measures},
            {row.measure: row.target.value for row in result.measures},
        )
    else:
        name, retention = result.agreement[0].measure, result.agreement[0].lanes
        means = (
            {row.measure: row.floor.value for row in result.agreement if row.floor is not None},
            {row.measure: row.lanes.value for row in result.agreement},
        )
    if retention is None or not math.isfinite(retention.high):
        return None
    return QualityObservation(
        at=result.at,
        by=result.by,
        control_version=result.control_version,
        queries=result.compared,
        k=result.k,
        labelled=result.labelled,
        measure=name,
        retention=retention.value,
        low=retention.low,
        high=retention.high,
        source=_side(result.source, means[0]),
        target=_side(result.target, means[1]),
    )


def _side(lane: LaneResult, measures: Mapping[str, float]) -> QualitySide:
    return QualitySide(
        lane=lane.lane, build=lane.build, collection=lane.collection, measures=dict(measures)
    )
