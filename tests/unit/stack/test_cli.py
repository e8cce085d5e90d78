"""`hotswap stack` prints what people and programs need, and fails with one clear message."""

import json
import os
import signal
import subprocess
import sys
import time

import pytest
from typer.testing import CliRunner

from streams.cli.main import app
from streams.stack import PARTS, Stack

pytestmark = pytest.mark.slow


@pytest.fixture
def home(tmp_path):
    yield tmp_path / "home"
    Stack(tmp_path / "home").down()


@pytest.fixture
def run(home):
    """Run `hotswap stack` in-process; the two stand-ins are light enough for that."""
    runner = CliRunner()

    def invoke(*arguments: str):
        return runner.invoke(app, ["stack", *arguments], env={"HOTSWAP_HOME": str(home)})

    return invoke


def test_up_status_logs_and_down_of_a_part(run, home):
    started = run("up", "cloud", "--json")
    assert started.exit_code == 0, started.stderr
    status = json.loads(started.stdout)
    assert {part["part"]: part["state"] for part in status["parts"]} == {
        part: "running" if part == "cloud" else "stopped" for part in PARTS
    }
    assert status["endpoints"]["cloud_url"].startswith("http://127.0.0.1:")
    assert status["endpoints"]["log_dir"] == str(home / "logs")
    assert "ready" in started.stderr

    again = run("up", "cloud")
    assert "runs already" in again.stderr
    assert status["endpoints"]["cloud_url"] in again.stdout
    assert status["endpoints"]["cloud_api_key"] not in again.stdout

    assert json.loads(run("status", "--json").stdout)["parts"] == status["parts"]
    logged = run("logs", "cloud", "-n", "1")
    assert "Uvicorn running on" in logged.stdout
    assert len(logged.stdout.splitlines()) == 1
    every = run("logs")
    assert every.stdout.startswith("cloud ")

    ended = run("down")
    assert ended.exit_code == 0
    assert "stopping" in ended.stderr
    assert "running" not in run("status").stdout


@pytest.mark.parametrize("command", ["status", "down", "logs"])
def test_where_there_is_no_stack_that_is_the_message(run, home, command):
    result = run(command)
    assert result.exit_code == 1
    assert result.stderr == (
        f"error: stack: there is none in {home}; to start one: hotswap stack up\n"
    )
    assert not home.exists()


@pytest.mark.parametrize(
    "arguments", [("up", "kafak"), ("logs", "kafak"), ("status", "--jsno"), ("fly",)]
)
def test_wrong_usage_ends_with_status_2(run, arguments):
    assert run(*arguments).exit_code == 2


def test_a_part_that_can_not_start_is_one_message_with_its_log(run, monkeypatch):
    monkeypatch.setenv("HOTSWAP_OLLAMA", "/does/not/exist")
    result = run("up", "ollama")
    assert result.exit_code == 1
    assert "error: ollama: HOTSWAP_OLLAMA names /does/not/exist" in result.stderr
    assert "Traceback" not in result.stderr


def test_follow_goes_on_with_what_is_added_and_stops_at_ctrl_c(home):
    log = home / "logs" / "cloud.log"
    log.parent.mkdir(parents=True)
    (home / "state.json").write_text("{}")
    log.write_text("old\nlast\n")
    command = [sys.executable, "-m", "streams.cli", "stack", "logs", "cloud", "-f", "-n", "1"]
    with subprocess.Popen(  # noqa: S603
        [*command, "--home", str(home)], stdout=subprocess.PIPE, text=True
    ) as child:
        assert child.stdout is not None
        assert child.stdout.readline() == "last\n"
        with log.open("a") as file:
            file.write("half ")
            file.flush()
            file.write("a line\nand more")
        assert child.stdout.readline() == "half a line\n"
        child.send_signal(signal.SIGINT)
        assert child.wait(20) == 130


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_up_leaves_no_process(home, number):
    command = [sys.executable, "-m", "streams.cli", "stack", "up", "cloud", "ollama"]
    with subprocess.Popen(  # noqa: S603
        [*command, "--home", str(home)],
        env={**os.environ, "HOTSWAP_OLLAMA": ""},
        stderr=subprocess.PIPE,
        text=True,
    ) as child:
        assert child.stderr is not None
        assert "starting" in child.stderr.readline()
        deadline = time.monotonic() + 30
        while not any(part.pid for part in Stack(home).status().parts):
            assert time.monotonic() < deadline
            time.sleep(0.01)
        child.send_signal(number)
        while "stopping" not in child.stderr.readline():
            assert time.monotonic() < deadline
        # A second time, while it is cleaning up.
        child.send_signal(number)
        assert child.wait(30) == 130
        assert "interrupted" in child.stderr.read()
    assert {part.state for part in Stack(home).status().parts} == {"stopped"}
