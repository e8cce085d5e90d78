"""A worker that has work and does none ends itself; an idle or a stalled one does not."""

import threading

from schemas import WorkerState
from streams.agents.progress import Progress
from streams.agents.watchdog import EXIT_STUCK, Watchdog


def watch(unfinished: int, **kwargs) -> tuple[Watchdog, Progress, list[int], threading.Event]:
    progress = Progress("w", "normalise", dict)
    statuses: list[int] = []
    ended = threading.Event()

    def end(status: int) -> None:
        statuses.append(status)
        ended.set()

    dog = Watchdog(progress, lambda: unfinished, end=end, stuck_after_seconds=0.05, **kwargs)
    return dog, progress, statuses, ended


def test_an_agent_that_died_quietly_ends_the_process_so_that_its_records_come_again():
    dog, _, statuses, ended = watch(unfinished=3)
    dog.start()
    assert ended.wait(10)
    dog.stop()
    assert statuses == [EXIT_STUCK]


def test_an_idle_worker_is_not_stuck_however_long_nothing_moves():
    dog, progress, _, ended = watch(unfinished=0)
    assert not dog.is_stuck()
    assert not ended.wait(0.2)
    assert progress.silence() > 0.05
    assert not dog.is_stuck()


def test_a_worker_that_says_why_it_waits_is_not_stuck():
    dog, progress, _, ended = watch(unfinished=3)
    assert not ended.wait(0.1)
    assert dog.is_stuck()
    progress.set(WorkerState.STALLED, "Milvus is away")
    assert not dog.is_stuck()
