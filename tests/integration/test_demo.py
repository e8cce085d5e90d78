"""`hotswap demo`, as `make demo` runs it: a whole migration, or one that is interrupted."""

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from streams.stack.process import owned
from tests.waiting import until

pytestmark = [pytest.mark.stack, pytest.mark.timeout(900)]

FEW = "120"


@contextmanager
def demo(home: Path, log: Path) -> Iterator[subprocess.Popen[bytes]]:
    """The demo in a process group of its own, as in a terminal, with its output in `log`."""
    root = str(Path(__file__).parents[2])
    command = [sys.executable, "-m", "streams.cli", "demo", "--home", str(home)]
    with (
        log.open("wb") as output,
        subprocess.Popen(  # noqa: S603 - a fixed command, no shell
            [*command, "--documents", FEW],
            stdout=output,
            stderr=output,
            env={**os.environ, "PYTHONPATH": root, "COLUMNS": "120"},
            process_group=0,
        ) as running,
    ):
        try:
            yield running
        finally:
            if running.poll() is None:
                os.killpg(running.pid, signal.SIGINT)


def test_it_tells_a_whole_migration_and_every_check_passes(tmp_path):
    home, log = tmp_path / "home", tmp_path / "log"
    with demo(home, log) as running:
        status = running.wait(timeout=840)
    said = log.read_text("utf-8")
    assert status == 0, said
    typed = re.findall(r"^\$ hotswap (.+)$", said, flags=re.MULTILINE)
    story = [
        *("init", "preflight", "plan", "stage dualwrite", "backfill", "verify", "stage shadow"),
        *("quality", "gate", "stage live", "ramp 5", "ramp 10", "ramp 50", "rollback"),
        *("stage live", "flag set true", "stage rampdown", "verify ollama", "stage complete"),
        *("retire cloud --dry-run", "retire cloud --yes", "verify"),
    ]
    left = iter(typed)
    missing = [step for step in story if not any(line.startswith(step) for line in left)]
    assert missing == [], typed
    assert re.search(r"^ failed +0 *$", said, flags=re.MULTILINE), said
    assert "gate: successful" in said
    assert "ollama: clean" in said
    assert owned(str(home)) == {}


async def test_interrupted_it_leaves_no_process_and_names_its_logs(tmp_path):
    home, log = tmp_path / "home", tmp_path / "log"
    with demo(home, log) as running:
        await until(lambda: "$ hotswap preflight" in log.read_text("utf-8"), "it checks", 240)
        os.killpg(running.pid, signal.SIGINT)
        status = running.wait(timeout=60)
    said = log.read_text("utf-8")
    assert status == 130, said
    assert f"logs are in {home / 'logs'}" in said.replace("\n", "")
    assert "Traceback" not in said
    assert owned(str(home)) == {}
