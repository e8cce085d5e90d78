"""A stack starts and ends its parts in order, keeps what runs, and leaves nothing behind."""

import socket
import sys
from pathlib import Path

import pytest

from streams.stack import PartEvent, StackError
from streams.stack.home import Home
from tests.unit.stack.fake_parts import Fake, left, pids, state, until

pytestmark = pytest.mark.slow


def test_parts_start_after_those_they_need_and_the_others_at_once(make):
    events: list[PartEvent] = []
    stack = make(Fake("a"), Fake("b", needs=("a",)), Fake("c"))
    stack.up(on_event=events.append)
    assert state(stack) == {"a": "running", "b": "running", "c": "running"}
    order = [(event.part, event.phase) for event in events]
    assert order.index(("a", "ready")) < order.index(("b", "starting"))
    assert order.index(("c", "starting")) < order.index(("a", "ready"))
    assert PartEvent("a", "ready", "a fake a") in events


def test_what_is_needed_is_started_too_and_the_rest_is_not(make):
    stack = make(Fake("a"), Fake("b", needs=("a",)), Fake("c"))
    stack.up(["b"])
    assert state(stack) == {"a": "running", "b": "running", "c": "stopped"}


def test_up_again_keeps_what_runs_and_starts_what_does_not(make):
    stack = make(Fake("a"), Fake("b"))
    stack.up()
    before = pids(stack)
    stack.kill("b")
    events: list[PartEvent] = []
    stack.up(on_event=events.append)
    after = pids(stack)
    assert after["a"] == before["a"]
    assert after["b"] not in (None, before["b"])
    assert [event.phase for event in events if event.part == "a"] == ["kept"]


def test_another_object_on_the_same_home_finds_the_parts_again(make):
    first = make(Fake("a"))
    first.up()
    second = make(Fake("a"))
    assert pids(second) == pids(first)
    second.down()
    assert state(first) == {"a": "stopped"}


def test_a_part_comes_back_at_its_port(make):
    stack = make(Fake("a"))
    stack.up()
    (before,) = stack.status().parts
    stack.kill("a")
    assert state(stack) == {"a": "stopped"}
    stack.start("a")
    (after,) = stack.status().parts
    assert after.port == before.port
    assert after.pid != before.pid


def test_down_ends_everything_in_reverse_order(make):
    events: list[PartEvent] = []
    stack = make(Fake("a"), Fake("b", needs=("a",)))
    stack.up()
    stack.down(on_event=events.append)
    assert [event.part for event in events] == ["b", "a"]
    assert left(stack) == {}


def test_down_of_a_stack_that_never_was_does_nothing(make):
    stack = make(Fake("a"))
    stack.down()
    assert not stack.home.exists()


def test_a_part_that_ends_while_starting_is_an_error_with_its_last_words(make):
    code = "import sys; print('old'); sys.exit('the disk is full')"
    stack = make(Fake("a", code=code), Fake("b"))
    with pytest.raises(StackError) as raised:
        stack.up()
    assert "a: ended while starting" in str(raised.value)
    assert "the disk is full" in str(raised.value)
    assert str(stack.log("a")) in str(raised.value)
    assert left(stack) == {}


def test_the_last_words_are_those_of_this_start(make):
    make(Fake("a", code="import sys; sys.exit('first failure')"))
    with pytest.raises(StackError, match="first failure"):
        make(Fake("a", code="import sys; sys.exit('first failure')")).up()
    with pytest.raises(StackError, match="second failure") as raised:
        make(Fake("a", code="import sys; sys.exit('second failure')")).up()
    assert "first failure" not in str(raised.value)


def test_a_part_that_is_never_ready_is_an_error_that_says_what_is_missing(make):
    stack = make(Fake("a", code="import time; time.sleep(600)", deadline=0.3))
    with pytest.raises(StackError, match="not ready after 0 s: no file yet"):
        stack.up()
    assert left(stack) == {}


