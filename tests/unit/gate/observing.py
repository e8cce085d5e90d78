"""What `serve` and `hotswap quality` would have published."""

from collections.abc import Sequence
from itertools import count
from typing import Any

from schemas import (
    MirroredSide,
    QualityObservation,
    QualitySide,
    Record,
    ShadowObservation,
)
from streams.ports import NewRecord
from tests.unit.cli.conftest import Systems
from tests.unit.cli.rows import now

__all__ = ["GATE", "mirrored", "publish", "quality"]

GATE = """
[gate]
samples = 5
duration_seconds = 0
error_rate = 0.5
timeout_rate = 0.5
quality_queries = 5
"""

_numbers = count()


def publish(systems: Systems, records: Sequence[Record]) -> None:
    """Append observations."""
    value = [NewRecord("observations", b"ollama", record.encode()) for record in records]
    now(systems.log.append(value))


def side(lane: str, build: int | None = 1, **changes: Any) -> MirroredSide:
    """One lane's part, which went well but for the changes."""
    good = MirroredSide(lane=lane, build=build, hits=3, embed_ms=20.0, search_ms=5.0)
    return good.model_copy(update=changes)


def mirrored(
    how_many: int,
    *,
    version: int = 10**6,
    overlap: float | None = 0.9,
    source: MirroredSide | None = None,
    target: MirroredSide | None = None,
) -> list[ShadowObservation]:
    """Queries answered by the cloud lane and mirrored to the Ollama lane."""
    return [
        ShadowObservation(
            at=0,
            query_id=f"q{next(_numbers)}",
            flag_version=version,
            k=10,
            filtered=False,
            answered=source or side("cloud"),
            mirrored=target or side("ollama"),
            overlap=overlap,
        )
        for _ in range(how_many)
    ]


def quality(
    low: float, high: float, *, builds: tuple[int, int] = (1, 1), version: int = 10**6
) -> QualityObservation:
    """A run of `hotswap quality` with judgments."""
    source, target = (
        QualitySide(lane=lane, build=build, collection=lane)
        for lane, build in zip(("cloud", "ollama"), builds, strict=True)
    )
    return QualityObservation(
        at=0,
        by="ann",
        control_version=version,
        queries=200,
        k=10,
        labelled=True,
        measure="nDCG@10",
        retention=(low + high) / 2,
        low=low,
        high=high,
        source=source,
        target=target,
    )
