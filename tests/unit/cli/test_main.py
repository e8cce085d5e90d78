"""How the command line starts, ends, and says what went wrong."""

import asyncio
import json
import os
import signal
import subprocess
import sys

import pytest

from streams.cli.exits import Exit, exit_for
from streams.errors import (
    ConfigurationError,
    DriftError,
    HotswapError,
    InputRefused,
    LaneHalted,
    OwnershipLost,
    TransientError,
)

HEAVY = {"faust", "pymilvus", "openai", "ollama", "aiokafka", "httpx", "numpy", "pydantic"}


def raising(error: BaseException):
    def fail(*_arguments: object, **_options: object) -> None:
        raise error

    return fail


def test_the_help_names_every_command_and_every_exit_status(hotswap):
    shown = hotswap("--help")
    assert shown.status == Exit.OK
    for command in (
        "stack",
        "init",
        "up",
        "worker",
        "status",
        "stage",
        "ramp",
        "rollback",
        "reopen",
        "flag",
        "pause",
        "resume",
        "throttle",
        "history",
        "verify",
        "search",
        "dead-letters",
        "config",
    ):
        assert f" {command} " in shown.out
    for status in Exit:
        assert f"{status} " in shown.out


def test_the_help_loads_no_library_that_it_does_not_use():
    script = (
        "import sys, json\n"
        "from streams.cli.main import app\n"
        "try:\n    app(['--help'])\n"
        "except SystemExit:\n    pass\n"
        "loaded = sorted(name for name in sys.modules if '.' not in name)\n"
        "print(json.dumps(loaded), file=sys.stderr)"
    )
    done = subprocess.run(  # noqa: S603 (a script of this test)
        [sys.executable, "-c", script],
        capture_output=True,
        check=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
    )
    assert not HEAVY & set(json.loads(done.stderr))


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (ConfigurationError("kafka.bootstrap", "is wrong"), Exit.USAGE),
        (TransientError("Kafka is away"), Exit.UNREACHABLE),
        (DriftError("topic documents", {"partitions": (12, 6)}), Exit.FAILED),
        (LaneHalted("no quota"), Exit.FAILED),
        (InputRefused("too long"), Exit.FAILED),
        (OwnershipLost("gone"), Exit.FAILED),
        (HotswapError("other"), Exit.FAILED),
    ],
)
def test_an_error_is_one_message_on_standard_error_and_a_status(
    hotswap, monkeypatch, error, status
):
    assert exit_for(error) is status
    monkeypatch.setattr("streams.config.load.load", raising(error))
    ended = hotswap("config", "show")
    assert ended.status == status
    assert ended.out == ""
    assert str(error) in ended.err
    assert "Traceback" not in ended.err


def test_with_verbose_an_error_shows_where_it_came_from(hotswap, monkeypatch):
    error = TransientError("Kafka is away")
    error.__cause__ = OSError("refused")
    monkeypatch.setattr("streams.config.load.load", raising(error))
    ended = hotswap("--verbose", "config", "show")
    assert "Traceback" in ended.err
    assert "OSError: refused" in ended.err


def test_a_defect_keeps_its_traceback(hotswap, monkeypatch):
    monkeypatch.setattr("streams.config.load.load", raising(ZeroDivisionError("defect")))
    with pytest.raises(ZeroDivisionError):
        hotswap("config", "show")


def test_ctrl_c_ends_a_command_with_its_own_status_and_no_traceback(hotswap, monkeypatch):
    async def interrupted(*_arguments: object, **_options: object) -> None:
        os.kill(os.getpid(), signal.SIGINT)
        await asyncio.Event().wait()

    monkeypatch.setattr("streams.cli.search._search", interrupted)
    ended = hotswap("search", "x", "--lane", "ollama")
    assert ended.status == Exit.INTERRUPTED
    assert ended.err == "interrupted\n"


@pytest.mark.parametrize(
    "arguments",
    [
        ["nonsense"],
        ["search"],
        ["search", "x", "--lane"],
        ["init", "--nonsense"],
        ["worker", "sing"],
    ],
)
def test_wrong_usage_has_the_status_of_wrong_usage(hotswap, arguments):
    ended = hotswap(*arguments)
    assert ended.status == Exit.USAGE
    assert ended.out == ""


def test_a_misspelt_command_is_answered_with_the_nearest(hotswap):
    assert "search" in hotswap("serch").err


def test_the_version_is_printed_alone(hotswap):
    assert hotswap("--version").out.startswith("hotswap ")


def test_another_configuration_can_be_named(hotswap, tmp_path):
    ended = hotswap("--config", str(tmp_path / "absent.toml"), "config", "check")
    assert ended.status == Exit.USAGE
    assert "absent.toml" in ended.err


def test_ctrl_c_while_it_is_being_loaded_leaves_no_trace(tmp_path):
    (tmp_path / "sitecustomize.py").write_text(
        "import sys\n"
        "class Interrupts:\n"
        "    def find_spec(self, name, path=None, target=None):\n"
        "        if name == 'streams.cli.main':\n"
        "            raise KeyboardInterrupt\n"
        "sys.meta_path.insert(0, Interrupts())\n",
        encoding="utf-8",
    )
    places = os.pathsep.join([str(tmp_path), *filter(None, sys.path)])
    done = subprocess.run(
        [sys.executable, "-m", "streams.cli", "--version"],
        capture_output=True,
        check=False,
        env={**os.environ, "PYTHONPATH": places},
    )
    assert (done.returncode, done.stdout, done.stderr) == (130, b"", b"")


def test_without_its_packages_stack_says_how_to_get_them(hotswap, monkeypatch):
    monkeypatch.setattr("streams.cli.lazy.find_spec", lambda _package: None)
    ended = hotswap("stack", "status")
    assert ended.status == Exit.USAGE
    assert "pip install 'hotswap[stack]'" in ended.err


def test_python_dash_m_is_the_same_command():
    done = subprocess.run(
        [sys.executable, "-m", "streams.cli", "config", "reference"],
        capture_output=True,
        check=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
    )
    assert done.stdout.startswith(b"# Configuration")


@pytest.mark.parametrize(
    ("command", "extra"),
    [(("demo",), "demo"), (("stack", "up"), "stack"), (("bench", "all"), "stack")],
)
def test_what_needs_the_stack_says_how_to_install_it(monkeypatch, hotswap, command, extra):
    monkeypatch.setattr("streams.cli.lazy.find_spec", lambda _package: None)
    ended = hotswap(*command)
    assert ended.status == 2
    assert f"pip install 'hotswap[{extra}]'" in ended.err
