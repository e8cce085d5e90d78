"""The embedder of a build, for verifying and mending it: the same model, within the same limits."""

from collections.abc import Awaitable, Callable, Mapping

from schemas import BuildStarted
from streams.config import Settings
from streams.errors import DriftError, InputRefused
from streams.ports import Embedder
from streams.services.embedding import BatchEmbedder, Vector
from streams.services.gate import LaneGate, Pace
from streams.services.lane_parts import budget_of
from streams.services.live_model import live_differences
from streams.services.pinned import way_on

__all__ = ["SHARE", "embed_again", "refuse_another_model"]

SHARE = 0.5
"""Of what the lane may spend: its workers may be spending theirs at the same time."""


async def refuse_another_model(build: BuildStarted, embedder: Embedder) -> None:
    """Compare the live model with the one that filled the build.

    Raises: DriftError if it is another one; TransientError, LaneHalted.
    """
    if differences := await live_differences(build, embedder):
        raise DriftError(f"lane {build.lane}, build {build.build}", differences, way_on(build.lane))


def embed_again(
    settings: Settings, build: BuildStarted, embedder: Embedder, gate: LaneGate
) -> Callable[[Mapping[str, str]], Awaitable[Mapping[str, Vector | InputRefused]]]:
    """A function from texts to vectors, under their content hashes.

    Keeps to half the lane's budget and throttle. A lane that rests may be asked all the same.
    """
    budget, pace = budget_of(settings, build.lane), Pace(gate.documents_per_second)
    budget.share(SHARE)
    pace.share(SHARE)
    batch = BatchEmbedder(embedder, settings.lanes[build.lane], budget, pace)

    async def embed(texts: Mapping[str, str]) -> Mapping[str, Vector | InputRefused]:
        try:
            return await batch.embed(texts, lambda: None)
        finally:
            batch.forget()

    return embed
