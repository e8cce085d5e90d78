"""Whether the model that answers is the one that a build began with: by word, and by deed.

A provider can put other weights behind the same name and dimensions. What it says of itself is
then as it was; what it makes of the build's canaries is not.
"""

from collections.abc import Sequence

from schemas import BuildStarted, Canary
from streams.core.canaries import CANARY_TEXTS, LEAST_COSINE, Likeness, canaries_of, least_alike
from streams.errors import InputRefused, TransientError
from streams.ports import Embedder, Vectors

__all__ = ["canary_differences", "likeness", "live_differences", "new_canaries"]


async def new_canaries(embedder: Embedder) -> tuple[Canary, ...]:
    """What a build that begins now is to pin.

    Raises: TransientError, LaneHalted.
    """
    return canaries_of(await _embedded(embedder, CANARY_TEXTS))


async def likeness(embedder: Embedder, canaries: Sequence[Canary]) -> Likeness | None:
    """How the canary that has moved farthest is to its pinned vector; None if there are none.

    One call to the embedder, which must be of the canaries' dimensions.

    Raises: TransientError, LaneHalted.
    """
    if not canaries:
        return None
    return least_alike(canaries, await _embedded(embedder, [canary.text for canary in canaries]))


async def canary_differences(
    embedder: Embedder, canaries: Sequence[Canary]
) -> dict[str, tuple[object, object]]:
    """The canary that has moved: its name → (the cosine it should have, the one it has).

    Empty if none has, or there are none. Raises: TransientError, LaneHalted.
    """
    found = await likeness(embedder, canaries)
    if found is None or found.holds:
        return {}
    name = f"cosine of {found.named} to its pinned vector (at least {LEAST_COSINE:g})"
    return {name: (1.0, round(found.cosine, 6))}


async def live_differences(
    build: BuildStarted, embedder: Embedder
) -> dict[str, tuple[object, object]]:
    """Field of the fingerprint, or canary → (the build's, the live one's); empty if they agree.

    The canaries are embedded only if all that the provider says of the model agrees.

    Raises: TransientError, LaneHalted.
    """
    differences = build.fingerprint.differences(await embedder.identify())
    return differences or await canary_differences(embedder, build.canaries)


async def _embedded(embedder: Embedder, texts: Sequence[str]) -> Vectors:
    try:
        return await embedder.embed(texts)
    except InputRefused as refusal:
        # These texts are never to blame: the embedder is sick, or of no use.
        raise TransientError(f"the embedder refuses even plain sentences: {refusal}") from refusal
