"""The demo types commands that really run, and believes only their exit status."""

import os

import pytest
from rich.console import Console

from streams.demo.screen import Screen
from streams.demo.terminal import DONE, Terminal
from streams.errors import TransientError
from streams.stack.home import Home
from tests.waiting import until


@pytest.fixture
def screen() -> Screen:
    return Screen(Console(record=True, width=80))


@pytest.fixture
def terminal(screen, tmp_path) -> Terminal:
    return Terminal(screen, Home(tmp_path), {"HOTSWAP_CONFIG": str(tmp_path / "hotswap.toml")})


def shown(screen: Screen) -> str:
    return screen._console.export_text()


async def test_a_command_is_shown_and_run(terminal, screen, capfd):
    assert await terminal.run("config", "example") == DONE
    assert "$ hotswap config example" in shown(screen)
    assert "[kafka]" in capfd.readouterr().out


async def test_a_command_that_ends_otherwise_than_expected_ends_the_demo(terminal, capfd):
    with pytest.raises(TransientError, match="`hotswap config check` ended with status 2"):
        await terminal.run("config", "check")
    assert "hotswap.toml" in capfd.readouterr().err
    assert await terminal.run("config", "check", expect=(2,)) == 2


async def test_what_runs_beside_the_demo_is_logged_and_ends_with_its_block(
    terminal, tmp_path, capfd
):
    # Without a Kafka it tries again and again, so it ends only because it is told to.
    (tmp_path / "hotswap.toml").write_text(
        '[kafka]\nbootstrap = "127.0.0.1:9"\n[[sources]]\nname = "a"\ntopic = "cdc.p.a"\n'
        'key = ["id"]\ntext = "{t}"\n[lanes.ollama]\nprovider = "ollama"\n'
        'hosts = ["http://127.0.0.1:9"]\nmodel = "m"\n',
        encoding="utf-8",
    )
    log = Home(tmp_path).log("roles")
    async with terminal.running("roles", "up", "normalise"):
        await until(lambda: "started, process" in log.read_text("utf-8"), "the role runs")
        words = log.read_text("utf-8").split("started, process ", 1)[1].split()
    with pytest.raises(ProcessLookupError):
        os.kill(int(words[0]), 0)
    assert capfd.readouterr().out == "\n$ hotswap up normalise &\n"
