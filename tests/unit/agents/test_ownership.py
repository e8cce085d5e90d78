"""Whether a partition is still this worker's: ours, lost, or unsure, and how the lease goes on."""

import inspect
from collections.abc import Awaitable, Callable
from types import SimpleNamespace

import pytest
from aiokafka.consumer.group_coordinator import GroupCoordinator

from streams.agents.transport import Ownership
from tests.unit.agents.ledger_rig import SESSION_SECONDS


async def test_a_partition_is_ours_while_the_coordinator_confirms_it(rig):
    assert rig.consumer.ownership(rig.deliver(1)) is Ownership.OURS


async def test_a_partition_is_lost_once_the_group_has_moved_on(rig):
    chunk = rig.deliver(1)
    await rig.assign(generation=2)
    assert rig.consumer.ownership(chunk) is Ownership.LOST
    assert rig.consumer.ownership(rig.deliver(1)) is Ownership.OURS


async def test_a_partition_that_is_not_assigned_is_lost(rig):
    chunk = rig.deliver(1)
    rig.assigned = set()
    assert rig.consumer.ownership(chunk) is Ownership.LOST


async def test_nothing_is_sure_during_a_rebalance(rig):
    chunk = rig.deliver(1)
    rig.consumer.stop_flow()
    assert rig.consumer.ownership(chunk) is Ownership.UNSURE
    rig.consumer.resume_flow()
    assert rig.consumer.ownership(chunk) is Ownership.OURS


async def test_nothing_is_sure_when_no_heartbeat_was_confirmed_for_a_session(rig):
    """The worker was frozen, or cut off: the group may have given its partitions away."""
    chunk = rig.deliver(1)
    rig.now += SESSION_SECONDS - 0.01
    assert rig.consumer.ownership(chunk) is Ownership.OURS
    rig.now += 0.01
    assert rig.consumer.ownership(chunk) is Ownership.UNSURE


async def test_a_lost_partition_is_lost_also_for_a_worker_that_is_unsure_of_the_rest(rig):
    """Lost drops the records; unsure would wait with them."""
    chunk = rig.deliver(1)
    await rig.assign(generation=2)
    rig.consumer.stop_flow()
    rig.now += SESSION_SECONDS
    assert rig.consumer.ownership(chunk) is Ownership.LOST


async def test_joining_the_group_confirms_the_lease(rig):
    rig.now += SESSION_SECONDS
    await rig.assign(generation=2)
    assert rig.consumer.ownership(rig.deliver(1)) is Ownership.OURS


Heartbeat = Callable[[], Awaitable[bool]]


@pytest.fixture
async def heartbeats(rig, monkeypatch) -> Callable[[Heartbeat], Awaitable[Heartbeat]]:
    """Starts the consumer's thread over a coordinator whose heartbeat is the given function.

    What comes back sends a heartbeat, as aiokafka does it.
    """

    async def start(heartbeat: Heartbeat) -> Heartbeat:
        async def nothing() -> None:
            """Connect to no broker."""

        coordinator = SimpleNamespace(_do_heartbeat=heartbeat)
        kafka = SimpleNamespace(_coordinator=coordinator, start=nothing)
        monkeypatch.setattr(rig.consumer._thread, "_create_consumer", lambda **_loop: kafka)
        await rig.consumer._thread.on_start()
        watched: Heartbeat = coordinator._do_heartbeat
        return watched

    return start


async def test_a_confirmed_heartbeat_renews_the_lease(rig, heartbeats):
    async def confirmed() -> bool:
        return True

    beat = await heartbeats(confirmed)
    rig.now += SESSION_SECONDS
    assert await beat() is True
    assert rig.consumer.lease_age() == 0


async def test_a_heartbeat_that_is_not_confirmed_does_not_renew_the_lease(rig, heartbeats):
    async def refused() -> bool:
        return False

    beat = await heartbeats(refused)
    rig.now += SESSION_SECONDS
    assert await beat() is False
    assert rig.consumer.lease_age() == SESSION_SECONDS


async def test_the_lease_counts_from_before_the_question(rig, heartbeats):
    """The broker's session timer starts at an unknown moment between question and answer."""

    async def slow() -> bool:
        rig.now += 2
        return True

    beat = await heartbeats(slow)
    rig.now += SESSION_SECONDS
    await beat()
    assert rig.consumer.lease_age() == 2


async def test_aiokafka_still_sends_its_heartbeats_through_the_function_that_is_watched():
    assert inspect.iscoroutinefunction(GroupCoordinator._do_heartbeat)
    assert "_do_heartbeat" in GroupCoordinator._heartbeat_routine.__code__.co_names
