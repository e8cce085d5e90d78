"""Roles are kept running, and a stop leaves none behind."""

import asyncio
import sys

from streams.services.supervision import Child, supervise
from tests.waiting import until


def python(code: str) -> tuple[str, ...]:
    return (sys.executable, "-u", "-c", code)


async def run(*children: Child) -> tuple[list[tuple[str, str]], asyncio.Event, asyncio.Task[int]]:
    lines: list[tuple[str, str]] = []
    stop = asyncio.Event()

    def note(role: str, line: str) -> None:
        lines.append((role, line))

    return lines, stop, asyncio.create_task(supervise(children, note, stop))


async def test_a_role_that_ends_is_started_again():
    lines, stop, task = await run(Child("a", python("print('hello'); raise SystemExit(3)")))
    await until(lambda: lines.count(("a", "hello")) >= 2, "it has run twice")
    assert any("ended with status 3" in line for _, line in lines)
    stop.set()
    await asyncio.wait_for(task, 30)


async def test_a_role_that_fails_does_not_hold_up_another():
    lines, stop, task = await run(
        Child("bad", python("raise SystemExit(1)")),
        Child("good", python("print('up'); import time; time.sleep(600)")),
    )
    await until(lambda: ("good", "up") in lines, "the good one is up")
    stop.set()
    await asyncio.wait_for(task, 30)


async def test_a_role_with_a_wrong_configuration_is_not_started_over_and_over():
    lines, _, task = await run(Child("a", python("print('no'); raise SystemExit(2)")))
    assert await asyncio.wait_for(task, 30) == 2
    assert lines.count(("a", "no")) == 1


async def test_a_stop_lets_a_role_finish_what_it_does():
    code = (
        "import signal, sys, time\n"
        "signal.signal(signal.SIGTERM, lambda *_: (print('drained'), sys.exit(0)))\n"
        "print('up')\n"
        "time.sleep(600)"
    )
    lines, stop, task = await run(Child("a", python(code)))
    await until(lambda: ("a", "up") in lines, "it is up")
    stop.set()
    await asyncio.wait_for(task, 30)
    assert ("a", "drained") in lines
