"""Calls go to hosts that work; hosts that fail come back one careful call at a time."""

import asyncio
from dataclasses import dataclass, field

import pytest

from streams.adapters.ollama_host import Holding, Identity
from streams.adapters.ollama_pool import OllamaPool
from streams.errors import HotswapError, InputRefused, LaneHalted, TransientError

IDENTITY = Identity(Holding("abc", "0.17.4"), 8)


@dataclass
class FakeHost:
    url: str
    holding: Holding = IDENTITY.holding
    looks: int = 0
    down: HotswapError | None = None
    served: list[str] = field(default_factory=list)

    async def look(self) -> Holding:
        self.looks += 1
        if self.down:
            raise self.down
        return self.holding


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


async def serve(host: FakeHost) -> str:
    host.served.append(host.url)
    if host.down:
        raise host.down
    return host.url


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def hosts() -> list[FakeHost]:
    return [FakeHost("one"), FakeHost("two"), FakeHost("three")]


@pytest.fixture
def pool(hosts: list[FakeHost], clock: Clock) -> OllamaPool[FakeHost]:
    made = OllamaPool(hosts, clock)
    made.agreed([IDENTITY] * len(hosts))
    return made


async def test_the_least_busy_host_gets_the_next_call(pool, hosts):
    all_served = asyncio.Barrier(6)

    async def meet(host: FakeHost) -> None:
        host.served.append(host.url)
        await all_served.wait()

    await asyncio.gather(*(pool.run(meet) for _ in range(6)))
    assert [len(host.served) for host in hosts] == [2, 2, 2]


async def test_a_call_that_one_host_fails_is_done_by_the_next(pool, hosts):
    hosts[0].down = TransientError("one: no connection")
    assert await pool.run(serve) == "two"
    assert hosts[0].served == ["one"]


async def test_a_failed_host_is_left_alone_until_its_pause_is_over(pool, hosts, clock):
    hosts[0].down = TransientError("one: no connection")
    await pool.run(serve)
    hosts[0].down = None
    assert await pool.run(serve) != "one"
    clock.now += 1.01
    assert await pool.run(serve) == "one"


async def test_pauses_grow_with_each_failure_in_a_row_and_end_with_the_first_success(
    pool, hosts, clock
):
    hosts[0].down = TransientError("one: no connection")
    pauses = []
    for _ in range(8):
        before = hosts[0].looks + len(hosts[0].served)
        began = clock.now
        while hosts[0].looks + len(hosts[0].served) == before:
            await pool.run(serve)
            clock.now += 0.5
        pauses.append(clock.now - began)
    assert pauses[1:] == [1, 2, 4, 8, 16, 32, 60]
    hosts[0].down = None
    clock.now += 60
    assert await pool.run(serve) == "one"
    hosts[0].down = TransientError("one: no connection")
    while len(hosts[0].served) == 2:
        await pool.run(serve)
    hosts[0].down = None
    clock.now += 1.01
    assert await pool.run(serve) == "one"


async def test_calls_that_fail_together_count_as_one_failure(pool, hosts, clock):
    under_way = asyncio.Barrier(9)

    async def fail_on_one(host: FakeHost) -> None:
        host.served.append(host.url)
        if sum(len(each.served) for each in hosts) <= 9:
            await under_way.wait()
        if host is hosts[0]:
            raise TransientError("one: no connection")

    await asyncio.gather(*(pool.run(fail_on_one) for _ in range(9)))
    assert len(hosts[0].served) == 3
    clock.now += 1.01
    assert await pool.run(serve) == "one"


async def test_a_returning_host_gets_one_call_at_a_time(pool, hosts, clock):
    hosts[0].down = TransientError("one: no connection")
    await pool.run(serve)
    hosts[0].down = None
    clock.now += 2
    all_served = asyncio.Barrier(5)

    async def meet(host: FakeHost) -> None:
        host.served.append(host.url)
        await all_served.wait()

    await asyncio.gather(*(pool.run(meet) for _ in range(5)))
    assert [len(host.served) for host in hosts] == [2, 3, 2]


