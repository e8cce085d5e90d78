"""A follower keeps the state that the log amounts to, and says how old it is."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from schemas import (
    BuildStarted,
    Fingerprint,
    MigrationDefined,
    Pause,
    Resume,
    Stage,
    StageSet,
)
from streams.adapters.memory_log import MemoryLog
from streams.errors import DriftError, TransientError
from streams.migration.signing import Keyring
from streams.migration.verdicts import Accepted, Held, Rejected, Unchanged
from streams.ports import NewRecord, TopicSpec
from streams.services.control import ControlLog
from streams.services.follower import Follower
from tests.waiting import until

TOPIC = "control"
FINGERPRINT = Fingerprint(provider="memory", model="m", dimensions=4)
BUILD = BuildStarted(
    id="build",
    by="test",
    lane="ollama",
    build=1,
    collection="c",
    fingerprint=FINGERPRINT,
    documents_partitions=3,
)


class FailingLog(MemoryLog):
    """A log that can be away, and that can be made anew."""

    made_anew = False

    def __init__(self) -> None:
        super().__init__()
        self.reachable = asyncio.Event()
        self.reachable.set()

    async def ends(self, topic):
        if not self.reachable.is_set():
            raise TransientError("no broker")
        return await super().ends(topic)

    async def follow(self, topic, since):
        if self.made_anew:
            raise DriftError("topic control", {"partition 0": (5, 0)})
        async for page in super().follow(topic, since):
            await self.reachable.wait()
            yield page


@pytest.fixture
async def log() -> FailingLog:
    made = FailingLog()
    await made.create(TopicSpec(TOPIC, 1, 1, {}))
    return made


@pytest.fixture
async def follower(log) -> AsyncIterator[Follower]:
    async with Follower(log, TOPIC) as made:
        yield made


async def order(log: MemoryLog, command) -> None:
    await log.append([NewRecord(TOPIC, b"k", command.encode())])


async def test_it_has_caught_up_once_it_has_folded_all_there_was(log):
    await order(log, BUILD)
    async with Follower(log, TOPIC) as follower:
        state = await follower.caught_up()
        assert state.lanes["ollama"].pinned == BUILD
        assert follower.age() < 5.0


async def test_an_empty_log_is_caught_up_with_at_once(follower):
    assert (await follower.caught_up()).version == -1


async def test_a_follower_that_never_reached_the_end_has_no_age():
    assert Follower(MemoryLog(), TOPIC).age() == float("inf")


async def test_what_is_appended_later_comes_by_itself(log, follower):
    await order(log, BUILD)
    await order(log, Pause(id="1", by="ann", reason="upgrade", lane="ollama"))

    async def paused() -> bool:
        lane = follower.state.lanes.get("ollama")
        return lane is not None and lane.paused == "by ann: upgrade"

    await until(paused, "the pause is folded", 10.0)


async def test_whoever_appends_is_told_what_became_of_it(follower):
    assert isinstance((await follower.append(BUILD)).verdict, Accepted)
    pause = Pause(id="1", by="ann", lane="ollama")
    assert isinstance((await follower.append(pause)).verdict, Accepted)
    assert isinstance((await follower.append(pause)).verdict, Rejected)
    again = pause.model_copy(update={"id": "2"})
    assert isinstance((await follower.append(again)).verdict, Unchanged)


async def test_a_control_log_on_demand_and_a_follower_agree(log, follower):
    on_demand = ControlLog(log, TOPIC)
    await on_demand.append(BUILD)
    await on_demand.append(Pause(id="1", by="ann", lane="nobody"))
    assert await follower.refresh() == on_demand.state
    assert follower.fold.offset == on_demand.fold.offset == 1


async def test_listeners_hear_of_every_record_until_they_leave(log, follower):
    heard: list[int] = []
    leave = follower.listen(lambda folded: heard.append(folded.offset))
    await follower.append(BUILD)
    await order(log, Pause(id="1", by="ann", lane="nobody"))
    await follower.refresh()
    leave()
    await follower.append(Resume(id="2", by="ann", lane="ollama"))
    assert heard == [0, 1]


async def test_the_last_state_stays_in_force_while_the_log_is_away_and_its_age_shows(log, follower):
    await follower.append(BUILD)
    await follower.caught_up()
    log.reachable.clear()
    with pytest.raises(TransientError):
        await follower.refresh()
    before = follower.age()

    async def older() -> bool:
        return bool(follower.age() > before + 1.5)  # longer than it takes to confirm twice

    await until(older, "the state has grown old", 10.0)
    assert follower.state.lanes["ollama"].pinned == BUILD
    log.reachable.set()
    await order(log, Pause(id="1", by="ann", lane="ollama"))

    async def young() -> bool:
        lane = follower.state.lanes["ollama"]
        return bool(follower.age() < 1.5 and lane.paused)

    await until(young, "it has caught up again", 10.0)


async def test_a_log_that_was_made_anew_ends_the_following(log):
    log.made_anew = True
    async with Follower(log, TOPIC) as follower:
        with pytest.raises(DriftError):
            await asyncio.wait_for(follower.failed(), 10.0)
        assert isinstance(follower.failure, DriftError)
        with pytest.raises(DriftError):
            await follower.caught_up()


async def test_what_one_key_signs_is_accepted_and_what_none_signed_is_not(log):
    key, other = b"0123456789abcdef", b"fedcba9876543210"
    async with Follower(log, TOPIC, Keyring((key,))) as signed:
        assert isinstance((await signed.append(BUILD)).verdict, Accepted)
        await ControlLog(log, TOPIC, Keyring((other,))).append(Pause(id="1", by="x", lane="ollama"))
        await ControlLog(log, TOPIC).append(Pause(id="2", by="x", lane="ollama"))
        assert (await signed.refresh()).lanes["ollama"].paused is None
    rotated = ControlLog(log, TOPIC, Keyring((other, key)))
    assert (await rotated.refresh()).lanes["ollama"].paused == "by x"


async def test_a_held_command_changes_nothing_and_says_what_it_waits_for(follower):

    await follower.append(BUILD)
    await follower.append(BUILD.model_copy(update={"id": "b2", "lane": "cloud"}))
    await follower.append(
        MigrationDefined(id="m", by="t", source="cloud", target="ollama", salt="s")
    )
    folded = await follower.append(StageSet(id="s", by="ann", to=Stage.DUALWRITE))
    assert isinstance(folded.verdict, Held)
    assert follower.state.stage is Stage.OFF
