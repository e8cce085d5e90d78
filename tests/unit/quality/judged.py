"""What the tests of `hotswap quality` do to lanes in memory, and read from the log."""

from schemas import QualityObservation
from schemas.observation import parse_observation
from tests.unit.cli.rows import now

__all__ = ["own", "published", "shuffle"]


def own(numbers):
    """To each query, its own document is relevant."""
    return [(number, f"articles/{number}", 1) for number in numbers]


def published(systems) -> list[QualityObservation]:
    async def records():
        return [r async for page in systems.log.read("observations") for r in page]

    found = [parse_observation(record.value) for record in now(records())]
    return [one for one in found if isinstance(one, QualityObservation)]


def shuffle(systems, lane: str) -> None:
    """Every row of the lane gets the vector of the next document."""

    async def turn() -> None:
        store = systems.store
        name = next(name for name in await store.collections() if lane in name)
        rows = store._collections[name].rows
        vectors = [row["embedding"] for row in rows.values()]
        for row, vector in zip(rows.values(), [*vectors[1:], vectors[0]], strict=True):
            row["embedding"] = vector

    now(turn())
