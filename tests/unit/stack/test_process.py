"""Processes are found again, told apart from strangers, and ended with all their children."""

import os
import shutil
import signal
import sys
import time
from collections.abc import Callable

import pytest

from streams.stack import process

SLEEP = "import time; time.sleep(600)"


def until(condition: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < deadline, f"waited in vain until {what}"
        time.sleep(0.02)


@pytest.fixture
def spawn(tmp_path):
    started = []

    def run(code: str):
        identity = process.spawn(
            [sys.executable, "-c", code],
            env=dict(os.environ),
            cwd=tmp_path,
            log=tmp_path / "log",
            owner=str(tmp_path),
        )
        started.append(identity)
        return identity

    yield run
    for identity in started:
        process.kill(identity)


def with_child(tmp_path, *, own_session: bool) -> str:
    return (
        "import subprocess, sys, time;"
        f"child = subprocess.Popen([sys.executable, '-c', {SLEEP!r}],"
        f" start_new_session={own_session});"
        f"open({str(tmp_path / 'child')!r}, 'w').write(str(child.pid));"
        "time.sleep(600)"
    )


def child_of(tmp_path) -> int:
    file = tmp_path / "child"
    until(lambda: file.exists() and bool(file.read_text()), "the child is known")
    return int(file.read_text())


def test_output_of_both_streams_is_appended_to_the_log(spawn, tmp_path):
    (tmp_path / "log").write_text("before\n")
    identity = spawn("import sys; print('out', flush=True); print('err', file=sys.stderr)")
    until(lambda: not process.alive(identity), "it ended")
    assert (tmp_path / "log").read_text() == "before\nout\nerr\n"


def test_a_child_that_ended_is_not_alive_although_nobody_waited_for_it(spawn):
    identity = spawn("pass")
    until(lambda: not process.alive(identity), "it ended")
    assert process.tree(identity) == {}


def test_a_stranger_with_a_recycled_pid_is_neither_alive_nor_touched(spawn):
    stranger = spawn(SLEEP)
    ours_once = stranger.model_copy(update={"started": stranger.started - 1})
    assert not process.alive(ours_once)
    process.kill(ours_once.model_copy(update={"owner": "somebody else"}))
    assert process.end(ours_once.model_copy(update={"owner": "somebody else"}), signal.SIGTERM, 1)
    assert process.alive(stranger)


def test_a_process_of_another_boot_is_not_touched(spawn):
    stranger = spawn(SLEEP)
    of_last_boot = stranger.model_copy(update={"boot": "0"})
    assert not process.alive(of_last_boot)
    process.kill(of_last_boot)
    assert process.alive(stranger)


@pytest.mark.parametrize("own_session", [False, True])
def test_kill_takes_children_along_also_those_with_sessions_of_their_own(
    spawn, tmp_path, own_session
):
    identity = spawn(with_child(tmp_path, own_session=own_session))
    child = process.identify(child_of(tmp_path))
    assert child is not None
    process.kill(identity)
    assert not process.alive(identity)
    assert not process.alive(child)


def test_children_are_ended_when_their_parent_is_gone_already(spawn, tmp_path):
    identity = spawn(with_child(tmp_path, own_session=False))
    child = process.identify(child_of(tmp_path))
    assert child is not None
    os.kill(identity.pid, signal.SIGKILL)
    until(lambda: not process.alive(identity), "the parent is gone")
    assert process.alive(child)
    process.end(identity, signal.SIGTERM, 1)
    assert not process.alive(child)


def test_a_process_that_listens_to_its_signal_is_not_killed(spawn, tmp_path):
    identity = spawn(
        "import signal, sys, time, pathlib;"
        "signal.signal(signal.SIGTERM, lambda *_: sys.exit(0));"
        f"pathlib.Path({str(tmp_path / 'ready')!r}).touch();"
        "time.sleep(600)"
    )
    until((tmp_path / "ready").exists, "it listens")
    assert process.end(identity, signal.SIGTERM, 20)
    assert not process.alive(identity)


def test_a_process_that_ignores_its_signal_is_killed_after_the_deadline(spawn, tmp_path):
    identity = spawn(
        "import signal, time, pathlib;"
        "signal.signal(signal.SIGTERM, signal.SIG_IGN);"
        f"pathlib.Path({str(tmp_path / 'ready')!r}).touch();"
        "time.sleep(600)"
    )
    until((tmp_path / "ready").exists, "it ignores")
    assert not process.end(identity, signal.SIGTERM, 0.1)
    assert not process.alive(identity)


def test_a_frozen_process_still_ends_when_asked(spawn):
    identity = spawn(SLEEP)
    process.send(process.tree(identity), signal.SIGSTOP)
    assert process.alive(identity)
    assert process.end(identity, signal.SIGTERM, 20)
    assert not process.alive(identity)


def test_what_an_owner_started_is_found_without_any_note_of_it(spawn, tmp_path):
    identity = spawn(SLEEP)
    until(lambda: identity.pid in process.owned(str(tmp_path)), "it carries its owner's name")
    assert process.owned(str(tmp_path)) == {identity.pid: identity.started}
    assert process.owned(str(tmp_path / "other")) == {}


def test_a_name_with_parentheses_and_spaces_is_no_obstacle(tmp_path):
    program = tmp_path / ") S 1 (x"
    program.symlink_to(shutil.which("sleep") or "")
    identity = process.spawn(
        [str(program), "600"],
        env=dict(os.environ),
        cwd=tmp_path,
        log=tmp_path / "log",
        owner=str(tmp_path),
    )
    assert process.alive(identity)
    process.kill(identity)
    assert not process.alive(identity)
