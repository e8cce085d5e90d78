"""Taking over a collection that others made: which row is whose, and whether to trust it.

Decides from ids, texts and similarities which rows may be adopted, and from a sample whether the
declared model made them. Knows no store: rows and documents come in as values.

What is known of each document is kept as bytes, since there may be millions: id → shard,
version, bytes of text and hash packed into 32.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, NamedTuple

import orjson

from schemas.record import Record
from streams.core.identity import KeyRefused, document_id, parse_document_id
from streams.core.text import clean, content_hash

__all__ = [
    "Held",
    "IdIs",
    "Place",
    "Proof",
    "adopted_id",
    "foreign_id",
    "judge",
    "note",
    "same_text",
    "unpack",
    "wilson",
]

Held = dict[bytes, bytes]
"""Document id → what `unpack` reads; deleted and unreadable documents are left out."""

_HASH_CHARACTERS: Final = 32
_Z_95: Final = 1.959964
"""Standard normal quantile of a two-sided interval of 95 %."""


class IdIs(StrEnum):
    """What the ids of a foreign collection are."""

    KEY = "key"
    """The one key column of the source's table."""
    DOCUMENT = "document-id"
    """Whole document ids, such as `articles/7`."""


class Place(NamedTuple):
    """Where a document's newest version stands, and what is known of its text."""

    shard: int
    version: int
    text_bytes: int
    content_hash: str


@dataclass(frozen=True, slots=True)
class Proof:
    """Stored vectors against the lane's embedder, for a sample of the rows to adopt.

    Attributes:
        seed: of the sample.
        similarities: document id → cosine of the stored vector and the embedder's.
        tolerance: the cosine from which on two vectors count as those of one text.
        allowed_below: share of the sample that may stay below it.
    """

    seed: int
    similarities: Mapping[str, float]
    tolerance: float
    allowed_below: float

    @property
    def below(self) -> tuple[str, ...]:
        """Ids whose vector is not what the embedder makes of the document's text now."""
        return tuple(id_ for id_, value in self.similarities.items() if not value >= self.tolerance)

    @property
    def share_below(self) -> float:
        """Their share of the sample, from 0 to 1."""
        return len(self.below) / len(self.similarities) if self.similarities else 0.0

    @property
    def interval(self) -> tuple[float, float]:
        """The share's 95 % interval, over all rows to adopt."""
        return wilson(len(self.below), len(self.similarities))

    @property
    def holds(self) -> bool:
        """Whether the sample is no reason to refuse; an empty one is."""
        return bool(self.similarities) and self.share_below <= self.allowed_below


def adopted_id(foreign: int | str | None, source: str, how: IdIs) -> str | None:
    """The document id that a row belongs under; None if its id can not be one."""
    if foreign is None:
        return None
    if how is IdIs.KEY:
        try:
            return document_id(source, [foreign])
        except KeyRefused:
            return None
    try:
        named, _ = parse_document_id(str(foreign))
    except ValueError:
        return None
    return str(foreign) if named == source else None


def foreign_id(identifier: str, how: IdIs, *, numbers: bool) -> int | str:
    """The row's id that `adopted_id` made this document id of.

    Args:
        identifier: a document id of a source with one key column.
        how: what the foreign ids are.
        numbers: they are integers.

    Raises: ValueError if no row's id can lead to this document id.
    """
    if how is IdIs.DOCUMENT:
        return identifier
    _, columns = parse_document_id(identifier)
    if len(columns) != 1:
        raise ValueError(f"{identifier} has {len(columns)} key columns")
    return int(columns[0]) if numbers else columns[0]


def note(held: Held, key: bytes, value: bytes | None, shard: int, version: int) -> None:
    """Take one record of `documents` into account; records come in order within a shard."""
    held.pop(key, None)
    if value is None:
        return
    try:
        document = orjson.loads(value)
        if document.get("schema_version", Record.VERSION) != Record.VERSION:
            return
        found, text = document["content_hash"], document["text"]
        if len(found) != _HASH_CHARACTERS:
            return
        size = len(text.encode())
        held[key] = b"".join(
            [shard.to_bytes(4), version.to_bytes(8), size.to_bytes(4), bytes.fromhex(found)]
        )
    except (ValueError, KeyError, TypeError, AttributeError):
        return  # no document: the lane dead-letters it


def unpack(packed: bytes) -> Place:
    """What is known of a document."""
    return Place(
        shard=int.from_bytes(packed[:4]),
        version=int.from_bytes(packed[4:12]),
        text_bytes=int.from_bytes(packed[12:16]),
        content_hash=packed[16:].hex(),
    )


def same_text(foreign: str | None, expected_hash: str, budget_bytes: int) -> bool:
    """Whether a row's own text, prepared as the normaliser does, is the document's."""
    if foreign is None:
        return False
    try:
        return content_hash(clean(foreign, budget_bytes).value) == expected_hash
    except UnicodeEncodeError:  # a lone surrogate, which no document holds
        return False


def judge(
    similarities: Mapping[str, float], *, seed: int, tolerance: float, allowed_below: float
) -> Proof:
    """The sample as a proof: the least similar first."""
    ordered = dict(sorted(similarities.items(), key=lambda item: (item[1], item[0])))
    return Proof(seed, ordered, tolerance, allowed_below)


def wilson(hits: int, count: int) -> tuple[float, float]:
    """Wilson's 95 % score interval of a share, from 0 to 1; all of it without a sample.

    Source: Wilson, Probable Inference, the Law of Succession, and Statistical Inference, JASA 22
    (1927). Unlike the normal interval it does not collapse at 0 and 1.
    """
    if not count:
        return 0.0, 1.0
    share, weight = hits / count, _Z_95**2 / count
    centre = (share + weight / 2) / (1 + weight)
    half = math.sqrt(share * (1 - share) * weight + weight**2 / 4) / (1 + weight)
    return (
        0.0 if hits == 0 else max(0.0, centre - half),
        1.0 if hits == count else min(1.0, centre + half),
    )
