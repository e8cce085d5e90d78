"""A foreign collection in memory, with the semantics of the one over Milvus."""

from collections.abc import AsyncIterator, Sequence
from itertools import islice

from streams.ports import ForeignId, ForeignRow, ForeignShape

__all__ = ["MemoryForeign"]

_PAGE = 500


class MemoryForeign:
    """Implements `streams.ports.ForeignCollection`.

    Attributes:
        held: the rows, for tests to change.
    """

    def __init__(self, name: str, shape: ForeignShape, rows: Sequence[ForeignRow] = ()) -> None:
        self._name = name
        self._shape = shape
        self.held = list(rows)

    @property
    def name(self) -> str:
        """See `streams.ports.ForeignCollection`."""
        return self._name

    async def shape(self) -> ForeignShape:
        """See `streams.ports.ForeignCollection`."""
        return self._shape

    async def count(self) -> int:
        """See `streams.ports.ForeignCollection`."""
        return len(self.held)

    async def ids(self) -> AsyncIterator[Sequence[ForeignId | None]]:
        """See `streams.ports.ForeignCollection`."""
        rest = iter([row.id for row in self.held])
        while page := list(islice(rest, _PAGE)):
            yield page

    async def rows(self, ids: Sequence[ForeignId]) -> list[ForeignRow]:
        """See `streams.ports.ForeignCollection`."""
        wanted = {each for each in ids if isinstance(each, int) or not {"\n", "\r"} & set(each)}
        return [row for row in self.held if row.id in wanted]

    async def close(self) -> None:
        """Nothing to let go of; what is held stays."""
