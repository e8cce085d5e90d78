"""What an embedder did with texts that were chosen to find it out.

Distances are Euclidean, between vectors of length 1: 0 for equal ones, √2 for unrelated ones.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from streams.core.preflight.facts import Unreachable

__all__ = ["Latency", "LongWord", "Pair", "ProbeFacts", "Refused", "Triple", "WireFacts"]


@dataclass(frozen=True, slots=True)
class Refused:
    """The embedder refused the text, and why."""

    why: str


@dataclass(frozen=True, slots=True)
class Pair:
    """How far apart the vectors of two texts are."""

    distance: float

    @property
    def cosine(self) -> float:
        """The cosine similarity that belongs to the distance."""
        return 1.0 - self.distance**2 / 2.0


@dataclass(frozen=True, slots=True)
class Triple:
    """A text's distance to one of the same meaning, and to one about something else."""

    about: str
    near: float
    far: float


@dataclass(frozen=True, slots=True)
class LongWord:
    """One word without a blank, of as many bytes as a document may have, beside plain prose.

    `refused`: why the word was, if it was; that takes its time, too.
    """

    bytes: int
    word_seconds: float
    prose_seconds: float
    refused: Refused | None = None


@dataclass(frozen=True, slots=True)
class Latency:
    """How long a query takes, alone and while a call of documents is under way.

    Attributes:
        idle_seconds: alone.
        busy_seconds: the worst one during a call.
        call_seconds: the call itself.
        call_inputs: texts in it.
        deadline_seconds: `serve.deadline_seconds`.
    """

    idle_seconds: float
    busy_seconds: float
    call_seconds: float
    call_inputs: int
    deadline_seconds: float

    @property
    def documents_per_second(self) -> float:
        """Of one call at a time."""
        return self.call_inputs / self.call_seconds if self.call_seconds > 0 else 0.0


@dataclass(frozen=True, slots=True)
class ProbeFacts:
    """All probes of one lane.

    Attributes:
        repeat: one text, embedded twice.
        batch: texts in one call and one by one: the pair that is farthest apart.
        concurrent: the same, in as many calls at once as the lane has under way.
        calls: how many that were.
        canary: texts whose likeness is beyond doubt.
        length_error: how far the vectors are from length 1.
        empty: the empty query; it must be refused.
        budget_bytes: the lane's text budget.
        at_budget: two texts of that size that differ in their last word.
        over_budget: two that are longer than that by a word, and differ in it.
        dense: a text of punctuation at the normaliser's budget: more tokens than any prose.
        scripts: two different sentences in each of some scripts.
        accents: two different accented words.
        emoji: two different emoji.
        long_word: a very long word.
        latency: a query beside a call.
        call_setting: what to lower if a query waits too long, such as `lanes.x.call_inputs`.
    """

    repeat: Pair | Unreachable
    batch: Pair | Unreachable
    concurrent: Pair | Unreachable
    calls: int
    canary: tuple[Triple, ...] | Unreachable
    length_error: float | Unreachable
    empty: Refused | Unreachable | None
    budget_bytes: int
    at_budget: Pair | Refused | Unreachable
    over_budget: Pair | Refused | Unreachable
    dense: Refused | Unreachable | None
    scripts: Mapping[str, Pair | Refused] | Unreachable
    accents: Pair | Refused | Unreachable
    emoji: Pair | Refused | Unreachable
    long_word: LongWord | Unreachable
    latency: Latency | Unreachable
    call_setting: str


@dataclass(frozen=True, slots=True)
class WireFacts:
    """What one lane's embedder received for the same texts.

    Attributes:
        texts: what was to be embedded.
        document_template: of the lane.
        query_template: of the lane.
        documents: what came over the wire for them as documents, as UTF-8.
        queries: and as queries.
    """

    texts: tuple[str, ...]
    document_template: str
    query_template: str
    documents: tuple[bytes, ...]
    queries: tuple[bytes, ...]
