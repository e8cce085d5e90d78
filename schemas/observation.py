"""Observations: small measurements that processes publish about themselves."""

from enum import StrEnum
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter

from schemas.record import Record
from schemas.search import Why

__all__ = [
    "FeedbackObservation",
    "MirroredSide",
    "Observation",
    "QualityObservation",
    "QualitySide",
    "ShadowObservation",
    "Spread",
    "WindowObservation",
    "WorkerReport",
    "WorkerState",
    "parse_observation",
]


class WorkerState(StrEnum):
    """What a worker is doing."""

    STARTING = "starting"
    RUNNING = "running"
    STALLED = "stalled"
    PAUSED = "paused"
    STOPPED = "stopped"


class WorkerReport(Record):
    """A worker's own account of itself, about once a second and at every change of state.

    Counters count since the worker started; add those of all worker ids for a total.
    """

    kind: Literal["worker"] = "worker"
    worker: str = Field(description="Unique for each process start.")
    role: str = Field(description="`normalise` or `embed:<lane>`.")
    at: int = Field(description="When it was written, ms since the epoch.")
    state: WorkerState
    reason: str = Field(default="", description="Why it is stalled or paused, or goes slower.")
    control_version: int = Field(default=-1, description="Of the state that it goes by.")
    control_age_seconds: float = Field(
        default=0.0, description="Since that state was last known to be the newest."
    )
    partitions: tuple[int, ...] = ()
    counters: dict[str, int] = Field(default_factory=dict)


class MirroredSide(BaseModel):
    """How one lane did with a query that both were asked."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    lane: str
    build: int | None = Field(default=None, description="Null if the lane has none.")
    collection: str | None = None
    hits: int = 0
    embed_ms: float | None = Field(
        default=None, description="Null if it did not get so far, or nothing was embedded."
    )
    search_ms: float | None = Field(default=None, description="Null if it did not get so far.")
    cached: bool = Field(default=False, description="The query's vector was kept from before.")
    failure: Why | None = Field(default=None, description="Why there is no answer.")


class ShadowObservation(Record):
    """One mirrored query: the lane that answered it beside the other one."""

    kind: Literal["shadow"] = "shadow"
    at: int = Field(description="When the answer was sent, ms since the epoch.")
    query_id: str
    flag_version: int
    k: int
    filtered: bool = Field(description="Whether the search had a filter.")
    text: str | None = Field(default=None, description="Only if that is configured.")
    answered: MirroredSide
    mirrored: MirroredSide
    overlap: float | None = Field(
        default=None, description="Share of the top k that both found; null after a failure."
    )
    rank_correlation: float | None = Field(
        default=None, description="Kendall's tau over the hits that both found."
    )
    rank_biased_overlap: float | None = None


class Spread(BaseModel):
    """How long something took, by nearest rank."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    count: int = Field(gt=0, description="How many of them there were.")
    p50_ms: float
    p95_ms: float
    worst_ms: float


class WindowObservation(Record):
    """The searches of one build of a lane in one process that serves, over about a second.

    There is one only if there were any. Mirrored queries are not among them.
    """

    kind: Literal["window"] = "window"
    at: int = Field(description="When the window ended, ms since the epoch.")
    seconds: float = Field(description="How long it was.")
    process: str = Field(description="Unique for each process start; all of a lane add up.")
    lane: str
    build: int | None = Field(default=None, description="Null if the lane has none.")
    searches: int = Field(
        ge=0,
        description="Meant for the lane: picked by the flag, or in place of the other lane. A"
        " deadline that was cut short says nothing of a lane, and such searches are left out.",
    )
    failures: dict[Why, int] = Field(
        default_factory=dict,
        description="Why there was no answer → how many of these searches. `deadline`: it came too"
        " late; `breaker_open`: the lane was not even asked; `refused`: the query's own fault.",
    )
    embed: Spread | None = Field(
        default=None,
        description="Of the embeddings that were made; a vector that was kept from before is none."
        " Null if none was made.",
    )
    search: Spread | None = Field(
        default=None, description="Of the store's answers; null if there was none."
    )


class FeedbackObservation(Record):
    """What somebody said of an answer; the last one of a query id counts."""

    kind: Literal["feedback"] = "feedback"
    at: int = Field(description="When it arrived, ms since the epoch.")
    query_id: str
    lane: str = Field(description="The lane that had answered.")
    flag_version: int
    k: int
    success: bool | None = None
    position: int | None = Field(default=None, description="Of the hit that was used, from 1.")


class QualitySide(BaseModel):
    """How well one build of one lane answered a set of queries."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    lane: str
    build: int
    collection: str
    measures: dict[str, float] = Field(
        default_factory=dict, description="Name, such as `nDCG@10` → mean over the queries."
    )


class QualityObservation(Record):
    """One run of `hotswap quality`: a set of queries, asked of both lanes.

    With judgments of relevance, `measure` is the target's to the source's share of `nDCG@k`;
    without, it is the overlap of both lanes' top k, which says how alike they are, not how good.
    """

    kind: Literal["quality"] = "quality"
    at: int = Field(description="When it was finished, ms since the epoch.")
    by: str
    control_version: int = Field(description="Of the state that it went by.")
    queries: int = Field(ge=0, description="Those that both lanes answered.")
    k: int
    labelled: bool = Field(description="Whether the queries came with judgments of relevance.")
    measure: str = Field(description="What `retention` is about, such as `nDCG@10`.")
    retention: float = Field(description="The target's share of what the source reaches.")
    low: float = Field(description="Lower end of its 95 % bootstrap interval.")
    high: float = Field(description="Upper end.")
    source: QualitySide
    target: QualitySide


Observation = Annotated[
    WorkerReport | ShadowObservation | WindowObservation | FeedbackObservation | QualityObservation,
    Field(discriminator="kind"),
]

_ADAPTER: TypeAdapter[Observation] = TypeAdapter(Observation)


def parse_observation(value: bytes) -> Observation:
    """Read one observation.

    Raises:
        pydantic.ValidationError: not JSON, an unknown kind, or a field is wrong.
        UnknownSchemaVersion: of a version that is not known here.
    """
    return _ADAPTER.validate_json(value)
