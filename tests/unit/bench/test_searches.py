"""Which searches are made, by whom, and what a failure does to them."""

import asyncio
import itertools
import threading

import pytest

from streams.bench.searches import in_threads, in_turn, new_texts
from streams.errors import TransientError


class Caller:
    """Notes what it is asked for, in a journal that callers may share."""

    def __init__(self, name: str, journal: list[tuple[str, str]]) -> None:
        self.name = name
        self.journal = journal
        self.closed = False

    def search(self, text: str) -> None:
        if text == "bad":
            raise TransientError("the answer was not whole")
        self.journal.append((self.name, text))

    def close(self) -> None:
        self.closed = True


class Progress:
    def __init__(self) -> None:
        self.done = 0

    def begin(self, what: str, total: int) -> None:
        raise AssertionError(f"{what} ({total}) begins elsewhere")

    def advance(self, count: int) -> None:
        self.done += count


def test_no_query_comes_twice_so_that_none_is_answered_from_those_that_are_kept():
    texts = list(itertools.islice(new_texts(), 5_000))
    assert len(set(texts)) == len(texts)


async def test_each_of_two_goes_first_every_other_time():
    journal: list[tuple[str, str]] = []
    progress = Progress()
    taken = await in_turn(Caller("a", journal), Caller("b", journal), ["1", "2", "3"], progress)
    assert "".join(name + text for name, text in journal) == "b1a1a2b2b3a3"
    assert [len(each) for each in taken] == [3, 3]
    assert all(milliseconds > 0 for each in taken for milliseconds in each)
    assert progress.done == 3


async def test_callers_share_the_texts_and_let_go_of_their_connections():
    journal: list[tuple[str, str]] = []
    callers: list[Caller] = []

    def new() -> Caller:
        callers.append(Caller(str(len(callers)), journal))
        return callers[-1]

    texts = [str(number) for number in range(200)]
    progress = Progress()
    taken = await in_threads(new, texts, 4, progress)
    assert sorted(text for _, text in journal) == sorted(texts)
    assert (len(taken), progress.done) == (200, 200)
    assert len(callers) == 4
    assert all(caller.closed for caller in callers)


async def test_one_bad_answer_ends_the_run_of_all():
    journal: list[tuple[str, str]] = []
    callers: list[Caller] = []

    def new() -> Caller:
        callers.append(Caller("", journal))
        return callers[-1]

    with pytest.raises(TransientError, match="not whole"):
        await in_threads(new, ["1", "bad", *map(str, range(100_000))], 2, Progress())
    assert len(journal) < 100_000
    assert all(caller.closed for caller in callers)


async def test_who_is_cancelled_waits_until_nobody_searches_any_more():
    begun = threading.Event()

    class Endless(Caller):
        def search(self, text: str) -> None:
            begun.set()
            super().search(text)

    caller = Endless("", [])
    running = asyncio.create_task(
        in_threads(lambda: caller, map(str, itertools.count()), 1, Progress())
    )
    await asyncio.to_thread(begun.wait, 30)
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert caller.closed