async def test_a_returning_host_that_was_changed_meanwhile_gets_no_call(pool, hosts, clock):
    hosts[0].down = TransientError("one: no connection")
    await pool.run(serve)
    hosts[0].down, hosts[0].holding = None, Holding("xyz", "0.17.4")
    clock.now += 2
    assert await pool.run(serve) == "two"
    assert hosts[0].looks == 1
    assert hosts[0].served == ["one"]


async def test_when_all_hosts_sit_out_they_are_tried_all_the_same(pool, hosts):
    for host in hosts:
        host.down = TransientError(f"{host.url}: no connection")
    with pytest.raises(TransientError):
        await pool.run(serve)
    hosts[2].down = None
    assert await pool.run(serve) == "three"


async def test_when_all_hosts_fail_each_is_named_with_its_error(pool, hosts):
    for host in hosts:
        host.down = TransientError(f"{host.url}: broken like {host.url}")
    hosts[1].down = LaneHalted("two: no such model")
    with pytest.raises(TransientError) as caught:
        await pool.run(serve)
    assert "one: broken like one" in str(caught.value)
    assert "two: no such model" in str(caught.value)
    assert "three: broken like three" in str(caught.value)


async def test_when_all_hosts_ask_for_an_operator_the_lane_halts(pool, hosts):
    for host in hosts:
        host.down = LaneHalted(f"{host.url}: no such model")
    with pytest.raises(LaneHalted, match=r"one: no such model\ntwo: no such model\nthree"):
        await pool.run(serve)


async def test_a_refused_input_is_no_failure_of_the_host_and_tried_nowhere_else(pool, hosts):
    async def refuse(host: FakeHost) -> str:
        host.served.append(host.url)
        raise InputRefused("too long")

    with pytest.raises(InputRefused):
        await pool.run(refuse)
    assert [len(host.served) for host in hosts] == [1, 0, 0]
    assert await pool.run(serve) == "one"


async def test_a_cancelled_call_leaves_its_host_free(pool, hosts):
    async def for_ever(_: FakeHost) -> None:
        await asyncio.Event().wait()

    call = asyncio.create_task(pool.run(for_ever))
    await asyncio.sleep(0)
    call.cancel()
    with pytest.raises(asyncio.CancelledError):
        await call
    assert [await pool.run(serve) for _ in hosts] == ["one"] * 3


def test_hosts_that_differ_halt_the_lane_and_each_is_named(hosts, clock):
    pool = OllamaPool(hosts, clock)
    other = Identity(Holding("xyz", "0.17.4"), 8)
    with pytest.raises(LaneHalted) as caught:
        pool.agreed([IDENTITY, other, TransientError("three: no connection")])
    assert "digest: one has 'abc', two has 'xyz'" in str(caught.value)
    assert "server_version" not in str(caught.value)
    assert pool.identity is None


async def test_a_host_that_was_away_at_first_proves_itself_before_its_first_call(hosts, clock):
    pool = OllamaPool(hosts, clock)
    pool.agreed([TransientError("one: no connection"), IDENTITY, IDENTITY])
    hosts[0].holding = Holding("abc", "0.18.0")
    clock.now += 2
    assert await pool.run(serve) == "two"
    assert (hosts[0].looks, hosts[0].served) == (1, [])


def test_a_host_without_the_model_halts_the_lane_at_once(hosts, clock):
    pool = OllamaPool(hosts, clock)
    with pytest.raises(LaneHalted, match="no such model"):
        pool.agreed([IDENTITY, LaneHalted("two: no such model"), IDENTITY])


def test_no_host_at_all_is_transient(hosts, clock):
    pool = OllamaPool(hosts, clock)
    with pytest.raises(TransientError, match="one: away\ntwo: away\nthree: away"):
        pool.agreed([TransientError(f"{host.url}: away") for host in hosts])
