"""What serving asks of the control log: a few functions of its newest state.

Tests give functions of their own; `view_of` gives those of a follower.
"""

import math
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass

from schemas import BuildStarted
from streams.core.routing import Routing
from streams.migration.fold import Folded
from streams.migration.reads import reading_lanes, routing_of
from streams.services.builds import builds_of
from streams.services.control import build_of
from streams.services.follower import Follower
from streams.services.serving.failures import NotReady

__all__ = ["ControlView", "view_of"]


@dataclass(frozen=True, slots=True)
class ControlView:
    """Functions that never wait.

    Attributes:
        folded: whether the control log was read to its end once.
        routing: the flag; None if no migration is defined yet.
        readable: lanes that may answer reads, also in place of each other.
        build: a lane's build that serves; raises ConfigurationError if there is none.
        builds: all builds of a lane, oldest first.
        age: seconds since the end of the control log was last seen.
        problem: why the control log can not be followed any further, if it can not.
        listen: be told of every record as it is folded; the answer ends that.
    """

    folded: Callable[[], bool]
    routing: Callable[[], Routing | None]
    readable: Callable[[], Collection[str]]
    build: Callable[[str], BuildStarted]
    age: Callable[[], float]
    builds: Callable[[str], Sequence[BuildStarted]] = lambda _lane: ()
    problem: Callable[[], str | None] = lambda: None
    listen: Callable[[Callable[[Folded], None]], Callable[[], None]] = lambda _told: lambda: None

    def flag(self) -> Routing:
        """The flag.

        Raises: NotReady if it is not known yet.
        """
        if not self.folded():
            raise NotReady("the control log was not read to its end yet")
        routing = self.routing()
        if routing is None:
            raise NotReady("the control log defines no migration yet; run `hotswap init`")
        return routing


def view_of(follower: Follower) -> ControlView:
    """What a follower knows."""
    return ControlView(
        folded=lambda: math.isfinite(follower.age()),
        routing=lambda: routing_of(follower.state),
        readable=lambda: reading_lanes(follower.state),
        build=lambda lane: build_of(follower.state, lane),
        age=follower.age,
        builds=lambda lane: builds_of(follower.state, lane),
        problem=lambda: str(follower.failure) if follower.failure else None,
        listen=follower.listen,
    )
