"""Finding the one bad item of a refused batch without giving up on the others."""

from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar

from streams.errors import InputRefused

__all__ = ["isolate"]

Item = TypeVar("Item")
Result = TypeVar("Result")


async def isolate(
    items: Sequence[Item],
    attempt: Callable[[Sequence[Item]], Awaitable[Sequence[Result]]],
    *,
    confirm: Callable[[], Awaitable[None]],
) -> list[Result | InputRefused]:
    """Run `attempt` on all items; on refusal halve until each bad item is known.

    A single refused item costs about 2·log2(n) more attempts.

    Args:
        items: what to try.
        attempt: answers one result for each item, or raises InputRefused.
        confirm: called before an item is blamed; raises if the other side is sick
            altogether, since then the item may be good.

    Returns:
        For each item its result, or the refusal that concerns it alone.
    """
    if not items:
        return []
    try:
        return list(await attempt(items))
    except InputRefused as refusal:
        if len(items) == 1:
            await confirm()
            return [refusal]
    middle = len(items) // 2
    return [
        *await isolate(items[:middle], attempt, confirm=confirm),
        *await isolate(items[middle:], attempt, confirm=confirm),
    ]
