"""The page for operators: its commands print what it shows, and its plain records are orders."""

import re
import shlex
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from streams.adapters.memory_log import MemoryLog
from streams.cli.exits import EPILOG, Exit
from streams.migration.verdicts import Accepted
from streams.services.control import ControlLog
from tests.unit.cli.conftest import Hotswap, Systems
from tests.unit.cli.rows import now, rows_of
from tests.unit.cli.walking import append, catch_up, walk

PAGE = Path(__file__).parents[3] / "ops" / "operating.md"
LATER = {"an hour later": 3_600, "a week later": 604_800}
BEGIN_MS = 1_772_442_000_000
STEP_MS = 20_000


class Clock:
    """The broker's clock and the operator's: a step further with every record."""

    def __init__(self) -> None:
        self.ms = BEGIN_MS

    def append(self) -> int:
        self.ms += STEP_MS
        return self.ms


@pytest.fixture
def world(monkeypatch, systems) -> tuple[Systems, Clock]:
    clock = Clock()
    systems.log = MemoryLog(clock=clock.append)
    monkeypatch.setattr("time.time_ns", lambda: clock.ms * 1_000_000)
    monkeypatch.setattr("streams.cli.session.operator", lambda: "ops@host1")
    return systems, clock


def lines_of(text: str) -> list[str]:
    """Without what is layout only, and without what a verify measured."""
    shown = [re.sub(r"\d+\.\d s$", "0.1 s", line.rstrip()) for line in text.splitlines()]
    return [line for line in shown if line]


def steps() -> Iterator[tuple[str, list[str]]]:
    """Each line of a console block that is not output, with its output."""
    for block in re.findall(r"```console\n(.*?)```", PAGE.read_text(), re.DOTALL):
        for step in re.split(r"^(?=[$#] )", block, flags=re.MULTILINE):
            if step:
                command, _, output = step.partition("\n")
                yield command, lines_of(output)


def test_every_command_on_the_page_prints_what_the_page_shows(hotswap, world, monkeypatch):
    systems, clock = world
    monkeypatch.setenv("COLUMNS", "92")
    assert hotswap("init").status == Exit.OK
    fill(systems)
    done = 0
    for command, expected in steps():
        if command.startswith("# "):
            clock.ms += 1_000 * LATER[command.removeprefix("# ")]
            continue
        words = shlex.split(command.removeprefix("$ "))
        if words[0] == "hotswap":
            ended = hotswap(*words[1:])
            shown, status = lines_of(ended.out + ended.err), ended.status
        else:
            assert command == "$ echo $?"
            shown = [str(int(status))]
        assert shown == expected, command
        catch_up(systems)
        done += 1
    assert done > 20


def fill(systems: Systems) -> None:
    """Three documents, with their rows in both lanes."""
    lanes = now(ControlLog(systems.log, "control").refresh()).lanes
    texts = ["red apples", "green pears", "blue plums"]
    rows = now(rows_of(systems.log, systems.embedders["cloud"], texts))
    now(systems.store.upsert(lanes["cloud"].pinned.collection, rows))
    vectors = now(systems.embedders["ollama"].embed(texts))
    others = [replace(row, embedding=vector) for row, vector in zip(rows, vectors, strict=True)]
    now(systems.store.upsert(lanes["ollama"].pinned.collection, others))
    catch_up(systems)


def test_the_plain_records_on_the_page_are_orders_that_are_obeyed(hotswap: Hotswap, world):
    systems, _ = world
    assert hotswap("init").status == Exit.OK
    walk(hotswap, systems, "ramp 5")
    records = re.findall(r"'(\{[^']*\})'", PAGE.read_text())
    assert len(records) >= 5
    for record in records:
        append(systems, record.encode())
        control = ControlLog(systems.log, "control")
        state = now(control.refresh())
        folded = control.folded(control.fold.offset)
        assert folded is not None
        assert isinstance(folded.verdict, Accepted), (record, folded.verdict)
        assert state.version == folded.offset


def test_the_page_explains_every_exit_status():
    table = dict(re.findall(r"^\| (\d+) \| (.*?) \|", PAGE.read_text(), re.MULTILINE))
    assert {int(status) for status in table} == {int(status) for status in Exit}
    for status, meaning in table.items():
        assert f"{status} {meaning}" in EPILOG
