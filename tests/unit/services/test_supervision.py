"""Roles are kept running, and a stop leaves none behind."""

import asyncio
import os
import signal
import sys
from collections.abc import Set as AbstractSet
from contextlib import suppress
from pathlib import Path

import pytest

from streams.errors import TransientError
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


UNDER_A_SUPERVISOR = """
import asyncio, sys
from streams.services.supervision import Child, supervise
child = Child("role", [sys.executable, "-u", "-c", sys.argv[1]])
asyncio.run(supervise([child], lambda *line: print(*line, flush=True), asyncio.Event()))
"""
HOLDS_ON = """
import pathlib, os, signal, sys, time
from streams.services.lifeline import hold_on
def drain(*_):
    pathlib.Path("drained").touch()
    sys.exit()
signal.signal(signal.SIGTERM, drain)
hold_on()
print("is", os.getpid())
while True:
    time.sleep(1)
"""


async def test_a_role_ends_in_good_order_when_its_supervisor_is_killed(tmp_path):
    supervisor = await asyncio.create_subprocess_exec(
        *python(UNDER_A_SUPERVISOR), HOLDS_ON, cwd=tmp_path, stdout=asyncio.subprocess.PIPE
    )
    assert supervisor.stdout is not None
    pid = 0
    while not pid:
        line = await asyncio.wait_for(supervisor.stdout.readline(), 30)
        assert line, "the supervisor has ended"
        pid = int(line.removeprefix(b"role is ")) if line.startswith(b"role is ") else 0
    supervisor.kill()
    await supervisor.wait()
    try:
        await until(lambda: not Path(f"/proc/{pid}").exists(), "the role has ended")
    finally:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    assert (tmp_path / "drained").exists()


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


class Changing:
    """A roster that a test changes."""

    def __init__(self, *children: Child) -> None:
        self.wanted = list(children)
        self.late: list[Child] | None = None
        self.confirmed = 0
        self._moved = asyncio.Event()

    def set(self, *children: Child) -> None:
        self.wanted = list(children)
        self._moved.set()

    def children(self) -> list[Child]:
        return self.wanted

    async def differs(self, roles: AbstractSet[str]) -> None:
        while {child.role for child in self.wanted} == roles:
            await self._moved.wait()
            self._moved.clear()

    async def confirm(self) -> None:
        self.confirmed += 1
        if self.late is not None:
            self.wanted = self.late


UP = "print('up'); import time; time.sleep(600)"


async def test_who_comes_on_the_roster_is_started_and_who_leaves_it_is_ended():
    lines: list[tuple[str, str]] = []
    stop = asyncio.Event()
    stays, leaves, comes = (Child(name, python(UP)) for name in ("stays", "leaves", "comes"))
    roster = Changing(stays, leaves)
    task = asyncio.create_task(supervise(roster, lambda *line: lines.append(line), stop))
    await until(lambda: {("stays", "up"), ("leaves", "up")} <= set(lines), "both are up")
    roster.set(stays, comes)
    await until(lambda: ("comes", "up") in lines, "the new one is up")
    assert lines.count(("stays", "up")) == 1
    stop.set()
    assert await asyncio.wait_for(task, 30) == 0
    assert lines.count(("leaves", "up")) == 1
    assert not any("starting again" in line for _, line in lines)


async def test_who_ends_in_good_order_and_is_wanted_no_more_is_not_started_again():
    lines: list[tuple[str, str]] = []
    stop = asyncio.Event()
    stays = Child("stays", python(UP))
    roster = Changing(stays, Child("dropped", python("print('done')")))
    roster.late = [stays]  # heard of only when somebody asks
    task = asyncio.create_task(supervise(roster, lambda *line: lines.append(line), stop))
    await until(lambda: ("stays", "up") in lines and roster.wanted == [stays], "it is known")
    stop.set()
    await asyncio.wait_for(task, 30)
    assert lines.count(("dropped", "done")) == roster.confirmed == 1
    assert not any("starting again" in line for _, line in lines)


async def test_a_roster_that_fails_ends_all_children():
    class Failing(Changing):
        async def differs(self, roles: AbstractSet[str]) -> None:
            await super().differs(roles)
            raise TransientError("no roster")

    lines: list[tuple[str, str]] = []
    roster = Failing(Child("a", python(UP)))
    task = asyncio.create_task(supervise(roster, lambda *line: lines.append(line), asyncio.Event()))
    await until(lambda: ("a", "up") in lines, "it is up")
    roster.set()
    with pytest.raises(TransientError, match="no roster"):
        await asyncio.wait_for(task, 30)
