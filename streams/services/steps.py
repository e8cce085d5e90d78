"""What `hotswap init` reports: one step for each thing that must be there."""

from dataclasses import dataclass
from enum import StrEnum

__all__ = ["Action", "Step"]


class Action(StrEnum):
    """What was done about one thing."""

    CREATED = "created"
    KEPT = "kept"
    UPDATED = "updated"
    SKIPPED = "skipped"
    WOULD_CREATE = "would create"
    WOULD_UPDATE = "would update"


@dataclass(frozen=True, slots=True)
class Step:
    """One thing that must be there, such as `topic documents`, and what was done about it."""

    name: str
    action: Action
    detail: str = ""
