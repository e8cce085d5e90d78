"""What can keep a request from its answer, in words that callers may see.

A lane's own error goes to the log and to the readiness page. Callers get a word and a sentence
without addresses in it.
"""

from schemas import LaneFailure, Why
from streams.errors import (
    ConfigurationError,
    DriftError,
    HotswapError,
    InputRefused,
    LaneHalted,
    TransientError,
)

__all__ = ["ExpiredQuery", "NotReady", "Unanswered", "UnknownQuery", "failure", "why"]

_TABLE: tuple[tuple[type[Exception], Why], ...] = (
    (TimeoutError, Why.DEADLINE),
    (InputRefused, Why.REFUSED),
    (DriftError, Why.MODEL_CHANGED),
    (ConfigurationError, Why.NOT_BUILT),
    (LaneHalted, Why.HALTED),
    (TransientError, Why.UNREACHABLE),
    (HotswapError, Why.HALTED),
)

_MESSAGES = {
    Why.DEADLINE: "lane {lane} did not answer in time",
    Why.BREAKER_OPEN: "lane {lane} failed before, and is asked again once it works",
    Why.UNREACHABLE: "the embedder or the store of lane {lane} can not be reached",
    Why.HALTED: "lane {lane} can not go on until an operator acts",
    Why.MODEL_CHANGED: "the live model of lane {lane} is not the one that filled its collection",
    Why.REFUSED: "lane {lane} does not take this query",
    Why.NOT_BUILT: "lane {lane} has no build, or is not configured here",
}


class NotReady(HotswapError):
    """The control log was not read yet, or defines no migration."""


class Unanswered(HotswapError):
    """No lane that may answer did. Attributes: failures: one for each lane that was tried."""

    def __init__(self, *failures: LaneFailure) -> None:
        super().__init__("; ".join(failure.message for failure in failures))
        self.failures = failures

    @property
    def refused(self) -> bool:
        """Whether the query itself is the reason, in every lane."""
        return all(failure.why is Why.REFUSED for failure in self.failures)


class UnknownQuery(HotswapError):
    """No process of this migration issued this query id, as it stands."""


class ExpiredQuery(HotswapError):
    """The search was too long ago for feedback."""


def why(error: Exception) -> Why:
    """The word for what a lane raised."""
    return next(word for kind, word in _TABLE if isinstance(error, kind))


def failure(lane: str, word: Why) -> LaneFailure:
    """A lane's failure as callers see it."""
    return LaneFailure(lane=lane, why=word, message=_MESSAGES[word].format(lane=lane))
