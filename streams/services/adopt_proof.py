"""Proving that the lane's model made a foreign collection: a sample, embedded anew.

The only part of adopting that costs anything: as many texts as the sample has documents.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from itertools import chain, islice

import numpy as np

from schemas import Document
from streams.config.lanes import LaneLimits
from streams.core.adoption import IdIs, Proof, foreign_id, judge, same_text, unpack
from streams.core.batch import Change, estimated_tokens, split_calls
from streams.core.sampling import Sampled, smallest
from streams.core.vectors import unit_vectors
from streams.errors import MalformedVector
from streams.ports import Embedder, ForeignCollection, ForeignRow, Log, Vectors
from streams.services.adopt_survey import Survey
from streams.services.change_reader import read_change

__all__ = ["Proved", "Prover", "row_of", "unit_vector"]

_MORE = 4
"""Rows looked at for each one wanted: some have another text by now."""


@dataclass(frozen=True, slots=True)
class Proved:
    """A proof, and what it cost: calls of the embedder, and texts in them."""

    proof: Proof
    calls: int
    texts: int


@dataclass(frozen=True, slots=True)
class Prover:
    """What the proof is made with.

    Attributes:
        topic: `documents`.
        limits: of the lane: how its calls are cut.
        compare_texts: rows whose own text is not the document's are no part of the sample.
        budget_bytes: what the normaliser cuts texts to.
        size: of the sample.
        tolerance: see `Proof`; so is `allowed_below`.
    """

    log: Log
    topic: str
    foreign: ForeignCollection
    embedder: Embedder
    limits: LaneLimits
    id_is: IdIs
    compare_texts: bool
    budget_bytes: int
    size: int
    seed: int
    tolerance: float
    allowed_below: float

    async def prove(self, found: Survey) -> Proved:
        """Embed a random sample of the rows that have a document, and compare.

        Rows that were adopted before are among them: what a sample leaves out as out of date is
        left for a second run, and would be all of its sample otherwise.

        Raises: TransientError, LaneHalted, InputRefused.
        """
        chosen: Sampled = {}
        rest = chain(found.wanted, found.already)
        while some := list(islice(rest, 10_000)):
            ids = [key.decode() for key in some]
            chosen = smallest(chosen, ids, self.size * _MORE, self.seed)
        pairs: dict[str, tuple[Document, ForeignRow]] = {}
        for portion in _portions(list(chosen), self.size):
            pairs |= await self._pairs(found, portion)
            if len(pairs) >= self.size:
                break
        pairs = dict(islice(pairs.items(), self.size))
        made, calls = await self._embed([document.text for document, _ in pairs.values()])
        similarities = {
            id_: _cosine(vector, row)
            for (id_, (_, row)), vector in zip(pairs.items(), made, strict=True)
        }
        proof = judge(
            similarities,
            seed=self.seed,
            tolerance=self.tolerance,
            allowed_below=self.allowed_below,
        )
        return Proved(proof, calls, len(pairs))

    async def _pairs(
        self, found: Survey, ids: Sequence[str]
    ) -> dict[str, tuple[Document, ForeignRow]]:
        shape = await self.foreign.shape()
        asked = {foreign_id(id_, self.id_is, numbers=shape.numbers): id_ for id_ in ids}
        rows = {asked[row.id]: row for row in await self.foreign.rows(list(asked))}
        pairs = {}
        for id_ in ids:
            place, row = unpack(found.held[id_.encode()]), rows.get(id_)
            if row is None:
                continue
            if self.compare_texts and not same_text(
                row.text, place.content_hash, self.budget_bytes
            ):
                continue
            document = await self._document(place.shard, place.version)
            if document is not None:
                pairs[id_] = document, row
        return pairs

    async def _document(self, shard: int, version: int) -> Document | None:
        pages = self.log.read(
            self.topic, since={shard: version}, until={shard: version + 1}, partitions=[shard]
        )
        async with aclosing(pages):
            async for page in pages:
                for record in page:
                    change = read_change(record)
                    return change.document if isinstance(change, Change) else None
        return None  # compacted away since: there is a newer version

    async def _embed(self, texts: Sequence[str]) -> tuple[list[Vectors], int]:
        calls = split_calls(
            [estimated_tokens(text) for text in texts],
            call_inputs=self.limits.call_inputs,
            call_tokens=getattr(self.limits, "call_tokens", None),
        )
        vectors: list[Vectors] = []
        for call in calls:
            vectors += list(await self.embedder.embed(texts[call.start : call.stop]))
        return vectors, len(calls)


def row_of(rows: Sequence[ForeignRow]) -> Mapping[int | str, ForeignRow]:
    """Foreign id → its row, for ids that one row has; others are left out."""
    seen: dict[int | str, ForeignRow] = {}
    twice = set()
    for row in rows:
        if row.id in seen:
            twice.add(row.id)
        seen[row.id] = row
    return {id_: row for id_, row in seen.items() if id_ not in twice}


def unit_vector(row: ForeignRow, dimensions: int) -> Vectors | None:
    """The row's vector at length 1, shape (dimensions,); None if it can not be one."""
    try:
        vector: Vectors = unit_vectors([row.vector], count=1, dimensions=dimensions)[0]
    except MalformedVector:
        return None
    return vector


def _cosine(vector: Vectors, row: ForeignRow) -> float:
    """Cosine similarity; -1 for a stored vector that is none."""
    stored = unit_vector(row, len(vector))
    if stored is None:
        return -1.0
    return float(np.dot(vector.astype(np.float64), stored.astype(np.float64)))


def _portions(ids: Sequence[str], size: int) -> Iterator[Sequence[str]]:
    for start in range(0, len(ids), max(1, size)):
        yield ids[start : start + size]
