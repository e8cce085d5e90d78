"""The faults that hold now, and the counts so far. Chance comes from a seed, so it repeats."""

import random
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Generic, TypeVar

from pydantic import BaseModel, ConfigDict, Field

__all__ = ["Control", "Stats", "Switches"]


class Switches(BaseModel):
    """What faults of both servers have in common. By default nothing is wrong."""

    model_config = ConfigDict(frozen=True, extra="forbid", validate_default=True)

    latency_ms: float = Field(default=0, ge=0, description="Added to every call.")
    next_calls: int | None = Field(
        default=None, ge=0, description="Only so many calls more are affected; unset: all."
    )
    hang: bool = Field(default=False, description="Take calls and never answer.")
    wrong_dimensions: bool = Field(default=False, description="Vectors one number short.")
    fewer_vectors: bool = Field(default=False, description="One vector short.")
    moved: bool = Field(
        default=False, description="Another model's vectors, under the same name and shape."
    )


class Stats(BaseModel):
    """Counts of embedding calls since the start, or since `DELETE /admin/stats`.

    `inputs`, `characters` and `tokens` are those of calls that were answered with vectors;
    `answers` counts by HTTP status, and calls whose connection was cut under `dropped`.
    """

    calls: int = 0
    inputs: int = 0
    characters: int = 0
    tokens: int = 0
    dropped: int = 0
    in_flight: int = 0
    in_flight_most: int = 0
    answers: Counter[int] = Field(default_factory=Counter)

    def answered(self, texts: list[str], tokens: int) -> None:
        """Count a call that is answered with vectors."""
        self.inputs += len(texts)
        self.characters += sum(map(len, texts))
        self.tokens += tokens


S = TypeVar("S", bound=Switches)


class Control(Generic[S]):
    """The switches of one server; used from one event loop."""

    def __init__(self, switches: S, seed: int = 0) -> None:
        self.first = switches
        self.switches = switches
        self.changes = 0
        self.stats = Stats()
        self.random = random.Random(seed)  # noqa: S311 - faults, not secrets

    def change(self, changes: Mapping[str, Any]) -> S:
        """Change some, keep the others.

        Raises: pydantic.ValidationError; then nothing has changed.
        """
        kind = type(self.switches)
        self.switches = kind.model_validate(self.switches.model_dump() | dict(changes))
        self.changes += 1
        return self.switches

    def reset(self) -> S:
        """Back to those of the command line."""
        self.switches = self.first
        self.changes += 1
        return self.switches

    def forget(self) -> Stats:
        """Count from nought; calls under way stay under way."""
        self.stats = Stats(in_flight=self.stats.in_flight)
        return self.stats

    def affected(self) -> bool:
        """Whether faults hold for this call; counts `next_calls` down."""
        left = self.switches.next_calls
        if left is None:
            return True
        if left > 0:
            self.switches = self.switches.model_copy(update={"next_calls": left - 1})
        return left > 0

    def happens(self, rate: float) -> bool:
        """Whether something of this probability happens now."""
        return self.random.random() < rate

    @contextmanager
    def call(self) -> Iterator[None]:
        """Count a call, and how many are under way."""
        self.stats.calls += 1
        self.stats.in_flight += 1
        self.stats.in_flight_most = max(self.stats.in_flight_most, self.stats.in_flight)
        try:
            yield
        finally:
            self.stats.in_flight -= 1
