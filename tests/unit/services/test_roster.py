"""`hotswap up` runs a worker for each build that there is, and follows as builds come and go."""

import asyncio

import pytest

from schemas import BuildDropped, BuildStarted
from streams.adapters.memory_log import MemoryLog
from streams.errors import ConfigurationError
from streams.services.follower import Follower
from streams.services.roster import ControlRoster, parse_embed, roles_wanted
from streams.services.supervision import Child
from tests.unit.services.control_world import FINGERPRINT, control_log, migration, send

EVERY = ["normalise", "embed:cloud", "embed:ollama", "serve"]


def started(build: int) -> BuildStarted:
    return BuildStarted(
        id=f"start-{build}",
        by="ann",
        lane="ollama",
        build=build,
        collection=f"c{build}",
        fingerprint=FINGERPRINT,
        documents_partitions=2,
    )


def dropped(build: int) -> BuildDropped:
    return BuildDropped(id=f"drop-{build}", by="ann", lane="ollama", build=build)


@pytest.mark.parametrize(
    ("role", "parsed"),
    [
        ("embed:ollama", ("ollama", None)),
        ("embed:ollama:2", ("ollama", 2)),
        ("embed:ollama:x", None),
        ("normalise", None),
        ("serve", None),
    ],
)
def test_a_role_names_its_lane_and_its_build(role, parsed):
    assert parse_embed(role) == parsed


async def state_after(*commands):
    follower = Follower(await control_log([*migration(), *commands]), "control")
    async with follower:
        return await follower.caught_up()


async def test_each_build_has_a_worker_and_a_dropped_one_has_none():
    state = await state_after(started(2), started(3), dropped(2))
    assert roles_wanted(EVERY, state) == [
        "normalise", "embed:cloud", "embed:ollama", "embed:ollama:3", "serve",
    ]  # fmt: skip
    assert roles_wanted(["embed:ollama:3", "embed:ollama:2"], state) == ["embed:ollama:3"]
    assert roles_wanted(["embed:ollama:3", "embed:ollama"], state) == [
        "embed:ollama:3",
        "embed:ollama",
    ]


def test_before_the_control_log_is_known_no_build_is():
    assert roles_wanted(EVERY, None) == ["normalise", "serve"]


def roster(control: Follower, said: list[str]) -> ControlRoster:
    return ControlRoster(control, EVERY, lambda role: Child(role, (role,)), said.append)


def roles(one: ControlRoster) -> set[str]:
    return {child.role for child in one.children()}


async def test_the_roster_changes_as_builds_come_and_go():
    log = await control_log(migration())
    async with Follower(log, "control") as control:
        one = roster(control, [])
        assert roles(one) == {"normalise", "serve"}
        await asyncio.wait_for(one.differs(roles(one)), 5)
        assert roles(one) == set(EVERY)
        await send(log, started(2))
        await asyncio.wait_for(one.differs(roles(one)), 5)
        assert roles(one) == {*EVERY, "embed:ollama:2"}
        await send(log, dropped(2))
        await one.confirm()
        assert roles(one) == set(EVERY)


async def test_a_lane_that_was_never_initialised_is_told_and_joins_later():
    log = await control_log(migration()[:1])
    said: list[str] = []
    async with Follower(log, "control") as control:
        one = roster(control, said)
        await asyncio.wait_for(one.differs(roles(one)), 5)
        assert roles(one) == {"normalise", "embed:cloud", "serve"}
        assert ["hotswap init" in line and "lane ollama" in line for line in said] == [True]
        await send(log, migration()[1])
        await asyncio.wait_for(one.differs(roles(one)), 5)
        assert roles(one) == set(EVERY)


async def test_without_a_control_log_there_is_no_point():
    async with Follower(MemoryLog(), "control") as control:
        one = roster(control, [])
        with pytest.raises(ConfigurationError, match="control"):
            await asyncio.wait_for(one.differs(roles(one)), 5)
