"""The client without an event loop: many threads, one loop in the background, a clean end."""

import asyncio
import os
import signal
import subprocess
import sys
import threading
from concurrent.futures import Future, ThreadPoolExecutor

import pytest

from schemas import FeedbackObservation, WindowObservation
from streams.client import Hotswap, Misused, NotReady
from streams.client.background import Background
from streams.errors import ConfigurationError, InputRefused
from tests.unit.client.world import Hold, World, reached, threads
from tests.unit.serving.world import TEXTS

THREADS = 8


@pytest.fixture
def world(empty: World) -> World:
    asyncio.run(empty.define())
    return empty


def test_a_search_its_feedback_and_the_flag(world):
    with Hotswap.open("hotswap.toml") as hotswap:
        answer = hotswap.search("green", k=1, filter={"field": "colour", "exists": True})
        assert (answer.lane, answer.hits[0].id) == ("cloud", "s/1")
        assert hotswap.feedback(answer.query_id, success=True).lane == "cloud"
        assert hotswap.use_local_embeddings("user").lane == "cloud"
        assert hotswap.readiness()["ready"]
        assert threads() == {"hotswap"}
    assert len(asyncio.run(world.observed(FeedbackObservation))) == 1
    (window,) = asyncio.run(world.observed(WindowObservation))
    assert (window.lane, window.searches) == ("cloud", 1)


def test_an_error_reaches_the_caller_as_it_is(world):
    del world
    with Hotswap.open() as hotswap:
        with pytest.raises(InputRefused, match="k: "):
            hotswap.search("green", k=0)
        assert hotswap.search("green").lane == "cloud"


def test_a_defect_reaches_the_caller_as_it_is_and_breaks_nothing(world, monkeypatch):
    defect = RuntimeError("This portal is not running")

    def broken(*_arguments: object, **_options: object) -> None:
        raise defect

    with Hotswap.open() as hotswap:
        with monkeypatch.context() as patch:
            patch.setattr(world.store, "search", broken)
            with pytest.raises(RuntimeError) as raised:
                hotswap.search("green")
        assert raised.value is defect
        assert hotswap.search("green").lane == "cloud"


def test_eight_threads_search_at_once_and_each_gets_its_own_answer(world):
    asyncio.run(world.live(50.0))
    together = threading.Barrier(THREADS)

    def search(thread: int) -> set[tuple[str, str]]:
        together.wait(10)
        found = set()
        for number in range(40):
            text = TEXTS[(thread + number) % len(TEXTS)]
            asker = f"user-{thread}-{number}"
            answer = hotswap.search(text, k=1, targeting_key=asker)
            assert answer.hits[0].metadata == {"colour": text}
            assert answer.lane == hotswap.use_local_embeddings(asker).lane
            found.add((answer.query_id, answer.lane))
        return found

    with Hotswap.open() as hotswap, ThreadPoolExecutor(THREADS) as pool:
        answers = set().union(*pool.map(search, range(THREADS)))
    assert len(answers) == THREADS * 40
    assert {lane for _, lane in answers} == {"cloud", "ollama"}


def test_closing_waits_for_the_calls_under_way_and_refuses_new_ones(world):
    cloud = world.embedders["cloud"]
    hotswap = Hotswap.open()
    hotswap.search("warm")
    cloud.awake = Hold()
    with ThreadPoolExecutor(THREADS) as pool:
        searches = [pool.submit(hotswap.search, f"green {n}", k=1) for n in range(THREADS - 1)]
        reached(lambda: cloud.under_way == THREADS - 1, "all are under way")
        closing = pool.submit(hotswap.close)
        reached(lambda: hotswap._background._closed, "it is closing")
        with pytest.raises(Misused, match="closed"):
            hotswap.search("late")
        assert not closing.done()
        cloud.awake.set()
        assert [search.result(10).lane for search in searches] == ["cloud"] * (THREADS - 1)
        closing.result(10)


def test_after_the_end_every_call_is_refused_and_closing_again_does_nothing(world):
    del world
    with Hotswap.open() as hotswap:
        pass
    hotswap.close()
    for call in (
        lambda: hotswap.search("green"),
        lambda: hotswap.feedback("q1.x", success=True),
        lambda: hotswap.use_local_embeddings("user"),
        hotswap.readiness,
    ):
        with pytest.raises(Misused, match="closed"):
            call()


def test_on_its_own_loop_every_call_is_refused_where_it_would_wait_for_ever(world):
    del world
    with Hotswap.open() as hotswap:

        async def from_within(_held: object) -> str:
            for call in (lambda: hotswap.search("green"), hotswap.close):
                with pytest.raises(Misused, match="its own event loop"):
                    call()
            return "back"

        assert hotswap._background.run(from_within) == "back"
        assert hotswap.search("green").lane == "cloud"


