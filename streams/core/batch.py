"""What a batch of documents asks of one lane, given what the lane has stored.

Knows no embedder and no store: versions and hashes in, work out. Versions are offsets of
`documents` within a shard, so for one id the greater is the newer.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from schemas import Document

__all__ = [
    "ESTIMATED",
    "BatchPlan",
    "Change",
    "StoredVersion",
    "estimated_tokens",
    "newest",
    "plan_batch",
    "split_calls",
]


@dataclass(frozen=True, slots=True)
class StoredVersion:
    """What a store holds of one id, without the vector."""

    version: int
    content_hash: str


@dataclass(frozen=True, slots=True)
class Change:
    """One record of `documents`: a document, or None for a delete."""

    id: str
    shard: int
    version: int
    document: Document | None


@dataclass(slots=True)
class BatchPlan:
    """Every change of a batch stands in exactly one of these lists."""

    embed: list[Change] = field(default_factory=list)
    """New text: needs a vector."""
    rewrite: list[Change] = field(default_factory=list)
    """Same text, newer version: the row is rewritten with its stored vector."""
    delete: list[Change] = field(default_factory=list)
    """A delete of an id that is stored in an older version."""
    settled: list[Change] = field(default_factory=list)
    """Stored already, stored in a newer version, or a delete of what is not there."""
    impossible: list[Change] = field(default_factory=list)
    """Stored in a version that the log has not reached: `documents` was made anew."""


def newest(changes: Iterable[Change]) -> dict[str, Change]:
    """The last change of each id, in the order in which those last ones came.

    Milvus may keep two rows when one id comes twice in an upsert, so a batch must never
    hold an id twice.
    """
    last: dict[str, Change] = {}
    for change in changes:
        last.pop(change.id, None)
        last[change.id] = change
    return last


def plan_batch(
    changes: Iterable[Change], stored: Mapping[str, StoredVersion], ends: Mapping[int, int]
) -> BatchPlan:
    """Decide what each change needs.

    Args:
        changes: at most one for each id (see `newest`).
        stored: what the lane holds of these ids.
        ends: shard → end of the log, the version that the next document will get.
    """
    plan = BatchPlan()
    for change in changes:
        _place(change, stored.get(change.id), ends, plan)
    return plan


def _place(
    change: Change, stored: StoredVersion | None, ends: Mapping[int, int], plan: BatchPlan
) -> None:
    if stored is not None and stored.version >= change.version:
        beyond = stored.version >= ends.get(change.shard, stored.version + 1)
        (plan.impossible if beyond else plan.settled).append(change)
    elif change.document is None:
        (plan.settled if stored is None else plan.delete).append(change)
    elif stored is not None and stored.content_hash == change.document.content_hash:
        plan.rewrite.append(change)
    else:
        plan.embed.append(change)


ESTIMATED: Final = "estimated: UTF-8 bytes / 3, on the cautious side"
"""How `estimated_tokens` counts, in words."""


def estimated_tokens(text: str) -> int:
    """A cautious guess at how many tokens a model makes of a text: three bytes each.

    English prose comes to about four bytes a token, code and other scripts to about three.
    """
    return -(-len(text.encode()) // 3)


def split_calls(
    tokens: Sequence[int], *, call_inputs: int, call_tokens: int | None = None
) -> list[range]:
    """Cut texts into embedding calls, in order, as full as the two limits allow.

    Args:
        tokens: of each text, by any estimate.
        call_inputs: most texts in a call.
        call_tokens: most of them in a call; a text above it gets a call of its own.

    Returns:
        Ranges of indices that cover all texts.
    """
    calls: list[range] = []
    start, total = 0, 0
    for index, count in enumerate(tokens):
        full = index - start >= call_inputs
        heavy = call_tokens is not None and total + count > call_tokens
        if index > start and (full or heavy):
            calls.append(range(start, index))
            start, total = index, 0
        total += count
    if start < len(tokens):
        calls.append(range(start, len(tokens)))
    return calls