def test_a_failure_ends_only_what_this_call_started(make):
    make(Fake("a")).up()
    events: list[PartEvent] = []
    stack = make(Fake("a"), Fake("b"), Fake("c", needs=("b",), code="raise SystemExit(3)"))
    with pytest.raises(StackError, match="c: ended while starting"):
        stack.up(on_event=events.append)
    assert state(stack) == {"a": "running", "b": "stopped", "c": "stopped"}
    assert [event.part for event in events if event.phase == "failed"] == ["c"]


def test_a_failed_download_starts_nothing_that_needs_it(make):
    stack = make(Fake("a", fetch_error="no network"), Fake("b", needs=("a",)))
    with pytest.raises(StackError, match="a: no network"):
        stack.up()
    assert left(stack) == {}


def test_a_program_that_does_not_exist_is_an_error(make, monkeypatch):
    stack = make(Fake("a"))
    monkeypatch.setattr(sys, "executable", "/does/not/exist")
    with pytest.raises(StackError, match="a: can not be executed"):
        stack.up()


def test_a_first_time_step_runs_once(make):
    step = "import pathlib; pathlib.Path('made').mkdir(); print('making')"
    stack = make(Fake("a", steps=(step,)))
    stack.up()
    stack.stop("a")
    stack.start("a")
    assert stack.log("a").read_text().count("making\n") == 1


def test_a_first_time_step_that_broke_off_is_done_again_from_scratch(make):
    half = "import pathlib; pathlib.Path('made').mkdir(); raise SystemExit('broke off')"
    with pytest.raises(StackError, match=r"a: could not be set up \(exit status 1\)") as raised:
        make(Fake("a", steps=(half,))).up()
    assert "broke off" in str(raised.value)
    whole = "import pathlib; pathlib.Path('made').mkdir()"
    stack = make(Fake("a", steps=(whole,)))
    stack.up()
    assert state(stack) == {"a": "running"}


def test_files_are_written_anew_at_each_start(make):
    stack = make(Fake("a"))
    stack.up()
    file = stack.home / "etc" / "a" / "conf"
    written = file.read_text()
    file.write_text("spoilt")
    stack.stop("a")
    stack.start("a")
    assert file.read_text() == written != "spoilt"


def test_a_part_that_somebody_else_runs_is_used_and_never_ended(make):
    stack = make(Fake("a", external=True))
    stack.up()
    (part,) = stack.status().parts
    assert (part.state, part.pid, part.detail) == ("running", None, "runs elsewhere")
    stack.stop("a")
    with pytest.raises(StackError, match="not as a process of ours"):
        stack.kill("a")


def test_an_unknown_part_is_an_error_that_names_the_known(make):
    stack = make(Fake("a"), Fake("b"))
    with pytest.raises(StackError, match="no part 'c'; there are a, b"):
        stack.up(["c"])
    with pytest.raises(StackError, match="no part 'c'"):
        stack.log("c")


def test_a_frozen_part_stands_still_until_it_is_thawed(make):
    counting = (
        "import pathlib, time\n"
        "pathlib.Path('ready').touch()\n"
        "for number in range(10**9):\n"
        "    pathlib.Path('count').write_text(str(number)); time.sleep(0.01)\n"
    )
    stack = make(Fake("a", code=counting))
    stack.up()
    pid = pids(stack)["a"]
    stack.freeze("a")
    until(lambda: "\nState:\tT" in Path(f"/proc/{pid}/status").read_text(), "it is stopped")
    assert state(stack) == {"a": "running"}
    file = stack.home / "data" / "a" / "count"
    frozen_at = file.read_text()
    stack.thaw("a")
    until(lambda: file.read_text() not in ("", frozen_at), "it counts on")


def test_a_taken_port_is_replaced(make):
    stack = make(Fake("a"))
    home = Home(stack.home)
    with socket.create_server(("127.0.0.1", home.port("a"))) as server:
        events: list[PartEvent] = []
        stack.up(on_event=events.append)
        (part,) = stack.status().parts
        assert part.port != server.getsockname()[1]
        assert [event for event in events if "is taken" in event.message]
