"""The provider through the official SDK: evaluations, life cycle, events."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from openfeature import api
from openfeature.client import OpenFeatureClient
from openfeature.evaluation_context import EvaluationContext
from openfeature.event import EventDetails, ProviderEvent
from openfeature.exception import ErrorCode, ProviderFatalError, ProviderNotReadyError
from openfeature.provider import ProviderStatus

from schemas import FLAG
from streams.client import AsyncHotswap, Hotswap
from streams.client.openfeature import HotswapProvider
from streams.core.routing import Routing, route
from streams.errors import DriftError
from streams.services.follower import Follower
from tests.unit.client.world import World, reached, threads
from tests.waiting import until

pytestmark = pytest.mark.usefixtures("openfeature")

STAFF = EvaluationContext("somebody", {"cohort": "staff"})


@pytest.fixture
def world(empty: World) -> World:
    asyncio.run(empty.define())
    return empty


def provider(source: Any = None, **options: float) -> HotswapProvider:
    options = {"look_every_seconds": 0.005, "stale_after_seconds": 60.0, **options}
    return HotswapProvider(source, **options)


def client_of(provider: HotswapProvider) -> OpenFeatureClient:
    api.set_provider_and_wait(provider)
    return api.get_client()


class Events(list[tuple[ProviderEvent, EventDetails]]):
    """Every event that the SDK hands to applications, as it comes."""

    def __init__(self) -> None:
        for event in ProviderEvent:
            api.add_handler(event, self._noting(event))
        reached(lambda: bool(self), "the SDK has told of its own provider")
        self.clear()

    def _noting(self, event: ProviderEvent) -> Callable[[EventDetails], None]:
        return lambda details: self.append((event, details))

    @property
    def kinds(self) -> list[str]:
        return [event.name.removeprefix("PROVIDER_") for event, _ in self]


# Evaluations


def test_the_flag_says_which_lane_and_why(world):
    client = client_of(provider("hotswap.toml"))
    details = client.get_boolean_details(FLAG, default_value=True)
    assert (details.value, details.variant, details.reason) == (False, "cloud", "DEFAULT")
    assert details.error_code is None
    asyncio.run(world.live(5.0, "staff"))
    reached(lambda: client.get_boolean_value(FLAG, False, STAFF), "the ramp is folded")
    details = client.get_boolean_details(FLAG, False, STAFF)
    assert (details.variant, details.reason) == ("ollama", "TARGETING_MATCH")
    assert details.flag_metadata == {"version": 7, "percent": 5.0}
    asyncio.run(world.ramp(100.0))
    reached(lambda: client.get_boolean_value(FLAG, False), "the ramp is folded")
    assert client.get_boolean_details(FLAG, False).reason == "STATIC"


def test_it_picks_the_same_users_as_the_routing_itself(world):
    asyncio.run(world.live(20.0))
    client = client_of(provider())
    routing = Routing("cloud", "ollama", percent=20.0, salt="x")
    for number in range(500):
        details = client.get_boolean_details(FLAG, False, EvaluationContext(f"user-{number}"))
        assert details.value is route(routing, f"user-{number}").uses_target
        assert details.reason == "SPLIT"


async def test_it_can_be_asked_on_an_event_loop(empty):
    await empty.define()
    client = client_of(provider())
    details = await client.get_boolean_details_async(FLAG, default_value=True)
    assert (details.value, details.variant) == (False, "cloud")
    wrong = await client.get_string_details_async(FLAG, "as before")
    assert (wrong.value, wrong.error_code) == ("as before", ErrorCode.TYPE_MISMATCH)


@pytest.mark.usefixtures("world")
def test_another_flag_is_not_found_and_another_type_does_not_match():
    client = client_of(provider())
    for flag, code in (("other", "FLAG_NOT_FOUND"), (FLAG, "TYPE_MISMATCH")):
        for details in (
            client.get_string_details(flag, "default"),
            client.get_integer_details(flag, 7),
            client.get_float_details(flag, 0.5),
            client.get_object_details(flag, {"a": 1}),
        ):
            assert details.error_code == code
            assert details.reason == "ERROR"
            assert details.value in ("default", 7, 0.5, {"a": 1})
    details = client.get_boolean_details("other", default_value=True)
    assert (details.value, details.error_code) == (True, "FLAG_NOT_FOUND")


@pytest.mark.usefixtures("world")
@pytest.mark.parametrize(
    "context",
    [
        EvaluationContext("user", {"cohort": ["staff"]}),
        EvaluationContext("user", {"cohort": 7}),
        EvaluationContext(7),  # type: ignore[arg-type]
    ],
)
def test_a_context_of_other_types_is_invalid_and_gets_the_default(context):
    details = client_of(provider()).get_boolean_details(FLAG, True, context)
    assert (details.value, details.reason) == (True, "ERROR")
    assert details.error_code == ErrorCode.INVALID_CONTEXT


def test_without_a_migration_the_flag_is_not_found_and_then_it_is(empty):
    asyncio.run(empty.topics())
    client = client_of(provider())
    events = Events()
    details = client.get_boolean_details(FLAG, default_value=True)
    assert (details.value, details.error_code) == (True, ErrorCode.FLAG_NOT_FOUND)
    assert "hotswap init" in str(details.error_message)
    asyncio.run(empty.define())
    reached(lambda: client.get_boolean_value(FLAG, default_value=True) is False, "it is defined")
    reached(lambda: "CONFIGURATION_CHANGED" in events.kinds, "that is told")


def test_a_provider_that_nobody_initialised_gives_the_default():
    details = provider().resolve_boolean_details(FLAG, True)
    assert (details.value, details.error_code) == (True, ErrorCode.PROVIDER_NOT_READY)


# Life cycle


def test_the_sdk_has_it_ready_once_the_control_log_was_read_and_shuts_it_down(world):
    events = Events()
    watched = provider()
    api.set_provider(watched)
    reached(lambda: events.kinds == ["READY"], "it is ready")
    assert api.get_client().get_provider_status() is ProviderStatus.READY
    assert threads() == {"hotswap", "hotswap-watch"}
    assert world.log.followers == 1
    background = watched._background  # or the end of its last reference would end it
    api.shutdown()
    assert threads() == set()
    assert (world.log.followers, world.log.users) == (0, 0)
    del background


def test_a_control_log_that_is_away_makes_it_not_ready_and_it_becomes_so_later(world):
    world.log.reachable.clear()
    events = Events()
    with pytest.raises(ProviderNotReadyError):
        api.set_provider_and_wait(provider(ready_seconds=0.05))
    client = api.get_client()
    assert client.get_provider_status() is ProviderStatus.ERROR
    details = client.get_boolean_details(FLAG, default_value=True)
    assert (details.value, details.error_code) == (True, ErrorCode.PROVIDER_NOT_READY)
    world.log.reachable.set()
    reached(lambda: events.kinds == ["ERROR", "READY"], "it is ready")
    assert events[0][1].error_code == ErrorCode.PROVIDER_NOT_READY
    assert client.get_boolean_details(FLAG, default_value=True).variant == "cloud"


@pytest.mark.parametrize("source", [None, "nowhere.toml"])
def test_a_control_log_that_can_not_be_read_at_all_is_fatal(empty, source):
    del empty
    events = Events()
    with pytest.raises(ProviderFatalError):
        api.set_provider_and_wait(provider(source))
    client = api.get_client()
    assert client.get_provider_status() is ProviderStatus.FATAL
    assert client.get_boolean_value(FLAG, default_value=True) is True
    reached(lambda: events.kinds == ["ERROR"], "that is told")
    assert threads() == set()


def test_one_that_is_replaced_while_it_waits_ends(world):
    world.log.reachable.clear()
    api.set_provider(provider())
    reached(lambda: threads() != set(), "it waits")
    api.clear_providers()
    reached(lambda: threads() == set(), "it has ended")


def test_it_can_be_initialised_again_after_a_shutdown(world):
    del world
    again = provider()
    for _ in range(2):
        assert client_of(again).get_boolean_details(FLAG, True).variant == "cloud"
        api.shutdown()
    assert threads() == set()


# Sources


def test_a_client_for_threads_can_be_its_source_and_stays_open(world):
    with Hotswap.open() as hotswap:
        client = client_of(provider(hotswap, look_every_seconds=60.0))
        events = Events()
        assert world.log.followers == 1
        asyncio.run(world.live(100.0))
        reached(lambda: client.get_boolean_value(FLAG, False), "the ramp is folded")
        reached(lambda: events.kinds == ["CONFIGURATION_CHANGED"], "that is told")
        api.shutdown()
        assert hotswap.search("green").lane == "ollama"


async def test_a_client_on_this_loop_can_be_its_source(empty):
    await empty.define()
    async with AsyncHotswap.open() as hotswap:
        client = client_of(provider(hotswap))
        await empty.live(100.0)
        await until(lambda: client.get_boolean_value(FLAG, False), "the ramp is folded")
        assert (await client.get_boolean_details_async(FLAG, False)).reason == "STATIC"
        api.shutdown()


async def test_a_follower_can_be_its_source_and_its_own_loop_is_never_waited_for(empty):
    await empty.define()
    async with Follower(empty.log, "control") as follower:
        with pytest.raises(ProviderNotReadyError):
            api.set_provider_and_wait(provider(follower))
        client = api.get_client()
        await until(lambda: client.get_provider_status() is ProviderStatus.READY, "it is ready")
        assert client.get_boolean_details(FLAG, True).variant == "cloud"
        api.shutdown()


# Events


def test_every_change_of_the_answers_is_told_and_nothing_else(world):
    events = Events()
    client = client_of(provider())
    reached(lambda: events.kinds == ["READY"], "it is ready")
    asyncio.run(world.live())  # dualwrite, shadow, live: nobody's answer
    asyncio.run(world.ramp(5.0))
    reached(lambda: len(events) == 2, "the ramp is told")
    asyncio.run(world.roll_back())
    reached(lambda: len(events) == 3, "the rollback is told")
    assert events.kinds == ["READY", "CONFIGURATION_CHANGED", "CONFIGURATION_CHANGED"]
    assert [details.flags_changed for _, details in events] == [None, [FLAG], [FLAG]]
    assert events[1][1].provider_name == "Hotswap"
    assert client.get_boolean_details(FLAG, True, STAFF).reason == "DEFAULT"


def test_while_kafka_is_away_it_is_stale_and_answers_as_before(world):
    asyncio.run(world.live(100.0))
    events = Events()
    client = client_of(provider(stale_after_seconds=0.5))
    world.log.reachable.clear()
    reached(lambda: events.kinds == ["READY", "STALE"], "it is stale")
    assert "last reached" in str(events[1][1].message)
    assert client.get_provider_status() is ProviderStatus.STALE
    details = client.get_boolean_details(FLAG, default_value=False)
    assert (details.value, details.reason, details.error_code) == (True, "STATIC", None)
    world.log.reachable.set()
    reached(lambda: events.kinds == ["READY", "STALE", "READY"], "it is ready again")
    assert client.get_provider_status() is ProviderStatus.READY


def test_a_control_log_that_is_lost_is_an_error_and_the_last_state_stays(world):
    asyncio.run(world.live(100.0))
    events = Events()
    client = client_of(provider())
    world.log.problem = DriftError("topic control", {"partition 0": (5, 0)})
    reached(lambda: events.kinds == ["READY", "ERROR"], "it is lost")
    assert events[1][1].error_code == ErrorCode.GENERAL
    assert "topic control" in str(events[1][1].message)
    assert client.get_provider_status() is ProviderStatus.ERROR
    details = client.get_boolean_details(FLAG, default_value=False)
    assert (details.value, details.error_code) == (True, None)
