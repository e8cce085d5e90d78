"""`ops/install-ollama.sh` does only what is left to do, with compilers that only pretend."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[3] / "ops" / "install-ollama.sh"
TOOLS = ("sh", "id", "cat", "grep", "mktemp", "rm", "mkdir", "install", "mv", "find", "tar", "cp")


@pytest.fixture
def tools(tmp_path):
    """A PATH with the usual tools, and as compiler and Go what a test puts there."""
    folder = tmp_path / "tools"
    folder.mkdir()
    for tool in TOOLS:
        (folder / tool).symlink_to(shutil.which(tool) or f"/bin/{tool}")
    return folder


def pretend(tools: Path, name: str, body: str) -> None:
    file = tools / name
    file.write_text(f"#!/bin/sh\n{body}\n")
    file.chmod(0o755)


def run(tools: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    home = tools.parent / "home"
    return subprocess.run(  # noqa: S603
        [shutil.which("sh") or "sh", str(SCRIPT), *arguments],
        env={"PATH": str(tools), "HOME": str(home), "TMPDIR": str(tools.parent)},
        capture_output=True,
        text=True,
        check=False,
    )


def test_an_ollama_that_is_there_is_left_alone(tools):
    pretend(tools, "ollama", "exit 1")
    done = run(tools)
    assert done.returncode == 0
    assert done.stdout == f"install-ollama: there is one already: {tools / 'ollama'}\n"


def test_without_go_it_says_so_and_does_nothing(tools):
    done = run(tools)
    assert done.returncode == 1
    assert "go is not installed" in done.stderr
    assert not (tools.parent / "home").exists()


def test_an_argument_that_it_does_not_know_is_refused(tools):
    assert "unknown argument: --fast" in run(tools, "--fast").stderr


def test_headers_that_are_missing_are_named_when_it_can_not_install_them(tools):
    pretend(tools, "go", "exit 0")
    pretend(tools, "c++", "exit 1")
    done = run(tools)
    assert done.returncode == 1
    assert "apt-get install nlohmann-json3-dev libstb-dev" in done.stderr


def test_it_builds_with_what_is_there_and_installs_where_it_should(tools):
    pretend(tools, "c++", "cat > /dev/null")
    pretend(tools, "go", 'mkdir -p "$GOBIN"; printf "%s\\n" "$CGO_CFLAGS" "$*" > "$GOBIN/ollama"')
    done = run(tools)
    assert done.returncode == 0, done.stderr
    installed = tools.parent / "home" / ".local" / "bin" / "ollama"
    flags, command = installed.read_text().splitlines()
    assert os.access(installed, os.X_OK)
    assert command.endswith("github.com/ollama/ollama@v0.17.4")
    assert command.startswith("install ")
    has_avx2 = " avx2 " in Path("/proc/cpuinfo").read_text().replace("\n", " ")
    assert ("-mavx2" in flags) == has_avx2
    assert "header of miniaudio: there" in done.stdout
    assert run(tools).stdout.startswith("install-ollama: there is one already")


def test_a_build_that_fails_installs_nothing_and_shows_why(tools):
    pretend(tools, "c++", "cat > /dev/null")
    pretend(tools, "go", "echo no such module; exit 1")
    pretend(tools, "tail", 'cat "$3"')
    done = run(tools)
    assert done.returncode == 1
    assert "no such module" in done.stderr
    assert not (tools.parent / "home" / ".local").exists()
