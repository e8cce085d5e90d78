"""Which roles `hotswap up` runs: those it was asked for or all, with a worker for each build.

Builds come and go while it runs; the control log says which there are.
"""

import asyncio
from collections.abc import Callable, Iterable, Sequence
from collections.abc import Set as AbstractSet
from contextlib import suppress

from streams.core.role_names import NORMALISE, embed_role_name
from streams.errors import HotswapError
from streams.migration.state import State
from streams.services.follower import Follower
from streams.services.supervision import Child

__all__ = ["SERVE", "ControlRoster", "every_role", "parse_embed", "roles_wanted"]

SERVE = "serve"

_EMBED = "embed:"
_REFRESH_SECONDS = 5.0


def every_role(lanes: Iterable[str]) -> list[str]:
    """All roles of a system with these lanes."""
    return [NORMALISE, *(f"{_EMBED}{lane}" for lane in lanes), SERVE]


def parse_embed(role: str) -> tuple[str, int | None] | None:
    """Lane and build of `embed:LANE` or `embed:LANE:BUILD`; None if the role is another one."""
    if not role.startswith(_EMBED):
        return None
    lane, _, build = role.removeprefix(_EMBED).partition(":")
    if not build:
        return lane, None
    return (lane, int(build)) if build.isdecimal() else None


def roles_wanted(chosen: Sequence[str], state: State | None) -> list[str]:
    """The roles to run, in the order of what was chosen.

    `embed:LANE` stands for a worker for each build of the lane, `embed:LANE:BUILD` for one, as
    long as there is that build.

    Args:
        chosen: roles.
        state: of the control log; None: not known yet, and so no build is.
    """
    roles: list[str] = []
    for role in chosen:
        embeds = parse_embed(role)
        if embeds is None:
            roles.append(role)
            continue
        lane, number = embeds
        known = None if state is None else state.lanes.get(lane)
        builds = sorted(known.builds) if known is not None else []
        roles += [embed_role_name(lane, build) for build in builds if number in (None, build)]
    return list(dict.fromkeys(roles))


class ControlRoster:
    """The roster that follows the control log; see `streams.services.supervision.Roster`.

    Args:
        control: the control log, followed.
        chosen: roles, as `roles_wanted` takes them.
        child: makes the child of a role.
        say: told what somebody ought to know.
    """

    def __init__(
        self,
        control: Follower,
        chosen: Sequence[str],
        child: Callable[[str], Child],
        say: Callable[[str], None],
    ) -> None:
        self._control = control
        self._chosen = chosen
        self._child = child
        self._say = say
        self._is_known = False

    def children(self) -> Sequence[Child]:
        """A child for each role that is wanted by the state as it is known."""
        return [self._child(role) for role in self._wanted()]

    async def differs(self, roles: AbstractSet[str]) -> None:
        """Return once other roles are wanted.

        Raises: what keeps the control log from being read, if it never was. Later on that changes
            nothing about the roles.
        """
        if not self._is_known:
            await self._control.caught_up()
            self._is_known = True
            self._tell_of_empty_lanes()
        moved = asyncio.Event()
        end = self._control.listen(lambda _folded: moved.set())
        try:
            while set(self._wanted()) == roles:
                await moved.wait()
                moved.clear()
        finally:
            end()

    async def confirm(self) -> None:
        """Read the control log to its end, unless it can not be reached."""
        with suppress(HotswapError, TimeoutError):
            await asyncio.wait_for(self._control.refresh(), _REFRESH_SECONDS)

    def _wanted(self) -> list[str]:
        return roles_wanted(self._chosen, self._control.state if self._is_known else None)

    def _tell_of_empty_lanes(self) -> None:
        for role in self._chosen:
            embeds = parse_embed(role)
            if embeds is not None and embeds[0] not in self._control.state.lanes:
                self._say(
                    f"lane {embeds[0]} has no build: `hotswap init` makes one, and its worker"
                    " starts then"
                )
