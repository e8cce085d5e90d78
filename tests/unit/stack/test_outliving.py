"""What is left of a stack when the process that started it ends, is interrupted or is killed."""

import os
import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from streams.stack.home import Home
from tests.unit.stack.fake_parts import READY, Fake, left, state, until

pytestmark = pytest.mark.slow

STACK_PROGRAM = """
    import os, pathlib, sys, time
    import streams.stack.stack as module
    from tests.unit.stack.fake_parts import Fake
    module.all_parts = lambda fast_compaction: {{
        "a": Fake("a"), "b": Fake("b", needs=("a",), code={code!r}, deadline=60)
    }}
    stack = module.Stack(pathlib.Path(sys.argv[1]), **{options})
    {then}
"""


def run(home: Path, *, code: str = READY, options: str = "{}", then: str) -> subprocess.Popen[str]:
    program = STACK_PROGRAM.format(
        code=code, options=options, then=then, here=str(Path(__file__).parent)
    )
    root = Path(__file__).parents[3]
    return subprocess.Popen(  # noqa: S603
        [sys.executable, "-c", textwrap.dedent(program), str(home)],
        env={**os.environ, "PYTHONPATH": str(root)},
        stdout=subprocess.PIPE,
        text=True,
    )


def test_a_stack_outlives_the_process_that_started_it(make):
    stack = make(Fake("a"), Fake("b"))
    with run(stack.home, then="stack.up()") as child:
        assert child.wait(30) == 0
    assert state(stack) == {"a": "running", "b": "running"}


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_with_a_guard_the_stack_goes_down_with_its_process(make, number):
    stack = make(Fake("a"), Fake("b"))
    then = "stack.up(); print('up', flush=True); time.sleep(600)"
    with run(stack.home, options="{'die_with': os.getpid()}", then=then) as child:
        assert child.stdout is not None
        assert child.stdout.readline() == "up\n"
        assert len(left(stack)) == 3
        child.send_signal(number)
        child.wait(30)
    until(lambda: left(stack) == {}, "nothing is left, not even the guard")


def test_a_guard_also_ends_a_stack_that_was_killed_while_starting(make):
    stack = make(Fake("a"), Fake("b"))
    never = "import time; time.sleep(600)"
    with run(
        stack.home, code=never, options="{'die_with': os.getpid()}", then="stack.up()"
    ) as child:
        until(lambda: len(left(stack)) == 3, "both parts and the guard run")
        child.kill()
        child.wait(30)
    until(lambda: left(stack) == {}, "nothing is left")


def test_an_interrupted_start_ends_what_it_started(make):
    stack = make(Fake("a"), Fake("b"))
    never = "import time; time.sleep(600)"
    with run(stack.home, code=never, then="stack.up()") as child:
        until(lambda: len(left(stack)) == 2, "both parts run")
        child.send_signal(signal.SIGINT)
        assert child.wait(30) != 0
    assert left(stack) == {}
    assert state(stack) == {"a": "stopped", "b": "stopped"}


def test_down_also_ends_what_nobody_took_note_of(make):
    stack = make(Fake("a"))
    stack.up()
    with Home(stack.home).change() as remembered:
        remembered.processes.clear()
    assert left(stack)
    stack.down()
    assert left(stack) == {}


def test_down_works_although_the_folder_is_gone(make, tmp_path):
    stack = make(Fake("a"))
    stack.up()
    stack.home.rename(tmp_path / "elsewhere")
    stack.down()
    assert left(stack) == {}


def test_the_guard_goes_when_the_stack_goes(make):
    stack = make(Fake("a"), die_with=os.getpid())
    stack.up()
    assert len(left(stack)) == 2
    stack.up()
    assert len(left(stack)) == 2
    stack.down()
    assert left(stack) == {}
