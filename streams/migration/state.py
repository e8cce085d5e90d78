"""State = fold(control records). The same prefix gives the same state in every process."""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from schemas import BuildStarted, ControlRecord, SourceTruncated
from streams.core.envelope import is_older

__all__ = ["State", "apply", "fold"]


@dataclass(frozen=True, slots=True)
class State:
    """What the control log amounts to."""

    lanes: dict[str, BuildStarted] = field(default_factory=dict)
    """Lane → its newest build: collection, fingerprint, partitions of `documents`."""
    truncated: dict[str, str] = field(default_factory=dict)
    """Source → position of its newest truncate; what is older is gone."""


def apply(state: State, record: ControlRecord) -> State:
    """The state after one more record. Applying a record twice changes nothing."""
    if isinstance(record, BuildStarted):
        current = state.lanes.get(record.lane)
        if current is not None and current.build >= record.build:
            return state  # two operators started the same build: the first one counts
        return replace(state, lanes={**state.lanes, record.lane: record})
    return _truncated(state, record)


def _truncated(state: State, record: SourceTruncated) -> State:
    if is_older(record.position, state.truncated.get(record.source, "")):
        return state
    return replace(state, truncated={**state.truncated, record.source: record.position})


def fold(records: Iterable[ControlRecord], start: State | None = None) -> State:
    """Apply records in order, from nothing or from an earlier state."""
    state = start or State()
    for record in records:
        state = apply(state, record)
    return state
