"""A failing lane is probed in the background, one probe at a time, until it answers again."""

import asyncio

from streams.core.breaker import Phase, Rules
from streams.errors import TransientError
from streams.services.serving.breakers import Breakers
from tests.waiting import until

RULES = Rules(failures=2, cool_down=5.0)


class Clock:
    """Time that passes only in `sleep`."""

    def __init__(self) -> None:
        self.now = 100.0
        self.slept: list[float] = []

    def __call__(self) -> float:
        return self.now

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds
        await asyncio.sleep(0)


class Lane:
    """Answers probes as it is told; without an answer it hangs."""

    def __init__(self, *answers: Exception | None) -> None:
        self.answers = list(answers)
        self.probes = 0
        self.most = 0
        self.running = 0
        self.waits = asyncio.Event()

    async def probe(self, _name: str) -> None:
        self.probes += 1
        self.running += 1
        self.most = max(self.most, self.running)
        try:
            if not self.answers:
                await self.waits.wait()
                return
            await asyncio.sleep(0)
            answer = self.answers.pop(0)
            if answer is not None:
                raise answer
        finally:
            self.running -= 1


async def test_a_lane_is_probed_at_once_and_then_after_each_cool_down_until_it_answers():
    clock, lane = Clock(), Lane(TransientError("away"), TimeoutError(), None)
    async with Breakers(["l"], RULES, lane.probe, clock=clock, sleep=clock.sleep) as breakers:
        breakers.failed("l", "away", late=False)
        assert breakers.closed("l")
        breakers.failed("l", "away", late=False)
        assert breakers.phase("l") is Phase.HALF_OPEN
        await until(lambda: breakers.closed("l"), "the breaker is closed", 5, 0)
        assert (lane.probes, clock.slept) == (3, [5.0, 5.0])


async def test_there_is_one_probe_however_many_requests_fail():
    clock, lane = Clock(), Lane()
    async with Breakers(["l"], RULES, lane.probe, clock=clock, sleep=clock.sleep) as breakers:
        for _ in range(50):
            breakers.failed("l", "late", late=True)
            clock.now += 1.0
            await asyncio.sleep(0)
        assert (lane.probes, lane.most) == (1, 1)
    assert lane.running == 0
    assert asyncio.all_tasks() == {asyncio.current_task()}


async def test_a_defect_in_a_probe_does_not_leave_the_lane_alone_for_ever(caplog):
    clock, lane = Clock(), Lane(ZeroDivisionError("a defect"), None)
    async with Breakers(["l"], RULES, lane.probe, clock=clock, sleep=clock.sleep) as breakers:
        breakers.failed("l", "late", late=True)
        await until(lambda: breakers.closed("l"), "the breaker is closed", 5, 0)
    assert "a defect" in caplog.text


async def test_a_lane_that_was_closed_by_a_request_and_fails_again_is_probed_again():
    clock, lane = Clock(), Lane(None)
    async with Breakers(["l"], RULES, lane.probe, clock=clock, sleep=clock.sleep) as breakers:
        breakers.failed("l", "late", late=True)
        breakers.succeeded("l")
        assert breakers.closed("l")
        breakers.failed("l", "late", late=True)
        await until(lambda: breakers.closed("l"), "the breaker is closed", 5, 0)
        lane.answers.append(None)
        breakers.failed("l", "late", late=True)
        await until(lambda: breakers.closed("l"), "the breaker is closed", 5, 0)


async def test_leaving_ends_a_probe_that_hangs():
    lane = Lane()
    async with Breakers(["l"], RULES, lane.probe) as breakers:
        breakers.failed("l", "late", late=True)
        await until(lambda: lane.running == 1, "a probe hangs", 5, 0)
    assert lane.running == 0


async def test_a_target_that_comes_back_is_read_again_without_anybody_paying_for_it(world):
    world.all_on_target()
    async with world.serving(rules=Rules(failures=1, cool_down=0.01)) as serving:
        world.ollama.awake.clear()
        assert (await world.search(serving)).lane == "cloud"
        assert (await world.search(serving)).lane == "cloud"
        world.ollama.awake.set()
        await until(lambda: serving.breakers.closed("ollama"), "the lane is closed again", 5, 0.01)
        assert (await world.search(serving)).lane == "ollama"


async def test_a_model_that_was_replaced_while_its_lane_was_away_stays_unread(world):
    world.all_on_target()
    async with world.serving(rules=Rules(failures=1, cool_down=0.01)) as serving:
        world.ollama.failures.append(TransientError("away"))
        world.ollama.digest = "another"
        await world.search(serving)
        identity = world.identity(serving.models, "ollama")
        await until(lambda: identity.live and identity.live.digest == "another", "a probe", 5, 0)
        await asyncio.sleep(0)
        assert not serving.breakers.closed("ollama")
        assert (await world.search(serving)).lane == "cloud"
