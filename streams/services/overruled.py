"""A store whose rows look older than any document, for those ids that are to be written anyway.

A lane leaves alone what is stored in the newest version, and that is what a damaged row says of
itself. Over this store the lane's own path writes it: the same embedding, row, read-back and dead
letters as ever. What was written through it is shown as it is.
"""

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt

from schemas import Fingerprint
from streams.core.batch import StoredVersion
from streams.core.repair import Mend
from streams.core.stored_vectors import malformed
from streams.ports import Row, VectorStore

__all__ = ["Overruled"]

_BEFORE_ALL = -1


class Overruled:
    """As much of `streams.ports.VectorStore` as a lane uses.

    Args:
        store: where the rows are.
        dimensions: of the collection's vectors.
    """

    def __init__(self, store: VectorStore, dimensions: int) -> None:
        self._store = store
        self._dimensions = dimensions
        self._mends: Mapping[str, Mend] = {}
        self._written: set[str] = set()

    def overrule(self, mends: Mapping[str, Mend]) -> None:
        """From now on these rows are to be written, whatever they say of themselves."""
        self._mends = mends
        self._written = set()

    async def fingerprint(self, collection: str) -> Fingerprint | None:
        """See `streams.ports.VectorStore`."""
        return await self._store.fingerprint(collection)

    async def versions(self, collection: str, ids: Sequence[str]) -> dict[str, StoredVersion]:
        """As they are for what was written; before that, older than any document."""
        found = await self._store.versions(collection, ids)
        overruled = [id_ for id_ in found if id_ not in self._written]
        kept = [id_ for id_ in overruled if self._mends.get(id_) is Mend.WRITE]
        usable = await self._usable(collection, kept)
        return found | {
            id_: StoredVersion(_BEFORE_ALL, found[id_].content_hash if id_ in usable else "")
            for id_ in overruled
        }

    async def vectors(
        self, collection: str, ids: Sequence[str]
    ) -> dict[str, npt.NDArray[np.float32]]:
        """See `streams.ports.VectorStore`."""
        return await self._store.vectors(collection, ids)

    async def upsert(self, collection: str, rows: Sequence[Row]) -> None:
        """See `streams.ports.VectorStore`."""
        await self._store.upsert(collection, rows)
        self._written |= {row.id for row in rows}

    async def delete(self, collection: str, ids: Sequence[str]) -> None:
        """See `streams.ports.VectorStore`."""
        await self._store.delete(collection, ids)
        self._written |= set(ids)

    async def _usable(self, collection: str, ids: Sequence[str]) -> set[str]:
        vectors = await self._store.vectors(collection, ids) if ids else {}
        broken = malformed(list(vectors.values()), self._dimensions)
        return {id_ for index, id_ in enumerate(vectors) if index not in broken}