def test_in_a_fork_calls_are_refused_where_they_would_wait_for_ever(world, monkeypatch):
    del world
    with Hotswap.open() as hotswap:
        with monkeypatch.context() as forked:
            forked.setattr(os, "getpid", lambda: -1)
            with pytest.raises(Misused, match="fork"):
                hotswap.search("green")
            with pytest.raises(Misused, match="fork"):
                hotswap.use_local_embeddings("user")
            hotswap.close()
        assert hotswap.search("green").lane == "cloud"


def test_opening_that_fails_leaves_no_thread(empty):
    with pytest.raises(ConfigurationError, match="hotswap init"):
        Hotswap.open()
    assert threads() == set()
    asyncio.run(empty.define())
    empty.log.reachable.clear()
    with pytest.raises(NotReady):
        Hotswap.open(wait_seconds=0.05)
    assert threads() == set()


def test_an_interrupted_caller_ends_its_call(world):
    cloud = world.embedders["cloud"]

    def interrupt() -> None:
        reached(lambda: cloud.under_way == 1, "the search is under way")
        signal.pthread_kill(main, signal.SIGINT)

    main = threading.get_ident()
    with Hotswap.open() as hotswap, ThreadPoolExecutor(1) as pool:
        hotswap.search("warm")
        cloud.awake = Hold()
        interrupting = pool.submit(interrupt)
        with pytest.raises(KeyboardInterrupt):
            hotswap.search("green")
        interrupting.result(10)
        reached(lambda: cloud.under_way == 0, "it is ended", 2.0)  # its own deadline is 5 s


def test_opening_can_be_interrupted(world):
    world.log.reachable.clear()
    main = threading.get_ident()

    def interrupt() -> None:
        reached(lambda: world.log.users > 0, "it is opening")
        signal.pthread_kill(main, signal.SIGINT)

    with ThreadPoolExecutor(1) as pool:
        interrupting = pool.submit(interrupt)
        with pytest.raises(KeyboardInterrupt):
            Hotswap.open()
        interrupting.result(10)
    assert threads() == set()


@pytest.mark.parametrize("place", ["start", "get_loop"])
def test_opening_can_be_interrupted_before_the_thread_is_known(monkeypatch, place):
    """The interruption comes right behind the call that names the place."""
    began = threading.Thread.start

    def start(thread: threading.Thread) -> None:
        began(thread)
        if thread.name == "hotswap":
            raise KeyboardInterrupt

    class Interrupted(Future[asyncio.Task[None]]):
        def result(self, timeout: float | None = None) -> asyncio.Task[None]:
            found = super().result(timeout)
            if timeout is None:
                raise KeyboardInterrupt
            return found

    if place == "start":
        monkeypatch.setattr(threading.Thread, "start", start)
    else:
        monkeypatch.setattr("streams.client.background.Future", Interrupted)
    with pytest.raises(KeyboardInterrupt):
        Background(Manager())
    assert threads() == set()


def test_one_that_is_dropped_unclosed_warns_and_ends(world):
    del world
    only = [Hotswap.open()]
    with pytest.warns(ResourceWarning, match="was not closed"):
        only.clear()
    reached(lambda: threads() == set(), "its thread is gone")


LEAVING = """\
from contextlib import asynccontextmanager
from streams.client.background import Background

@asynccontextmanager
async def manager():
    yield "held"

async def call(held):
    return held

background = Background(manager())
print(background.run(call))
"""


def test_a_program_that_forgets_to_close_ends_all_the_same():
    done = subprocess.run(  # noqa: S603 - our own interpreter and text
        [sys.executable, "-c", LEAVING], check=False, capture_output=True, text=True, timeout=30
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "held\n", "")


class Manager:
    """Notes the threads that enter and leave it."""

    def __init__(self, leaving: Exception | None = None) -> None:
        self.seen: list[int] = []
        self.leaving = leaving

    async def __aenter__(self) -> str:
        self.seen.append(threading.get_ident())
        return "held"

    async def __aexit__(self, *_exception: object) -> None:
        self.seen.append(threading.get_ident())
        if self.leaving is not None:
            raise self.leaving


def test_a_background_enters_and_leaves_in_one_thread_that_is_not_this_one():
    manager = Manager()
    background = Background(manager)
    assert background.held == "held"
    background.close()
    entered, left = manager.seen
    assert entered == left != threading.get_ident()


def test_what_leaving_raises_reaches_whoever_closes():
    background = Background(Manager(ConfigurationError("x", "is wrong")))
    with pytest.raises(ConfigurationError, match="x: is wrong"):
        background.close()
    assert threads() == set()
