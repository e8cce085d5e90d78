"""The foreign collection port: a collection that Hotswap did not make, and never writes."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt

__all__ = ["ForeignCollection", "ForeignFields", "ForeignId", "ForeignRow", "ForeignShape"]

ForeignId = int | str
"""A row's id as its makers gave it."""


@dataclass(frozen=True, slots=True)
class ForeignFields:
    """What the fields of the collection are called. `text` None: the texts are not read."""

    id: str
    vector: str
    text: str | None = None


@dataclass(frozen=True, slots=True)
class ForeignShape:
    """What the collection is made for.

    Attributes:
        numbers: ids are 64-bit integers; otherwise they are strings.
        dimensions: of its vectors.
        metric: of the vector index, such as `IP`; empty if there is no index.
    """

    numbers: bool
    dimensions: int
    metric: str = ""


@dataclass(frozen=True, slots=True)
class ForeignRow:
    """One row. The vector as it is stored, of whatever length; the text if it is asked for."""

    id: ForeignId
    vector: npt.NDArray[np.float32]
    text: str | None = None


class ForeignCollection(Protocol):
    """One collection that Hotswap did not make. There is no way to write through this port."""

    @property
    def name(self) -> str:
        """What it is called in Milvus."""
        ...

    async def shape(self) -> ForeignShape:
        """Look at the collection and its fields.

        Raises: ConfigurationError if there is no such collection or field, if a field is of a
            type that can not be taken over, or if the collection is not loaded.
        """
        ...

    async def count(self) -> int:
        """Number of live rows, strongly consistent."""
        ...

    def ids(self) -> AsyncIterator[Sequence[ForeignId | None]]:
        """The ids of all rows, in pages. None where a row has none."""
        ...

    async def rows(self, ids: Sequence[ForeignId]) -> list[ForeignRow]:
        """The rows with one of these ids, all of them where several rows have the same id.

        Absent ids are left out. Ids that no filter of Milvus can hold, those with a line break
        and the smallest 64-bit integer, may count as absent.
        """
        ...

    async def close(self) -> None:
        """Let go of connections."""
        ...
