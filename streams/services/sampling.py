"""Embedding documents again, to compare the vectors with those that are stored.

The one way to find vectors that are well formed and still wrong: swapped, or another model's.
Which documents are drawn is decided in `streams.core.verification`.
"""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from schemas.verify import Finding
from streams.core.batch import Change, StoredVersion
from streams.core.newest_documents import Documents
from streams.core.stored_vectors import SIMILARITY, cosines, malformed
from streams.core.verification import Suspect
from streams.errors import InputRefused
from streams.services.change_reader import read_change
from streams.services.compared import Compared
from streams.services.embedding import Vector
from streams.services.places import records_at

__all__ = ["Embed", "Sampled", "Sampling", "sampled"]

Embed = Callable[[Mapping[str, str]], Awaitable[Mapping[str, Vector | InputRefused]]]
"""Content hash → text, to content hash → vector, or why the embedder does not take the text."""

_AT_ONCE = 256


@dataclass(frozen=True, slots=True)
class Sampling:
    """What to embed again.

    Attributes:
        size: how many documents; None: all.
        seed: of the draw.
        embed: by the build's own model.
        similarity: least cosine that counts as the same vector.
    """

    size: int | None
    seed: int
    embed: Embed
    similarity: float = SIMILARITY


@dataclass(frozen=True, slots=True)
class Sampled:
    """Some documents that were embedded again.

    Attributes:
        embedded: how many were compared.
        cosines: of stored vectors and new ones, as far as they have one.
        suspects: those whose stored vector is another one.
    """

    embedded: int
    cosines: Sequence[float]
    suspects: Sequence[Suspect]


async def sampled(
    compared: Compared, documents: Documents, places: npt.NDArray[np.int64], sampling: Sampling
) -> AsyncIterator[Sampled]:
    """Embed the documents at these places again, lot by lot.

    Raises: TransientError, LaneHalted.
    """
    topic = compared.topics.documents
    shards, versions = documents.shards[places], documents.versions[places]
    async for page in records_at(compared.log, topic, shards, versions):
        for start in range(0, len(page), _AT_ONCE):
            read = map(read_change, page[start : start + _AT_ONCE])
            yield await _lot(compared, sampling, [one for one in read if isinstance(one, Change)])


async def _lot(compared: Compared, sampling: Sampling, changes: Sequence[Change]) -> Sampled:
    stored = await compared.store.vectors(compared.collection, [change.id for change in changes])
    drawn = {
        change.id: (change, change.document)
        for change in changes
        if change.document is not None and change.id in stored
    }
    made = await sampling.embed({each.content_hash: each.text for _, each in drawn.values()})
    suspects: list[Suspect] = []
    pairs: list[tuple[Suspect, Vector, Vector]] = []
    for id_, (change, document) in drawn.items():
        vector = made[document.content_hash]
        if isinstance(vector, InputRefused):
            continue  # what it was embedded by takes the text no more: there is nothing to compare
        expected = StoredVersion(change.version, document.content_hash)
        suspect = Suspect(id_, Finding.WRONG_VECTOR, change.shard, expected, "")
        if why := malformed([stored[id_]], len(vector)):
            suspects.append(replace(suspect, found=why[0]))
        else:
            pairs.append((suspect, stored[id_], vector))
    if not pairs:
        return Sampled(len(suspects), (), suspects)
    found = cosines(np.stack([one for _, one, _ in pairs]), np.stack([new for _, _, new in pairs]))
    embedded = len(suspects) + len(pairs)
    suspects += [
        replace(suspect, found=f"cosine {cosine:.4f} to its text's vector")
        for (suspect, _, _), cosine in zip(pairs, found, strict=True)
        if cosine < sampling.similarity
    ]
    return Sampled(embedded, found.tolist(), suspects)
